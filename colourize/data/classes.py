"""Selection of classes of a data source."""

from collections.abc import Iterable, Sequence

from colourize.errors import InputError


def selected_classes(classes: str | int | Iterable[str | int], names: Sequence[str]) -> list[int]:
    """Indices of the chosen classes, ascending and without duplicates.

    ``classes`` is 'all', a name, an index (a number or its digits), several of these separated by commas, or a list.
    A name takes precedence over an index: with folders 1 and 2, 1 means the folder named 1.

    Raises:
        InputError: a class that is neither a name nor an index of ``names``, or an empty selection.
    """
    listed = classes.split(",") if isinstance(classes, str) else classes
    wanted = list(listed) if isinstance(listed, Iterable) else [listed]
    if not wanted:
        raise InputError(f"classes must name at least one class, got {classes!r}; pass some of {_valid(names)}")
    return sorted({index for item in wanted for index in _indices(item, names)})


def _indices(item: str | int, names: Sequence[str]) -> list[int]:
    text = str(item).strip()
    if text == "all":
        return list(range(len(names)))
    if text in names:
        return [list(names).index(text)]
    if text.isdecimal() and int(text) < len(names):
        return [int(text)]
    raise InputError(f"classes={text!r}: unknown class; pass some of {_valid(names)}")


def _valid(names: Sequence[str]) -> str:
    shown = list(names) if len(names) <= 20 else [*names[:10], "...", names[-1]]
    return f"{', '.join(shown)}, 0 to {len(names) - 1}, or all"


def check_validation_classes(classes: object, holdout: float) -> None:
    """Raises InputError if both validation classes and a share of the training pictures for validation are given."""
    if classes is not None and holdout:
        raise InputError(
            f"data.validation_classes={classes}, but {holdout:g} of the training pictures validate; leave one out"
        )
