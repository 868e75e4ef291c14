"""Writes the page of a preparation, ``prepared.html``, and its contact sheets, ``samples.png`` and ``dropped.png``."""

import base64
import functools
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image

from colourize.data.kinds import NO_ENDING, NO_FILE
from colourize.data.preparation.examined import DUPLICATE, KEPT, NEAR_DUPLICATE, UNREADABLE, Outcome
from colourize.data.preparation.settings import LARGEST, Settings
from colourize.data.preparation.summary import DROPPED, rules, training_command
from colourize.data.read import UnreadablePicture, read_rgb
from colourize.files import printable, read_bytes, replace_text
from colourize.present import figures, html
from colourize.present.html import Cell, Grid, Line

PAGE, SAMPLES, LEFT_OUT = "prepared.html", "samples.png", "dropped.png"
THUMBNAIL = 112  # pixels
MOST_KEPT, MOST_DROPPED, MOST_NAMED = 48, 12, 100  # pictures on the page; names of files without a picture
ACROSS, MOST_ROWS = 10, 16  # of a contact sheet
SAMPLES_TITLE = (
    "Some of the pictures kept: a row for each class (without classes: for each split), with its number of pictures"
)
DROPPED_TITLE = "Some of the pictures dropped: a row for each reason, with its number of pictures"


NO_PICTURES = {NO_ENDING: "no ending", NO_FILE: "pipes, sockets, devices"}


class Shown(NamedTuple):
    """A picture on the page: its URL, its name, and the text below it."""

    source: str
    name: str
    text: str = ""


def write(out: Path, root: Path, settings: Settings, outcomes: Sequence[Outcome], found: dict[str, Any]) -> None:
    """Writes the page and the sheets; ``dropped.png`` only if a dropped picture can be shown."""
    by_content = sorted(outcomes, key=lambda each: each.file.content[::-1])  # reproducible, and mixes the splits
    kept = [each for each in by_content if each.state == KEPT]
    dropped = {reason: [each for each in by_content if each.state == reason] for reason in DROPPED}
    read = functools.cache(lambda path: _thumbnail(root / path))
    figures.save(figures.strip_figure(_sample_rows(out, kept), SAMPLES_TITLE), out / SAMPLES)
    if rows := _dropped_rows(dropped, read):
        figures.save(figures.strip_figure(rows, DROPPED_TITLE), out / LEFT_OUT)
    text = html.render(
        "prepared.html.j2",
        title=f"Pictures of {printable(root.name or str(root))}, prepared",
        facts=_facts(found, settings),
        tables=[("Results for the files", _counts(found, settings)), ("Splits and classes", _splits(found)),
                ("Sizes and colours of the pictures kept", _spreads(found)),
                ("Floors that a network must beat", _floors(found))],
        kept=[Shown(_address(_thumbnail(out / each.written)), each.written) for each in kept[:MOST_KEPT]],
        dropped=[(reason, rules(settings)[reason], len(some), _shown(some, read)) for reason, some in dropped.items()
                 if some],
        command=training_command(out, settings.side),
    )  # fmt: skip
    replace_text(out / PAGE, text)


def _thumbnail(path: Path) -> Image.Image | None:
    try:
        image = read_rgb(read_bytes(path, LARGEST), at_least=THUMBNAIL)
    except (UnreadablePicture, OSError, ValueError):
        return None
    image.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    return image


def _address(image: Image.Image | None) -> str:
    if image is None:
        return ""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _shown(dropped: Sequence[Outcome], read: Any) -> list[Shown]:
    """The first pictures dropped for a reason; each duplicate is followed by its original."""
    if dropped[0].state == UNREADABLE:
        return [Shown("", each.file.path, each.why) for each in dropped[:MOST_NAMED]]
    shown = []
    for each in dropped[:MOST_DROPPED]:
        shown.append(Shown(_address(read(each.file.path)), each.file.path, each.why))
        if each.like:
            shown.append(Shown(_address(read(each.like)), each.like, "kept"))
    return shown


def _row(images: Iterable[Image.Image | None]) -> torch.Tensor | None:
    """Pictures on white squares, for one row, float32 [<= 10, 3, 112, 112] in [0, 1]; None without pictures."""
    squares = []
    for image in images:
        if image is not None:
            square = Image.new("RGB", (THUMBNAIL, THUMBNAIL), "white")
            square.paste(image, ((THUMBNAIL - image.width) // 2, (THUMBNAIL - image.height) // 2))
            squares.append(np.asarray(square))
    if not squares:
        return None
    white = [np.full_like(squares[0], 255)] * (ACROSS - len(squares))
    return torch.from_numpy(np.stack([*squares, *white])).movedim(3, 1) / 255


def _sample_rows(out: Path, kept: Sequence[Outcome]) -> dict[str, torch.Tensor]:
    """A row for each class, or for each split if there are no classes."""
    groups: dict[str, list[Outcome]] = {}
    for each in kept:
        split, *rest = each.written.split("/")
        groups.setdefault(rest[0] if len(rest) > 1 else split, []).append(each)
    rows = {}
    for name in sorted(groups)[:MOST_ROWS]:
        row = _row(_thumbnail(out / each.written) for each in groups[name][:ACROSS])
        if row is not None:
            rows[f"{printable(name)}, {len(groups[name]):,}"] = row
    return rows


def _dropped_rows(dropped: dict[str, list[Outcome]], read: Any) -> dict[str, torch.Tensor]:
    rows = {}
    for reason, some in dropped.items():
        row = _row(read(each.file.path) for each in some[:ACROSS])
        if row is not None:
            rows[f"{reason}, {len(some):,}"] = row
        if reason in (DUPLICATE, NEAR_DUPLICATE) and row is not None:
            originals = _row(read(each.like) for each in some[:ACROSS])
            if originals is not None:
                rows[f"kept instead of the {reason}s"] = originals
    return rows


def _facts(found: dict[str, Any], settings: Settings) -> str:
    kept, files = found["kept"], found["files"]
    shape = "centre squares of" if settings.square else "the shorter side at"
    return f"{kept:,} of {files:,} picture files are kept, {shape} {settings.side} pixels, as {settings.form.upper()}."


def _counts(found: dict[str, Any], settings: Settings) -> Grid:
    lines = [Line("best", Cell("kept"), [Cell(f"{found['kept']:,}"), Cell("")])]
    for reason, rule in rules(settings).items():
        lines.append(Line("", Cell(reason), [Cell(f"{found['dropped'][reason]:,}"), Cell(rule)]))
    for kind, count in found["left_out"].items():
        lines.append(
            Line("", Cell(NO_PICTURES.get(kind, kind)), [Cell(f"{count:,}"), Cell("left out: not read as pictures")])
        )
    return Grid(["", "files", ""], [True, False, True], lines)


def _splits(found: dict[str, Any]) -> Grid:
    splits = found["splits"]
    names = sorted({name for split in splits.values() for name in split["classes"]})
    lines = [Line("best", Cell("pictures"), [Cell(f"{split['pictures']:,}") for split in splits.values()])]
    for name in names:
        counted = [Cell(f"{split['classes'].get(name, 0):,}") for split in splits.values()]
        lines.append(Line("", Cell(name), counted))
    return Grid(["", *splits], [True, *[False] * len(splits)], lines)


def _spreads(found: dict[str, Any]) -> Grid:
    columns = "least", "mean", "median", "most"
    titles = {"width": "width, pixels", "height": "height, pixels", "colourfulness": "colourfulness",
              "chroma": "chroma of the most colourful hundredth"}  # fmt: skip
    lines = [
        Line("", Cell(title), [Cell(f"{found[name][column]:,.4g}") for column in columns])
        for name, title in titles.items()
    ]
    return Grid(["", *columns], [True, *[False] * 4], lines)


def _floors(found: dict[str, Any]) -> Grid:
    lines = []
    for space, values in found["floors"].items():
        cells = [Cell(f"{values['table']:.3f}"), Cell(f"{values['accuracy']:.1%}"), Cell(f"{values['prior']:.3f}")]
        lines.append(Line("floor", Cell(f"colour_space={space}"), cells))
    head = ["", "cross-entropy of the look-up table", "its accuracy", "cross-entropy of the class prior"]
    return Grid(head, [True, False, False, False], lines)
