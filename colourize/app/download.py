"""The files that a visitor downloads: what ``colourize photo`` writes with the same choices, byte for byte."""

import shlex
import shutil
from pathlib import Path, PurePosixPath
from typing import Literal

from colourize.app.desk import Desk
from colourize.app.steering import arguments
from colourize.errors import InputError
from colourize.inference import photo, planned
from colourize.inference.photo import Options
from colourize.inference.planned import Job

Kind = Literal["coloured", "side-by-side", "uncertainty"]
KINDS: tuple[Kind, ...] = "coloured", "side-by-side", "uncertainty"


def name(desk: Desk) -> str:
    """The name of the coloured file: scan.jpg -> scan-coloured.jpg."""
    held = desk.needed()
    suffix = desk.steering.format or None
    target = planned.named(Path(held.path.name), suffix)
    return f"{PurePosixPath(target.name).stem}-coloured{target.suffix}"


def written(desk: Desk, kind: Kind) -> tuple[str, bytes]:
    """The name and the bytes of a download at full size.

    Raises:
        InputError: no photograph, or it cannot be coloured or written.
    """
    with desk.lock:
        held, steering = desk.held, desk.steering
        target = desk.folder / "download" / name(desk)
        assert held is not None
        predictor = desk.predictor()
        choices = steering.choices(held.hints, desk.palette())
        options = Options(
            choices, None, overwrite=True, recolour=True, metadata=steering.metadata,
            uncertainty=kind == "uncertainty", side_by_side=kind == "side-by-side", max_pixels=desk.max_pixels,
            note=photo.note(choices, predictor),
        )  # fmt: skip
        job = Job(held.path, target)
        labels = {"side-by-side": (planned.PAIR, None), "uncertainty": (planned.UNSURE, ".png")}
        place = job.beside(*labels[kind]) if kind in labels else target
        try:
            outcome = photo.run(job, predictor, options, desk.budget)
            if outcome.status != "done":
                raise InputError(outcome.text or outcome.status)
            return place.name, place.read_bytes()
        finally:
            shutil.rmtree(target.parent, ignore_errors=True)


def command(desk: Desk) -> str:
    """The command that writes the same file; "" without a photograph."""
    held, steering = desk.held, desk.steering
    if held is None:
        return ""
    path = desk.networks.path(steering.model)
    reference = desk.reference.name if desk.reference is not None else ""
    words = ["colourize", "photo", held.path.name, "-o", name(desk)]
    words += arguments(steering, held.hints, reference, "" if path == "shipped" else path)
    return shlex.join(words if held.kind != "coloured" else [*words, "--recolour"])
