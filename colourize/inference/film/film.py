"""Colours a film part by part; the same call continues an interrupted one. H height, W width."""

import errno
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import av
from PIL import Image

from colourize import __version__, files
from colourize.errors import InputError
from colourize.files import printable
from colourize.inference.film import encoded, joined, parts, source
from colourize.inference.film.container import reason
from colourize.inference.film.known import digest
from colourize.inference.film.parts import Memory, Part, Parts
from colourize.inference.film.source import Film, Frame, Picture
from colourize.inference.opening import kind

LENGTH = 100  # frames of a part: the most that is lost when the process is killed
LOOKED, STEP, THUMB = 100, 10, 128  # each tenth of the first 100 frames is checked for colour, at 128 pixels
QUALITY = 18  # x264's constant rate factor; 18 is hard to distinguish from the original
Progress = Callable[[int, int], None]  # frames done, frames in all


class Painter(Protocol):
    """Colours the frames of a film in their order."""

    @property
    def key(self) -> Mapping[str, Any]:
        """Plain values that determine the colours."""

    def paint(self, picture: Picture) -> Picture:
        """The next frame: uint8 [H, W, 3] -> uint8 [H, W, 3]."""

    def memory(self) -> Memory:
        """The state that later frames need."""

    def recall(self, memory: Memory) -> None:
        """Restores the state that ``memory`` returned, so that ``paint`` continues with the next frame."""


def colour(
    path: Path,
    output: Path,
    painter: Painter,
    quality: int = QUALITY,
    length: int = LENGTH,
    recolour: bool = False,
    progress: Progress = lambda done, total: None,
    overwrite: bool = False,
) -> Film:
    """Colours a film. Finished parts are kept in the folder OUTPUT.parts until the film is complete. After an
    interruption the same call continues after them, and the result is the same.

    Args:
        path: of the film.
        output: ends in .mp4, .m4v, .mov or .mkv.
        painter: gives the colours.
        quality: x264's constant rate factor, 0 (largest file) to 51.
        length: frames of a part.
        recolour: also recolour a film that already has colour.
        progress: called at every frame.
        overwrite: replace an existing output, once the new one is complete.

    Raises:
        InputError: a film or an output that cannot be used, or parts with other settings.
        OSError: a file that cannot be read or written.
    """
    check_names(path, output, overwrite)
    film = source.probed(path)
    encoded.check_encodable(film)
    joined.check_copied(film, output)
    if not recolour:
        check_grey(film)
    key = {**painter.key, "film": digest(path), "quality": quality, "length": length, "colourize": __version__}
    with parts.opened(output, {**key, "av": av.__version__}) as kept:
        files.remove_stale([output])
        done = kept.finished()
        _colour_rest(film, kept, done, painter, quality, length, progress)
        _join(film, kept, done, output)
        kept.remove()
    return film


def check_names(path: Path, output: Path, overwrite: bool = False) -> None:
    """Checks the names of a film and its output.

    Raises:
        InputError: the output is the film itself, exists without ``overwrite``, has another suffix, or is in a folder
            that does not exist.
    """
    files.check_output(output, tuple(joined.FORMATS))
    if path.exists() and parts.same_file(path, output):
        raise InputError(f"{printable(str(output))} is the film itself; pass another output")
    if output.exists() and not overwrite:
        raise InputError(f"{printable(str(output))} exists; remove it, or pass another output or --overwrite")


def check_grey(film: Film) -> None:
    """Checks every tenth of the first 100 frames; toned ones, such as sepia, count as grey.

    Raises:
        InputError: a frame is in colour.
    """
    for frame in islice(source.frames(film), 0, LOOKED, STEP):
        thumb = Image.fromarray(frame.picture)
        thumb.thumbnail((THUMB, THUMB), Image.Resampling.BOX)
        if kind(thumb) == "coloured":
            text = f"is in colour already, at {float(frame.time * film.time_base):.2f} s"
            raise InputError(f"{printable(str(film.path))} {text}; pass --recolour to replace its colours")


def _colour_rest(
    film: Film, kept: Parts, done: list[Part], painter: Painter, quality: int, length: int, progress: Progress
) -> None:
    """Adds the missing parts to ``done``."""
    count = sum(part.frames for part in done)
    # Frames of finished parts are read again, because seeking is not exact in every film.
    frames: Iterator[Frame] = islice(source.frames(film), count, None)
    if done and done[-1].memory is not None:
        painter.recall(done[-1].memory)
    frames = _observed(frames, count, film.frames, progress)
    for index, group in enumerate(_groups(frames, length), len(done)):
        done.append(kept.add(index, partial(_write, group=group, film=film, painter=painter, quality=quality)))


def _write(file: BinaryIO, group: Iterator[Frame], film: Film, painter: Painter, quality: int) -> Part:
    last = 0

    def painted() -> Iterator[Frame]:
        nonlocal last
        for frame in group:
            last = frame.duration
            yield frame._replace(picture=painter.paint(frame.picture))

    count = encoded.write(file, film, painted(), quality)
    return Part(count, last, painter.memory())


def _groups(frames: Iterator[Frame], length: int) -> Iterator[Iterator[Frame]]:
    for first in frames:
        yield chain([first], islice(frames, length - 1))


def _observed(frames: Iterator[Frame], done: int, total: int, progress: Progress) -> Iterator[Frame]:
    for count, frame in enumerate(frames, done):
        progress(count, max(count, total))
        yield frame
    progress(total, total)


def _join(film: Film, kept: Parts, done: list[Part], output: Path) -> None:
    paths = [kept.film(index) for index in range(len(done))]
    if not paths:
        raise InputError(f"{printable(str(film.path))} has no frame that can be read; pass another film")
    for path, part in zip(paths, done, strict=True):
        if joined.length(path) != part.frames:
            raise InputError(f"{printable(str(path))} is damaged; delete it, and repeat the command")
    try:
        files.replace(output, lambda file: joined.write(file, film, paths, done[-1].last, output))
    except av.FFmpegError as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        raise InputError(f"{printable(str(output))} cannot be written ({reason(error)}); try one in .mkv") from error
