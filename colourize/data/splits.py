"""Splits the picture files of a folder into training and validation. Layout of the folder: ``data.folder``."""

import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from colourize.data.classes import check_validation_classes, selected_classes
from colourize.data.kinds import lack, log_left_out, scan
from colourize.errors import InputError
from colourize.files import printable

log = logging.getLogger(__name__)
DEFAULT_HOLDOUT = 0.1
VALIDATION_FOLDERS = ({"val", "valid", "validation"}, {"test"})  # the first that exists validates

ClassSelection = str | int | Sequence[str | int]
Classes = dict[str, str | None]
"""Paths below the root with '/' as separator, each with its class in lower case; None for a file without a class."""


class Chosen(NamedTuple):
    """The files to read: first ``num_train`` for training, then the validation folder's; ``share`` is held out."""

    files: list[str]
    num_train: int
    share: float


def chosen_files(
    root: Path, classes: ClassSelection, validation_classes: ClassSelection | None, holdout: float
) -> Chosen:
    """The training and validation files of a folder. Layout: ``data.folder``; arguments: ``data.folder.load``.

    Raises:
        InputError: as ``data.folder.load``.
    """
    paths, others = scan(root)
    if not paths:
        raise InputError(lack(root, others))
    log_left_out(root, others)
    train, validation = split_folders(root, paths)
    share = 0.0 if validation and not holdout else holdout or DEFAULT_HOLDOUT
    if share and (unread := {path.split("/")[0] for path in validation} - {"test"}):
        log_unread(root / min(unread), share)
    check_validation_classes(validation_classes, share)
    names = {name for name in train.values() if name is not None}
    validate = classes if validation_classes is None else validation_classes
    trained = wanted(root, classes, names)
    training = [path for path, name in train.items() if name in trained]
    validated = wanted(root, validate, names)
    validating = [path for path, name in validation.items() if name in validated and not share]
    if not (validating or share):
        raise InputError(f"classes={validate!r}: no pictures of them validate in {root}; add some, or pass holdout=0.1")
    return Chosen(training + validating, len(training), share)


def log_unread(place: object, share: float) -> None:
    """Logs that validation pictures are not read, because a share of the training pictures validates."""
    log.warning(
        "%s is not read: holdout=%g, so this share of the training pictures validates; holdout=0 validates on it",
        printable(str(place)), share,
    )  # fmt: skip


def split_folders(root: Path, paths: Collection[str]) -> tuple[Classes, Classes]:
    """The training and the validation paths below ``root``, each with its class.

    Raises:
        InputError: only ``test/`` or ``val/`` contains pictures, or ``train/`` may be a split or a class.
    """
    heads = {path: _first_folder(path) for path in paths}
    folders = {head for head in heads.values() if head is not None}
    names = next((names for names in VALIDATION_FOLDERS if names & folders), set())
    others = sorted(folders - {"train"}.union(*VALIDATION_FOLDERS))
    if "train" not in folders:
        if names and not others and None not in heads.values():
            raise InputError(
                f"{root} contains {min(folders)}/ but no pictures in train/; add some, or pass that folder"
            )
        return heads, {}
    if others and not names:
        raise InputError(
            f"{root} contains train/ and {others[0]}/, so it may be a split or a class; pass {root / 'train'} or move "
            "all the classes into train/"
        )
    train, validation = (
        {path: _first_folder(path.split("/", 1)[1]) for path in paths if heads[path] in chosen}
        for chosen in ({"train"}, names)
    )
    return train, validation


def _first_folder(path: str) -> str | None:
    return path.split("/")[0].lower() if "/" in path else None


def wanted(root: str | Path, classes: ClassSelection, names: Collection[str]) -> Collection[str | None]:
    """The names of the chosen classes, with None for files without a class."""
    listed = list(classes) if isinstance(classes, list | tuple) else [classes]
    if listed == ["all"]:
        return {None, *names}
    if not names:
        raise InputError(f"classes={classes!r}, but {root} has no subfolders of classes; add them, or pass 'all'")
    ordered = sorted(names)
    lower = classes.lower() if isinstance(classes, str) else [str(item).lower() for item in listed]
    return {ordered[index] for index in selected_classes(lower, ordered)}
