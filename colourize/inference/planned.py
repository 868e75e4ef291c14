"""Decides which picture becomes which file: from files, folders and patterns to a file or a folder."""

import glob
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from colourize import files
from colourize.data import kinds, read
from colourize.errors import InputError, shown
from colourize.inference import saving

log = logging.getLogger(__name__)
STANDARD = "-"
PAIR, UNSURE = "side-by-side", "uncertainty"  # labels of additional files, which are not coloured


@dataclass(frozen=True)
class Job:
    """A picture to colour: its file (None for standard input) and the result's file (None for standard output)."""

    source: Path | None
    target: Path | None

    @property
    def name(self) -> str:
        """The picture's name for messages."""
        return "standard input" if self.source is None else files.printable(str(self.source))

    def beside(self, label: str, suffix: str | None = None) -> Path:
        """An additional file of the picture: ``photo.1.png`` beside ``photo.png`` for the label ``1``.

        Raises:
            InputError: the result goes to standard output.
        """
        if self.target is None:
            raise InputError("standard output takes one picture; pass -o FILE")
        return self.target.with_name(f"{self.target.stem}.{label}{suffix or self.target.suffix}")


def plan(inputs: Sequence[str], output: str, suffix: str | None = None) -> list[Job]:
    """The jobs of a command.

    A folder is mirrored below ``output`` with the same relative names. A file becomes ``output`` itself if that has the
    suffix of a picture; it becomes a file of its name in ``output`` if that is a folder, ends in / or has no suffix.
    ``.png`` is appended to a name whose format colourize does not write. Among several pictures, files that
    --uncertainty and --side-by-side wrote are left out.

    Args:
        inputs: files, folders, patterns such as "scans/*.jpg", or "-" for standard input.
        output: a file, a folder, or "-" for standard output.
        suffix: of all results, such as ".png"; None for each picture's own.

    Raises:
        InputError: an input does not exist; a result would replace an input; two results have one name; "-" is not
            the only input; ``output`` has another suffix; a folder below it is a link, which may lead elsewhere.
    """
    place = files.expanded(output)
    if STANDARD in (output, *inputs):
        return [_standard(inputs, output, place, suffix)]
    found = _without_further([path for word in inputs for path in _matches(word)])
    alone = len(found) == 1 and found[0].is_file()
    if alone and _is_file(output, place):
        jobs = [Job(found[0], place if suffix is None else place.with_suffix(suffix))]
    else:
        if not _is_folder(output, place):
            _check_folder_name(place, len(found), alone)
        if place.exists() and not place.is_dir():
            raise InputError(f"{place} must be a folder for {len(found)} inputs; pass -o FOLDER")
        pictures = list(_pictures(found, place))
        folders = {folder for _, relative in pictures for folder in PurePosixPath(relative).parents[:-1]}
        files.check_no_links(sorted(place / folder for folder in folders))
        jobs = [Job(path, named(place / relative, suffix)) for path, relative in pictures]
    check(jobs, lambda job: [] if job.target is None else [job.target])
    return jobs


def _standard(inputs: Sequence[str], output: str, place: Path, suffix: str | None) -> Job:
    if len(inputs) > 1:
        raise InputError(f"- must be the only input beside -o {shown(output)}, got {len(inputs)} inputs")
    source = None if inputs[0] == STANDARD else _matches(inputs[0])
    if source is not None and (len(source) > 1 or not source[0].is_file()):
        raise InputError(f"-o - takes one picture, got {shown(inputs[0])}; pass -o FOLDER")
    if output != STANDARD and not _is_file(output, place):
        raise InputError(f"-o must be a file with a suffix such as .png for standard input, got {shown(output)}")
    target = place if suffix is None else place.with_suffix(suffix)
    return Job(None if source is None else source[0], None if output == STANDARD else target)


def _matches(word: str) -> list[Path]:
    """The paths that an argument names: a file or a folder, else all matches of a pattern, sorted."""
    path = files.expanded(word)
    if path.exists():
        if not (path.is_file() or path.is_dir()):
            raise InputError(f"{shown(word)} must be a regular file or a folder; pass - for standard input")
        return [path]
    found = sorted(glob.glob(str(path), recursive=True)) if glob.has_magic(word) else []
    if not found:
        raise InputError(f"{shown(word)}: no such file or folder{files.looked_at(path)}")
    return [Path(each) for each in found]


def _is_folder(output: str, place: Path) -> bool:
    return place.is_dir() or output.endswith(("/", os.sep))


def _is_file(output: str, place: Path) -> bool:
    return place.suffix.lower() in saving.FORMATS and not _is_folder(output, place)


def _check_folder_name(place: Path, inputs: int, alone: bool) -> None:
    """Checks that a folder's name is not a file's, perhaps mistyped; ``alone``: the input is one file."""
    written = place.suffix.lower() in saving.FORMATS
    if alone and place.suffix and not written and not place.exists():
        raise InputError(
            f"an output must end in {', '.join(saving.FORMATS)}, got {shown(place.name)}; "
            "pass one of them, or end it in / for a folder"
        )
    if not alone and place.suffix.lower() in read.extensions():
        what = f"there are {inputs} inputs" if inputs > 1 else "the input is a folder"
        raise InputError(f"{place} is a file's name, and {what}; pass -o FOLDER, or end it in /")


def _pictures(found: Sequence[Path], place: Path) -> Iterator[tuple[Path, str]]:
    """Each picture with its name below the output folder. Pictures in the output folder itself are left out."""
    outside = files.place(place)
    for path in found:
        if not path.is_dir():
            yield path, path.name
            continue
        names, others = kinds.scan(path)
        below = files.place(path) in outside.parents  # then results of an earlier command lie among the pictures
        own = [name for name in names if not _is_further(name)]
        inside = [name for name in own if not (below and files.place(path / name).is_relative_to(outside))]
        _log_further(len(names) - len(own), f" in {files.printable(str(path))}")
        if not inside:
            raise InputError(f"{path} holds no picture files such as .jpg or .png; pass another folder")
        kinds.log_left_out(path, others)
        yield from ((path / name, name) for name in inside)


def _without_further(found: list[Path]) -> list[Path]:
    """The paths without the files that an earlier command wrote beside its results, which a pattern may match.

    A single path stays as it is: the user named it.

    Raises:
        InputError: nothing is left.
    """
    own = [path for path in found if path.is_dir() or not _is_further(path.name)]
    if len(found) < 2 or len(own) == len(found):
        return found
    if not own:
        raise InputError(f"all {len(found)} files are named .{PAIR} or .{UNSURE}; pass one of them alone to colour it")
    _log_further(len(found) - len(own), "")
    return own


def _log_further(count: int, where: str) -> None:
    if count:
        log.warning(
            "%d files named .%s or .%s%s are left out: an earlier colourize photo wrote them; pass one alone",
            count, PAIR, UNSURE, where,
        )  # fmt: skip


def _is_further(name: str) -> bool:
    """Whether a file is named like those that ``--side-by-side`` and ``--uncertainty`` write."""
    return PurePosixPath(PurePosixPath(name).stem).suffix in (f".{PAIR}", f".{UNSURE}")


def named(target: Path, suffix: str | None) -> Path:
    """The result's file for a picture's name: with another ``suffix``, or ".png" appended to a format that colourize
    does not write."""
    if suffix is not None:
        return target.with_suffix(suffix)
    return target if target.suffix.lower() in saving.FORMATS else target.with_name(f"{target.name}.png")


def check(jobs: Sequence[Job], written: Callable[[Job], Sequence[Path]], also_read: Sequence[Path] = ()) -> None:
    """Checks that no job would replace an input, a folder, a pipe or a device, and that no two jobs would write one
    file.

    Args:
        jobs: of one command.
        written: the files that a job writes.
        also_read: other files that the command reads.

    Raises:
        InputError: with the names of the pictures.
    """
    sources = {files.place(job.source) for job in jobs if job.source is not None}
    others = {files.place(path) for path in also_read}
    owners: dict[Path, Job] = {}
    for job in jobs:
        for path in written(job):
            shown_path = files.printable(str(path))
            if files.place(path) in sources or _same(job.source, path):
                raise InputError(f"{shown_path} is an input picture; pass another -o")
            if files.place(path) in others:
                raise InputError(f"{shown_path} is a file that this command reads; pass another -o")
            if path.exists() and not path.is_file():
                raise InputError(f"{shown_path} must be a regular file; pass another -o")
            if (other := owners.setdefault(path, job)) is not job:
                raise InputError(f"{other.name} and {job.name} would both write {shown_path}; pass them one by one")


def _same(source: Path | None, target: Path) -> bool:
    """Whether both are one file, as hard links are."""
    return source is not None and source.exists() and target.exists() and os.path.samefile(source, target)
