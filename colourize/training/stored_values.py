"""Compares plain values of a checkpoint with values that a run writes. Converts nothing."""

from typing import Any


def is_number(value: Any) -> bool:
    """Whether a value is a number; True and False are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_count(value: Any) -> bool:
    """Whether a value is an integer in [0, 2^53)."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def is_like(old: Any, new: Any) -> bool:
    """Whether two values are of the same kind: a count, a number, a switch, None, or a list of these."""
    if isinstance(new, list | tuple):
        return isinstance(old, list | tuple) and len(old) == len(new) and all(map(is_like, old, new))
    if new is None or isinstance(new, bool):
        return type(old) is type(new)
    return is_count(old) if isinstance(new, int) else is_number(old)


def is_same(old: Any, new: Any) -> bool:
    """Whether plain values are equal. True differs from 1; a list may equal a tuple."""
    if isinstance(new, dict):
        return isinstance(old, dict) and old.keys() == new.keys() and all(is_same(old[name], new[name]) for name in new)
    if isinstance(new, list | tuple):
        return isinstance(old, list | tuple) and len(old) == len(new) and all(map(is_same, old, new))
    same_kind = type(old) is type(new) or (is_number(old) and is_number(new))
    return same_kind and bool(old == new)
