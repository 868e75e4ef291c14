"""Checks the pickle inside a checkpoint before torch reads it.

``weights_only=True`` does not run foreign code, but a few bytes can still cost hours or gigabytes: hashes of nested
tuples, or text that is encoded repeatedly. The check tracks the depth and size of each item.
"""

import pickletools
from typing import Any

DEEPEST = 64  # levels; our checkpoints have about ten
LARGEST = 1_000_000  # elements of a tuple at all depths, with repetitions
PUSHES = {
    "NONE", "NEWTRUE", "NEWFALSE", "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES",
    "SHORT_BINBYTES", "EMPTY_LIST", "EMPTY_DICT", "EMPTY_TUPLE", "EMPTY_SET", "GLOBAL",
}  # fmt: skip
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
CALLS = {"REDUCE": 2, "NEWOBJ": 2, "BUILD": 2, "SETITEM": 3, "APPEND": 2}  # number of items merged into one
TO_THE_MARK = {"TUPLE", "LIST", "DICT", "APPENDS", "SETITEMS"}
NAMES = "torch", "collections"  # modules of the classes in our checkpoints
MARK = (0, 0)
Item = tuple[int, int]  # depth and size


def check(data: bytes) -> None:
    """Raises ValueError if a pickle contains unexpected items, or expands to more than its size."""
    try:
        _walk(data)
    except (IndexError, KeyError, TypeError) as error:
        raise ValueError(f"its pickle is incomplete ({type(error).__name__})") from error


def _walk(data: bytes) -> None:
    stack: list[Any] = []
    memo: dict[Any, Item] = {}
    for opcode, argument, _ in pickletools.genops(data):
        name = opcode.name
        if name == "GLOBAL" and str(argument).partition(" ")[0].partition(".")[0] not in NAMES:
            raise ValueError(f"it names {str(argument)[:60]}")
        if name in ("PROTO", "STOP", "FRAME"):
            continue
        if name == "MARK":
            stack.append(None)
        elif name in PUSHES:
            stack.append((1, 1))
        elif name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            memo[len(memo) if name == "MEMOIZE" else argument] = stack[-1] or MARK
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name == "BINPERSID":
            stack[-1] = (1, 1)
        else:
            _combine(name, stack)


def _combine(name: str, stack: list[Any]) -> None:
    """Replaces the items that an opcode combines with one item."""
    if name in TO_THE_MARK:
        place = len(stack) - 1 - stack[::-1].index(None)
        items = stack[place + 1 :]
        del stack[place:]
        if name in ("APPENDS", "SETITEMS"):
            items.append(stack.pop())
    elif name in TUPLES or name in CALLS:
        count = TUPLES.get(name) or CALLS[name]
        items = stack[-count:]
        if len(items) < count:
            raise IndexError
        del stack[-count:]
    else:
        raise ValueError(f"a checkpoint never has its opcode {name}")
    depth, size = 1 + max((item[0] for item in items), default=0), 1 + sum(item[1] for item in items)
    if depth > DEEPEST or (name.startswith("TUPLE") and size > LARGEST):
        raise ValueError("it is nested too deeply")
    stack.append((depth, min(size, 10 * LARGEST)))
