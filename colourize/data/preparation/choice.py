"""Chooses which examined pictures are kept."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from colourize.data.preparation.duplicates import near_duplicates
from colourize.data.preparation.examined import DUPLICATE, KEPT, NEAR_DUPLICATE, Examined, Outcome
from colourize.data.preparation.settings import Settings
from colourize.data.preparation.splits import (
    TEST,
    TRAIN,
    VALIDATION,
    place_of,
    split_by_content,
    written_before,
)

RANK = {TEST: 0, VALIDATION: 1, TRAIN: 2, "": 2}
Given = Mapping[str, tuple[str, str]]


class _Candidate(NamedTuple):
    """A picture that may be kept. Its fields sort by preference: already written, test split, pixels, bytes, name."""

    is_new: bool
    rank: int
    pixels: int  # negative
    bytes: int  # negative
    path: str
    file: Examined
    before: str  # the split in which an earlier call wrote it


def choose(known: Sequence[Examined], given: Given, out: Path, settings: Settings) -> list[Outcome]:
    """The outcome of every file, in the order of their paths.

    Of duplicates one is kept, by this preference: written by an earlier call, in the folder's own test split, in its
    validation split, most pixels, most bytes. So no picture is in two splits.
    """
    dropped = [Outcome(file, file.state, file.why) for file in known if file.state]
    candidates = sorted(_candidate(file, given, out, settings) for file in known if not file.state)
    distinct, repeated = _without_copies(candidates)
    alike = near_duplicates([(each.file.hash, each.file.mirrored_hash) for each in distinct], settings.distance)
    kept = []
    for candidate, match in zip(distinct, alike, strict=True):
        if match is None:
            kept.append(candidate)
            continue
        like = distinct[match.row].path
        why = f"{'mirrored, ' * match.mirrored}{match.distance} of 256 bits differ"
        repeated.append(Outcome(candidate.file, NEAR_DUPLICATE, why, like=like))
    return sorted([*dropped, *repeated, *_placed(kept, given, settings)], key=lambda outcome: outcome.file.path)


def _candidate(file: Examined, given: Given, out: Path, settings: Settings) -> _Candidate:
    split, below = given[file.path]
    before = written_before(out, place_of(below, file.content, settings))
    return _Candidate(not before, RANK[split], -file.width * file.height, -file.bytes, file.path, file, before)


def _without_copies(candidates: Sequence[_Candidate]) -> tuple[list[_Candidate], list[Outcome]]:
    """The first picture of each content, and the outcomes of the others."""
    first: dict[str, _Candidate] = {}
    copies = []
    for each in candidates:
        original = first.setdefault(each.file.content, each)
        if original is not each:
            copies.append(Outcome(each.file, DUPLICATE, "the same bytes", like=original.path))
    return list(first.values()), copies


def _placed(kept: Sequence[_Candidate], given: Given, settings: Settings) -> list[Outcome]:
    theirs = {split for split, _ in given.values()}
    fixed = {row: each.before for row, each in enumerate(kept) if each.before}
    for row, each in enumerate(kept):
        split = given[each.path][0]
        if split in (VALIDATION, TEST) or (split and VALIDATION in theirs):
            fixed[row] = split
    share = 0.0 if TEST in theirs else settings.test
    contents = [each.file.content for each in kept]
    splits = split_by_content(contents, settings.validation, share, fixed)
    outcomes = []
    for each, split in zip(kept, splits, strict=True):
        place = place_of(given[each.path][1], each.file.content, settings)
        outcomes.append(Outcome(each.file, KEPT, split=split, written=f"{split}/{place}"))
    return outcomes
