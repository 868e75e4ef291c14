"""Examines each picture file separately, in several threads: reads, checks and resizes it."""

import hashlib
import io
import os
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from PIL import Image

from colourize import files
from colourize.data.in_threads import in_threads
from colourize.data.preparation.colours import TINT, Colours, colours_of
from colourize.data.preparation.duplicates import hashes
from colourize.data.preparation.examined import GREY, NARROW, TINTED, TINY, UNREADABLE, Examined
from colourize.data.preparation.settings import FORMATS, LARGEST, SAVED, Settings
from colourize.data.preparation.settings import NARROW as MOST_NARROW
from colourize.data.read import UnreadablePicture, declared_size, read_rgb
from colourize.data.read_files import status
from colourize.present.bar import bar

BATCH = 16  # pictures per task of a thread
KEEP_EVERY = 20.0  # seconds between two saves of the results; a kill loses at most this work


def examine(root: Path, path: str, settings: Settings) -> tuple[Examined, bytes]:
    """Examines a picture file. Also returns the encoded resized picture; b"" if it is dropped."""
    size, changed = status(os.path.join(root, path))
    file = Examined(path, size, changed, hashlib.blake2b(os.fsencode(path), digest_size=16).hexdigest())
    if size > LARGEST:
        return replace(file, state=UNREADABLE, why=f"{size:,} bytes, more than the limit of {LARGEST:,}"), b""
    try:
        with open(os.path.join(root, path), "rb") as opened:
            content = opened.read()
        file = replace(file, content=hashlib.blake2b(content, digest_size=16).hexdigest())
        width, height = declared_size(content)
        file = replace(file, width=width, height=height)
        if judged := _of_size(file, settings):
            return judged, b""
        image = read_rgb(content, at_least=settings.side)
    except (UnreadablePicture, OSError) as error:
        return replace(file, state=UNREADABLE, why=getattr(error, "strerror", None) or str(error)), b""
    return _of_colours(file, image, settings)


def _of_size(file: Examined, settings: Settings) -> Examined | None:
    short, long = sorted((file.width, file.height))
    if short < settings.smallest:
        return replace(file, state=TINY, why=f"{file.width} x {file.height}, a side below {settings.smallest}")
    if long > MOST_NARROW * short:
        return replace(
            file, state=NARROW, why=f"{file.width} x {file.height}, one side more than {MOST_NARROW} times the other"
        )
    return None


def _of_colours(file: Examined, image: Image.Image, settings: Settings) -> tuple[Examined, bytes]:
    colours = colours_of(image)
    file = replace(file, **vars(colours))
    if judged := _without_colour(colours, settings):
        state, why = judged
        return replace(file, state=state, why=why), b""
    small = resized(image, settings)
    plain, mirrored = hashes(small)
    return replace(file, hash=plain, mirrored_hash=mirrored), encoded(small, settings)


def _without_colour(colours: Colours, settings: Settings) -> tuple[str, str] | None:
    if settings.chroma and colours.chroma <= settings.chroma:
        return GREY, f"99 % of the pixels have a chroma of {colours.chroma:g} or less"
    if settings.chroma and colours.beyond_tint <= TINT:
        return TINTED, f"one hue for each lightness: 99 % of the pixels within {colours.beyond_tint:g} of it"
    return None


def resized(image: Image.Image, settings: Settings) -> Image.Image:
    """Reduces the picture, or its centre square, to a shorter side of ``settings.side`` by Lanczos; never enlarges."""
    width, height = image.size
    box = (0, 0, width, height)
    if settings.square:
        short = min(width, height)
        left, top = (width - short) // 2, (height - short) // 2
        box = (left, top, left + short, top + short)
    wide, high = box[2] - box[0], box[3] - box[1]
    scale = min(1.0, settings.side / min(wide, high))
    return image.resize((round(wide * scale), round(high * scale)), Image.Resampling.LANCZOS, box=box)


def encoded(image: Image.Image, settings: Settings) -> bytes:
    """The bytes of a picture file in the format of the settings, without metadata."""
    buffer = io.BytesIO()
    image.save(buffer, FORMATS[settings.form], **SAVED[settings.form])
    return buffer.getvalue()


def examine_all(
    root: Path,
    paths: Sequence[str],
    settings: Settings,
    jobs: int,
    staging: Path,
    keep: Callable[[Sequence[Examined]], None],
) -> list[Examined]:
    """Examines files with ``jobs`` threads; writes the resized pictures to ``staging``, named by their content's hash.

    Calls ``keep`` with all results every 20 seconds, and at the end or on an interruption.
    """

    def take(start: int) -> list[Examined]:
        found = []
        for path in paths[start : start + BATCH]:
            file, picture = examine(root, path, settings)
            if picture:
                files.replace(staging / f"{file.content}.{settings.form}", lambda opened, it=picture: opened.write(it))  # type: ignore[misc]
            found.append(file)
        return found

    known: list[Examined] = []
    kept_at = time.monotonic()
    try:
        # Pillow warns of odd metadata. The filter is global, so it is set outside the threads.
        with (
            warnings.catch_warnings(action="ignore"),
            bar("Reading pictures", len(paths)) as show,
            closing(in_threads(take, range(0, len(paths), BATCH), jobs)) as results,
        ):
            for found in results:
                show(advance=len(found))
                known += found
                if time.monotonic() - kept_at > KEEP_EVERY:
                    keep(known)
                    kept_at = time.monotonic()
    finally:
        keep(known)
    return known
