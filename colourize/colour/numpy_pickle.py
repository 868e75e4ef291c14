"""Arrays in a pickle, read without unpickling: no code that the pickle names is ever run.

Not even numpy's own part of a pickle, because a dtype's hostile state lets it read and write any memory. A small
machine knows the opcodes that pickled arrays are made of, and makes arrays of their bytes itself. What it takes of
memory is bounded by the pickle's own size.
"""

import codecs
import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from colourize.files import printable

MOST_DIGITS = 20  # of a number in text
_ESCAPED = rb"""(?:[^\\]|\\[\\'"nrt]|\\x[0-9a-f]{2})*"""  # of what repr() makes of a str of Python 2
_HOMES = "numpy.core.multiarray", "numpy._core.multiarray"  # numpy 1 and 2
_NAMES = {
    **{(home, "_reconstruct"): "array" for home in _HOMES},
    **{(home, "scalar"): "scalar" for home in _HOMES},
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",
}
_NUMBERS = {f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)} | {"f2", "f4", "f8"}
_OBJECTS = {"O", "O4", "O8"}


class UnreadablePickle(Exception):  # noqa: N818
    """A pickle of something else than arrays; the text is a short reason on one line."""


@dataclass(frozen=True)
class _Name:
    """A global that the pickle names: one of ``_NAMES``."""

    what: str


@dataclass
class _Dtype:
    name: str
    order: str | None = None


class _Array:
    """An array to come: its ``value``, [N] objects as a list, is there when its state is."""

    value: np.ndarray | list[Any] | None = None


_MARK = object()


def arrays(content: bytes) -> Any:
    """The value of a pickle: an array of numbers, up to [N, M]; for an array of N objects a list of such values.

    Raises:
        UnreadablePickle: an opcode, a name or a state that no such array has, or a cut file.
    """
    return _value(_Machine(content).run())


class _Machine:
    """Runs the opcodes that numpy's arrays in a pickle of protocol 0 to 4 are made of, and no others."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.place = 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        while (code := self.take(1)) != b".":
            step = _STEPS.get(code)
            if step is None:
                raise UnreadablePickle(f"opcode {code!r} has no place in it")
            step(self)
        return self.pop()

    def take(self, size: int) -> bytes:
        part = self.content[self.place : self.place + size]
        if len(part) < size:
            raise UnreadablePickle("it is cut off")
        self.place += size
        return part

    def line(self) -> bytes:
        end = self.content.find(b"\n", self.place)
        if end < 0:
            raise UnreadablePickle("it is cut off")
        start, self.place = self.place, end + 1
        return self.content[start:end]

    def number(self, form: str) -> int:
        value: int = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return value

    def digits(self) -> int:
        text = self.line().rstrip(b"L")
        if len(text) > MOST_DIGITS or not text.removeprefix(b"-").isdigit():
            raise UnreadablePickle("a number that is none")
        return int(text)

    def pop(self) -> Any:
        if not self.stack:
            raise UnreadablePickle("a value is missing")
        return self.stack.pop()

    def since_mark(self) -> list[Any]:
        values = []
        while (value := self.pop()) is not _MARK:
            values.append(value)
        return values[::-1]

    def store(self, key: int) -> None:
        value = self.pop()
        self.memo[key] = value
        self.stack.append(value)

    def fetch(self, key: int) -> None:
        if key not in self.memo:
            raise UnreadablePickle("a value is missing")
        self.stack.append(self.memo[key])

    def extend(self, values: list[Any]) -> None:
        target = self.pop()
        if not isinstance(target, list):
            raise UnreadablePickle("a list that is none")
        target.extend(values)
        self.stack.append(target)

    def name(self, home: Any, name: Any) -> None:
        if (home, name) not in _NAMES:
            raise UnreadablePickle(f"it names {printable(f'{home}.{name}'[:100])}")
        self.stack.append(_Name(_NAMES[home, name]))

    def call(self) -> None:
        arguments, function = self.pop(), self.pop()
        if not isinstance(function, _Name) or not isinstance(arguments, tuple):
            raise UnreadablePickle("it calls what is no function")
        self.stack.append(_made(function.what, arguments))

    def build(self) -> None:
        state, target = self.pop(), self.pop()
        match target, state:
            case _Dtype(order=None), (int(), str() | bytes() as order, None, None, None, int(), int(), int()):
                target.order = _text(order)
            case _Array(value=None), (int(), tuple() as shape, _Dtype() as dtype, int() as by_columns, data):
                target.value = _filled(shape, dtype, bool(by_columns), data)
            case _Array(value=None), (tuple() as shape, _Dtype() as dtype, int() as by_columns, data):
                target.value = _filled(shape, dtype, bool(by_columns), data)
            case _:
                raise UnreadablePickle("a state that no plain array has")
        self.stack.append(target)


def _made(what: str, arguments: tuple[Any, ...]) -> Any:
    match what, arguments:
        case "array", (_Name(what="ndarray"), tuple(), str() | bytes()):
            return _Array()
        case "dtype", (str() | bytes() as name, int(), int()) if _text(name) in _NUMBERS | _OBJECTS:
            return _Dtype(_text(name))
        case "scalar", (_Dtype() as dtype, str() | bytes() as data):
            return _filled((), dtype, False, data)
        case "encode", (str() as text, "latin1" | "latin-1"):
            return _bytes(text)
    raise UnreadablePickle(f"a call of {what} that no plain array needs")


def _filled(shape: tuple[Any, ...], dtype: _Dtype, by_columns: bool, data: Any) -> np.ndarray | list[Any]:
    """An array of the bytes that are there; of objects, the list of them."""
    if len(shape) > 2 or not all(type(side) is int and 0 <= side < 2**31 for side in shape):
        raise UnreadablePickle("a shape that is none")
    if dtype.name in _OBJECTS:
        if not isinstance(data, list) or shape != (len(data),):
            raise UnreadablePickle("objects that are not listed")
        return data
    if not isinstance(data, str | bytes) or dtype.order not in ("<", ">", "|", "=", None):
        raise UnreadablePickle("numbers that are not stored as bytes")
    kind, content = np.dtype(("<" if dtype.order in ("|", "=", None) else dtype.order) + dtype.name), _bytes(data)
    if math.prod(shape) * kind.itemsize != len(content):
        raise UnreadablePickle(f"an array of {shape} in {len(content)} bytes")
    return np.frombuffer(content, kind).reshape(shape, order="F" if by_columns else "C")


def _value(value: Any) -> Any:
    """What the machine has made, without its place-holders: two levels, which is what the layout has."""

    def of(item: Any) -> Any:
        return item.value if isinstance(item, _Array) else item

    return [of(item) for item in of(value)] if isinstance(of(value), list) else of(value)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _bytes(value: str | bytes) -> bytes:
    try:
        return value if isinstance(value, bytes) else value.encode("latin-1")
    except UnicodeEncodeError:
        raise UnreadablePickle("numbers that are not stored as bytes") from None


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise UnreadablePickle("a text that is none") from None


def _quoted(machine: _Machine) -> str:
    """A string of protocol 0, in Python 2's quotes."""
    line = machine.line()
    if len(line) < 2 or line[:1] not in (b"'", b'"') or line[-1:] != line[:1]:
        raise UnreadablePickle("a text without its quotes")
    if not re.fullmatch(_ESCAPED, line[1:-1], re.DOTALL):
        raise UnreadablePickle("a text that is none")
    return _decoded(codecs.escape_decode(line[1:-1])[0], "latin-1")


def _whole(machine: _Machine) -> int | bool:
    flag = machine.content[machine.place : machine.place + 3]
    if flag in (b"00\n", b"01\n"):
        machine.place += 3
        return flag == b"01\n"
    return machine.digits()


def _real(machine: _Machine) -> float:
    try:
        return float(machine.line())
    except ValueError:
        raise UnreadablePickle("a number that is none") from None


def _push(read: Callable[[_Machine], Any]) -> Callable[[_Machine], None]:
    return lambda machine: machine.stack.append(read(machine))


def _sized(form: str, encoding: str | None) -> Callable[[_Machine], None]:
    """Bytes behind their number, as text where there is an encoding."""

    def read(machine: _Machine) -> str | bytes:
        size = machine.number(form)
        if size < 0:
            raise UnreadablePickle("a negative size")
        content = machine.take(size)
        return content if encoding is None else _decoded(content, encoding)

    return _push(read)


def _tuple(size: int) -> Callable[[_Machine], None]:
    return _push(lambda machine: tuple([machine.pop() for _ in range(size)][::-1]))


def _stack_global(machine: _Machine) -> None:
    name, home = machine.pop(), machine.pop()
    if not (isinstance(name, str) and isinstance(home, str)):
        raise UnreadablePickle("a name that is none")
    machine.name(home, name)


def _global(machine: _Machine) -> None:
    home = _decoded(machine.line(), "utf-8")
    machine.name(home, _decoded(machine.line(), "utf-8"))


def _append(machine: _Machine) -> None:
    value = machine.pop()
    machine.extend([value])


def _passed(size: int) -> Callable[[_Machine], None]:
    def step(machine: _Machine) -> None:
        machine.take(size)

    return step


def _store(form: str) -> Callable[[_Machine], None]:
    return lambda machine: machine.store(machine.number(form))


def _fetch(form: str) -> Callable[[_Machine], None]:
    return lambda machine: machine.fetch(machine.number(form))


def _constant(value: Any) -> Callable[[_Machine], None]:
    return _push(lambda machine: value)


_STEPS: dict[bytes, Callable[[_Machine], None]] = {
    b"\x80": _passed(1), b"\x95": _passed(8),  # the protocol, a frame
    b"(": _constant(_MARK), b"N": _constant(None), b"\x88": _constant(True), b"\x89": _constant(False),
    b")": _constant(()), b"]": _push(lambda machine: []),
    b"t": _push(lambda machine: tuple(machine.since_mark())), b"l": _push(lambda machine: machine.since_mark()),
    b"\x85": _tuple(1), b"\x86": _tuple(2), b"\x87": _tuple(3),
    b"a": _append, b"e": lambda machine: machine.extend(machine.since_mark()),
    b"I": _push(_whole), b"L": _push(_Machine.digits), b"F": _push(_real),
    b"K": _push(lambda machine: machine.number("<B")), b"M": _push(lambda machine: machine.number("<H")),
    b"J": _push(lambda machine: machine.number("<i")), b"G": _push(lambda machine: machine.number(">d")),
    b"\x8a": _push(lambda machine: int.from_bytes(machine.take(machine.number("<B")), "little", signed=True)),
    b"S": _push(_quoted), b"U": _sized("<B", "latin-1"), b"T": _sized("<i", "latin-1"),
    b"V": _push(lambda machine: _decoded(machine.line(), "raw-unicode-escape")),
    b"X": _sized("<I", "utf-8"), b"\x8c": _sized("<B", "utf-8"), b"C": _sized("<B", None), b"B": _sized("<I", None),
    b"p": lambda machine: machine.store(machine.digits()), b"g": lambda machine: machine.fetch(machine.digits()),
    b"q": _store("<B"), b"r": _store("<I"), b"h": _fetch("<B"), b"j": _fetch("<I"),
    b"\x94": lambda machine: machine.store(len(machine.memo)),
    b"c": _global, b"\x93": _stack_global, b"R": _Machine.call, b"b": _Machine.build,
}  # fmt: skip
