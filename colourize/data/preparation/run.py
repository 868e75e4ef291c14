"""``prepare``: prepares a folder of pictures for training."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from filelock import FileLock, Timeout

from colourize import files
from colourize.data.kinds import Kinds, lack, scan
from colourize.data.preparation import examined, output
from colourize.data.preparation.choice import choose
from colourize.data.preparation.examination import examine, examine_all
from colourize.data.preparation.examined import KEPT, Examined, Outcome
from colourize.data.preparation.settings import Settings
from colourize.data.preparation.splits import all_written, given_splits
from colourize.data.preparation.summary import counts, summary
from colourize.data.read_files import status
from colourize.errors import InputError


@dataclass(frozen=True)
class Prepared:
    """The result of a preparation.

    Attributes:
        figures: the content of ``prepared.json``.
        outcomes: one for each picture file, in the order of their paths.
        new: number of pictures written by this call.
        stray: number of prepared pictures in the output folder without an original.
        unchanged: whether nothing has changed since an earlier, finished call.
    """

    figures: dict[str, Any]
    outcomes: Sequence[Outcome]
    new: int
    stray: int
    unchanged: bool = False


def prepare(root: str | Path, out: str | Path, settings: Settings, jobs: int) -> Prepared:
    """Prepares the pictures below ``root`` for training; writes ``train/``, ``val/`` and ``test/`` into ``out``.

    Pictures that ``out`` already contains are not written again. A file is examined again only if its size or
    modification time has changed. A crash leaves no partial files, and the same call then continues the work.

    Args:
        root: the folder of pictures, with any subfolders.
        out: a new or empty folder, or the output of an earlier call with the same arguments.
        settings: which pictures are kept, and how they are written.
        jobs: number of threads.

    Raises:
        InputError: no picture files, or fewer than two pictures kept; or ``out`` is in ``root``, contains other files,
            is in use, or was prepared from another folder or with other settings.
        OSError: a folder cannot be read or written.
    """
    root, out = files.expanded(root), files.expanded(out)
    _check_apart(root, out)
    paths, others = scan(root, "")
    given = given_splits(paths)
    if not given:
        raise InputError(lack(root, others, ""))
    output.remove_stale(out)
    output.check(out, root, settings)
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / output.LOCK, timeout=0):
            return _prepare(root, out, settings, jobs, given, _left_out(others, len(paths) - len(given)))
    except Timeout:
        raise InputError(f"{out} is being prepared by another process; wait for it, or pass another folder") from None


def _check_apart(root: Path, out: Path) -> None:
    inner, outer = files.place(out), files.place(root)
    if inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise InputError(f"-o {out} must neither be in {root} nor contain it; pass another folder")


def _left_out(others: Kinds, beside: int) -> dict[str, int]:
    """Counts of the other files by extension, and of the pictures outside the split folders."""
    return {**dict(sorted(others.items())), **({"beside the split folders": beside} if beside else {})}


def _prepare(
    root: Path, out: Path, settings: Settings, jobs: int, given: Mapping[str, tuple[str, str]], left_out: dict[str, int]
) -> Prepared:
    output.begin(out, root, settings)
    known, is_old = _examined(root, out, settings, jobs, list(given))
    outcomes = choose(known, given, out, settings)
    kept = [each for each in outcomes if each.state == KEPT]
    if len(kept) < 2:
        raise InputError(_too_few(root, len(kept), outcomes))
    new = [each for each in kept if not (out / each.written).is_file()]
    files.check_no_links(sorted({out / folder for each in new for folder in PurePosixPath(each.written).parents[:-1]}))
    files.remove_stale(out / each.written for each in new)
    for each in new:
        _write(root, out, each, settings)
    shutil.rmtree(out / output.STAGING, ignore_errors=True)
    stray = len(all_written(out) - {each.written for each in kept})
    finished = output.finished(out) if is_old and not new else None
    figures = finished
    if figures is None:
        figures = output.finish(out, root, settings, outcomes, {**summary(outcomes, settings), "left_out": left_out})
        examined.write(out / output.LIST, outcomes)
    return Prepared(figures, outcomes, len(new), stray, finished is not None and not stray)


def _examined(
    root: Path, out: Path, settings: Settings, jobs: int, paths: Sequence[str]
) -> tuple[list[Examined], bool]:
    """The examined files, and whether an earlier call examined exactly these files."""
    before = examined.read(out / output.LIST)
    same = {
        path: before[path]
        for path in paths
        if path in before and (before[path].bytes, before[path].changed) == status(os.path.join(root, path))
    }
    todo = [path for path in paths if path not in same]
    if not todo:
        return list(same.values()), len(before) == len(paths)

    def keep(known: Sequence[Examined]) -> None:
        examined.write(out / output.LIST, [Outcome(file, "") for file in (*same.values(), *known)])

    staging = out / output.STAGING
    staging.mkdir(exist_ok=True)
    return [*same.values(), *examine_all(root, todo, settings, jobs, staging, keep)], False


def _too_few(root: Path, kept: int, outcomes: Sequence[Outcome]) -> str:
    listed = ", ".join(f"{count} {reason}" for reason, count in counts(outcomes).items() if count)
    pictures = "no picture is" if not kept else "1 picture is"
    return f"{pictures} left of {len(outcomes)} in {root} ({listed}), but training needs 2; add pictures"


def _write(root: Path, out: Path, outcome: Outcome, settings: Settings) -> None:
    """Moves the resized picture from ``staging`` to its place, or creates it if it is missing there."""
    target, staged = out / outcome.written, out / output.STAGING / f"{outcome.file.content}.{settings.form}"
    target.parent.mkdir(parents=True, exist_ok=True)
    if staged.is_file():
        os.replace(staged, target)
        return
    _, picture = examine(root, outcome.file.path, settings)
    if not picture:
        raise InputError(f"{root / outcome.file.path} changed during the preparation; run the same command again")
    files.replace(target, lambda file: file.write(picture))
