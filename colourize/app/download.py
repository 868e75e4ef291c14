"""The files that a visitor downloads, byte for byte as ``colourize photo`` writes them with the same choices."""

import contextlib
import secrets
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Literal

from colourize.app import room as rooms
from colourize.app.desk import Desk
from colourize.app.held import Held
from colourize.app.steering import arguments
from colourize.errors import InputError
from colourize.inference import photo, planned
from colourize.inference.photo import Options
from colourize.inference.planned import Job

Kind = Literal["coloured", "side-by-side", "uncertainty"]
KINDS: tuple[Kind, ...] = "coloured", "side-by-side", "uncertainty"


def name(desk: Desk, held: Held) -> str:
    """The name of the coloured file: scan.jpg -> scan-coloured.jpg."""
    suffix = desk.steering.format or None
    target = planned.named(Path(held.path.name), suffix)
    return f"{PurePosixPath(target.name).stem}-coloured{target.suffix}"


@contextlib.contextmanager
def written(desk: Desk, kind: Kind, of: str = "") -> Iterator[Path]:
    """A download at full size, which is removed at the end.

    Args:
        desk: of the visitor.
        kind: of download.
        of: number of the photograph; "" for the one that is shown.

    Raises:
        InputError: no such photograph; it cannot be coloured or written; no room on the disk.
    """
    folder = desk.folder / f"download-{secrets.token_hex(8)}"
    try:
        place = _write(desk, kind, of, folder)
        desk.room.take(desk.folder.name, folder.name, place.stat().st_size)
        yield place
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        desk.room.give(desk.folder.name, folder.name)


def _write(desk: Desk, kind: Kind, of: str, folder: Path) -> Path:
    with desk.lock:
        held, steering = desk.needed(of), desk.steering
        rooms.check(desk.folder)
        target = folder / name(desk, held)
        predictor = desk.predictor()
        choices = steering.choices(held.hints, desk.palette())
        options = Options(
            choices, None, overwrite=True, recolour=True, metadata=steering.metadata,
            uncertainty=kind == "uncertainty", side_by_side=kind == "side-by-side", max_pixels=desk.max_pixels,
            note=photo.note(choices, predictor),
        )  # fmt: skip
        job = Job(held.path, target)
        labels = {"side-by-side": (planned.PAIR, None), "uncertainty": (planned.UNSURE, ".png")}
        outcome = photo.run(job, predictor, options, desk.budget)
        if outcome.status != "done":
            raise InputError(outcome.text or outcome.status)
        return job.beside(*labels[kind]) if kind in labels else target


def command(desk: Desk) -> str:
    """The command that writes the same file; "" without a photograph."""
    held, steering = desk.held, desk.steering
    if held is None:
        return ""
    path = desk.networks.path(steering.model)
    reference = desk.reference.name if desk.reference is not None else ""
    words = ["colourize", "photo", held.path.name, "-o", name(desk, held)]
    words += arguments(steering, held.hints, reference, "" if path == "shipped" else path)
    return shlex.join(words if held.kind != "coloured" else [*words, "--recolour"])
