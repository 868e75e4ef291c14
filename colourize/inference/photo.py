"""One job of ``colourize photo``: reads a picture, colours its frames, writes the results whole or not at all."""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from colourize import __version__, files
from colourize.data import read
from colourize.data.read import UnreadablePicture
from colourize.errors import InputError
from colourize.inference import memory, opening, planned, saving, uncertainty, working
from colourize.inference.colouring import Choices, Coloured, coloured
from colourize.inference.memory import Budget
from colourize.inference.opening import MAX_PIXELS, Extent, Frame, Photograph
from colourize.inference.planned import Job
from colourize.inference.predictor import Predictor
from colourize.inference.saving import Picture

LARGEST = 2_000_000_000  # bytes of standard input
WRITERS = 2  # threads beyond those that compute, for pictures that wait for the disk
PAIR = 3  # samples that take the memory of a grey and a coloured picture side by side
BEGIN = 1 << 16  # bytes of it that decide whether it is a picture
File = tuple[Path | None, bytes]  # None: standard output
Status = Literal["done", "already there", "in colour", "failed"]


@dataclass(frozen=True)
class Options:
    """Which files are written and how.

    Attributes:
        choices: how pictures are coloured.
        suffix: of the format on standard output; None for the picture's own.
        overwrite: replace existing results.
        recolour: also recolour pictures that already have colour.
        metadata: keep EXIF, XMP and other metadata, and add the note.
        uncertainty: also write a picture of the entropy (``uncertainty``).
        side_by_side: also write the grey and the coloured picture side by side.
        max_pixels: of a frame.
        note: how the picture was made, for the metadata.
    """

    choices: Choices
    suffix: str | None = None
    overwrite: bool = False
    recolour: bool = False
    metadata: bool = True
    uncertainty: bool = False
    side_by_side: bool = False
    max_pixels: int = MAX_PIXELS
    note: str = f"colourize {__version__}"


@dataclass(frozen=True)
class Outcome:
    """How a job ended: ``text`` is the reason of a failure, ``outside`` the share of pixels out of the gamut."""

    job: Job
    status: Status
    text: str = ""
    kind: str = ""
    outside: float = 0.0
    notes: tuple[str, ...] = ()


def run(job: Job, predictor: Predictor, options: Options, budget: Budget) -> Outcome:
    """Runs one job. Errors of the picture or its files become an outcome; any other exception is a bug."""
    try:
        targets = _targets(job, options)
        check_distinct([job], options)
        if _is_complete(job, options):
            return Outcome(job, "already there")
        source = job.source if job.source is not None else _standard_input()
        size = _memory(job, opening.extent(source, options.max_pixels), predictor, options, budget)
        with budget.place() as leave, budget.taken(size):
            outcome, contents = _coloured(job, source, targets, predictor, options)
            leave()  # the next picture computes while the disk writes this one
            for target, content in contents:
                _write(target, content, job, options)
            return outcome
    except (UnreadablePicture, InputError) as error:
        return Outcome(job, "failed", str(error))
    except MemoryError:
        return Outcome(job, "failed", "memory ran out; pass a smaller --size, --tiles or --jobs 1")
    except OSError as error:
        return Outcome(job, "failed", f"{files.printable(str(error.filename or job.name))}: {error.strerror or error}")


def _memory(job: Job, extent: Extent, predictor: Predictor, options: Options, budget: Budget) -> int:
    """Bytes that a job takes; raises InputError if they are more than the limit."""
    choices, pair = options.choices, options.side_by_side
    height, width = working.content_of(extent.size[1], extent.size[0], choices.size or predictor.card.size)
    encoder = memory.PER_ENCODED.get(_format(job, extent.format, options), 0) * extent.pixels * (1 + pair)
    further = memory.of_network(height * width, choices.tile) + encoder
    return budget.check(extent.pixels, extent.wide, choices.samples + PAIR * pair, further)


def note(choices: Choices, predictor: Predictor) -> str:
    """A note for the metadata: the version, the network and the decoding."""
    return f"colourize {__version__}: colours by {predictor.card.name}, {choices.decoding}"


def check_distinct(jobs: Sequence[Job], options: Options, also_read: Sequence[Path] = ()) -> None:
    """Checks all files that jobs write (``planned.check``), including side-by-side and uncertainty files."""
    planned.check(jobs, lambda job: _outputs(job, options), also_read)


def remove_stale(jobs: Sequence[Job], options: Options) -> None:
    """Removes the temporary files that killed commands left of the jobs' outputs (``files.remove_stale``)."""
    files.remove_stale(path for job in jobs for path in _outputs(job, options))


def _outputs(job: Job, options: Options) -> list[Path]:
    return [*_targets(job, options), *_beside(job, options)]


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise InputError("standard input is closed; pass a file")
    begin = sys.stdin.buffer.read(BEGIN)
    if begin and not read.may_begin_picture(begin):  # not 2 GB later
        raise UnreadablePicture("not a picture of a known format")
    content = begin + sys.stdin.buffer.read(LARGEST + 1 - len(begin))
    if len(content) > LARGEST:
        raise InputError(f"standard input must have <= {LARGEST:,} bytes")
    return content


def _targets(job: Job, options: Options) -> list[Path]:
    """The coloured pictures that a job writes."""
    if options.choices.samples > 1:
        return [job.beside(str(number)) for number in range(1, options.choices.samples + 1)]
    return [job.target] if job.target is not None else []


def _beside(job: Job, options: Options) -> list[Path]:
    """The additional pictures that a job writes."""
    side = [job.beside(planned.PAIR)] if options.side_by_side else []
    return [*side, job.beside(planned.UNSURE, ".png")] if options.uncertainty else side


def _is_complete(job: Job, options: Options) -> bool:
    """Whether all files of a job already exist."""
    places = _outputs(job, options)
    return bool(places) and not any(_is_due(path, options) for path in places)


def _is_due(path: Path, options: Options) -> bool:
    return options.overwrite or not path.exists()


def _coloured(
    job: Job, source: bytes | Path, targets: Sequence[Path], predictor: Predictor, options: Options
) -> tuple[Outcome, list[File]]:
    photograph = opening.photograph(source, options.max_pixels)
    if photograph.kind == "coloured" and not options.recolour:
        return Outcome(job, "in colour", kind=photograph.kind, notes=photograph.notes), []
    form = _format(job, photograph.format, options)
    wide = photograph.wide and form in saving.WIDE
    choices = replace(options.choices, wide=wide, uncertainty=options.uncertainty)
    saving.check(form, len(photograph.frames), photograph.frames[0].grey.shape)
    if note := _too_long_pair(photograph.frames[0], form, options):
        photograph, options = replace(photograph, notes=(*photograph.notes, note)), replace(options, side_by_side=False)
        if _is_complete(job, options):
            return Outcome(job, "already there", notes=photograph.notes), []
    key = os.fsencode(job.source.name) if job.source is not None else b""
    results = [coloured(predictor, frame.grey, choices, key) for frame in photograph.frames]
    contents: list[File] = []
    for number, target in enumerate(targets or [None]):
        if target is None or _is_due(target, options):
            pictures, threads = _frames(photograph, results, number), options.choices.threads
            content = saving.written(pictures, form, photograph.info, _note(options), photograph.loops, threads)
            contents.append((target, content))
    contents += _files_beside(job, photograph, results, form, options)
    notes = (*photograph.notes, *_kept(job, options))
    return Outcome(job, "done", kind=photograph.kind, outside=results[0].outside, notes=notes), contents


def _kept(job: Job, options: Options) -> list[str]:
    """A note if some of the files that a job writes already exist."""
    names = [files.printable(path.name) for path in _outputs(job, options) if not _is_due(path, options)]
    them = "it" if len(names) == 1 else "them"
    return [f"{', '.join(names)} already there (--overwrite replaces {them})"] if names else []


def _too_long_pair(frame: Frame, form: str, options: Options) -> str:
    """Why the format cannot hold the pair of ``side_by_side``; "" if it can."""
    height, width = frame.grey.shape
    try:
        saving.check(form, 1, (height, 2 * width if options.side_by_side else width))
    except InputError as error:
        return f"the pair of --side-by-side is left out: {error}"
    return ""


def _format(job: Job, own: str, options: Options) -> str:
    if job.target is not None:
        return saving.format_of(job.target.suffix)
    if options.suffix is not None:
        return saving.format_of(options.suffix)
    return own if own in saving.FORMATS.values() else "PNG"


def _frames(photograph: Photograph, results: Sequence[Coloured], number: int) -> list[Picture]:
    return [
        Picture(result.pictures[number], frame.alpha, frame.seconds)
        for frame, result in zip(photograph.frames, results, strict=True)
    ]


def _note(options: Options) -> str:
    """The note, or "", for which ``saving`` writes no metadata."""
    return options.note if options.metadata else ""


def _write(target: Path | None, content: bytes, job: Job, options: Options) -> None:
    if target is None:
        if sys.stdout is None:
            raise InputError("standard output is closed; pass -o FILE")
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    files.replace(target, lambda file: file.write(content))
    if job.source is not None and options.metadata:
        times = job.source.stat()
        os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))


def _files_beside(
    job: Job, photograph: Photograph, results: Sequence[Coloured], form: str, options: Options
) -> Iterator[File]:
    frame, result, note = photograph.frames[0], results[0], _note(options)
    if options.side_by_side and _is_due(place := job.beside(planned.PAIR), options):
        yield place, saving.written([_pair(frame, result)], form, {}, note, threads=options.choices.threads)
    if result.entropy is not None and _is_due(place := job.beside(planned.UNSURE, ".png"), options):
        unsure = Picture(uncertainty.picture(result.entropy, *frame.grey.shape))
        yield place, saving.written([unsure], "PNG", {}, note)


def _pair(frame: Frame, result: Coloured) -> Picture:
    grey = frame.grey.astype(np.uint32) * 65535 // np.iinfo(frame.grey.dtype).max
    levels = grey.astype(np.uint16) if result.pictures[0].dtype == np.uint16 else (grey >> 8).astype(np.uint8)
    return Picture(np.concatenate([np.repeat(levels[..., None], 3, axis=2), result.pictures[0]], axis=1))
