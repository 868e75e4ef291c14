"""Reads arrays from a pickle without unpickling it, so that no code named in the pickle runs.

numpy's own unpickling is not used either, because a hostile dtype state can read and write arbitrary memory. Instead a
small interpreter supports only the opcodes of pickled arrays and builds the arrays from their bytes. Its memory is
bounded by the size of the pickle. N, M sides of an array.
"""

from collections.abc import Callable

from colourize.colour.pickle_stream import Stream, as_text
from colourize.colour.pickled_arrays import NAMES, Array, Dtype, Name, UnreadablePickle, called, filled, text_of
from colourize.files import printable

_MARK = object()


def arrays(content: bytes) -> object:
    """The value of a pickle: an array of numbers, up to [N, M]; for an array of N objects a list of such values.

    Raises:
        UnreadablePickle: the pickle contains an opcode, a name or a state of other objects, or is truncated.
    """
    return _value(_Machine(content).run())


class _Machine:
    """Interprets only the opcodes of numpy arrays in pickles of protocols 0 to 4."""

    def __init__(self, content: bytes) -> None:
        self.stream = Stream(content)
        self.stack: list[object] = []
        self.memo: dict[int, object] = {}

    def run(self) -> object:
        while (code := self.stream.take(1)) != b".":
            step = _STEPS.get(code)
            if step is None:
                raise UnreadablePickle(f"it has the unexpected opcode {code!r}")
            step(self)
        return self.pop()

    def pop(self) -> object:
        if not self.stack:
            raise UnreadablePickle("a value is missing")
        return self.stack.pop()

    def since_mark(self) -> list[object]:
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

    def extend(self, values: list[object]) -> None:
        target = self.pop()
        if not isinstance(target, list):
            raise UnreadablePickle("it appends to something other than a list")
        target.extend(values)
        self.stack.append(target)

    def name(self, home: str, name: str) -> None:
        if (home, name) not in NAMES:
            raise UnreadablePickle(f"it names {printable(f'{home}.{name}'[:100])}")
        self.stack.append(Name(NAMES[home, name]))

    def call(self) -> None:
        arguments, function = self.pop(), self.pop()
        if not isinstance(function, Name) or not isinstance(arguments, tuple):
            raise UnreadablePickle("it calls something other than a function")
        self.stack.append(called(function.what, arguments))

    def build(self) -> None:
        state, target = self.pop(), self.pop()
        match target, state:
            case Dtype(order=None), (int(), str() | bytes() as order, None, None, None, int(), int(), int()):
                target.order = text_of(order)
            case Array(value=None), (int(), tuple() as shape, Dtype() as dtype, int() as by_columns, data):
                target.value = filled(shape, dtype, bool(by_columns), data)
            case Array(value=None), (tuple() as shape, Dtype() as dtype, int() as by_columns, data):
                target.value = filled(shape, dtype, bool(by_columns), data)
            case _:
                raise UnreadablePickle("it has a state that a plain array never has")
        self.stack.append(target)


def _value(value: object) -> object:
    """Replaces ``Array`` in the interpreter's result by its value, to a depth of two levels."""

    def of(item: object) -> object:
        return item.value if isinstance(item, Array) else item

    result = of(value)
    return [of(item) for item in result] if isinstance(result, list) else result


def _push(make: Callable[[_Machine], object]) -> Callable[[_Machine], None]:
    return lambda machine: machine.stack.append(make(machine))


def _read(part: Callable[[Stream], object]) -> Callable[[_Machine], None]:
    return lambda machine: machine.stack.append(part(machine.stream))


def _sized(form: str, encoding: str | None) -> Callable[[_Machine], None]:
    return _read(lambda stream: stream.sized(form, encoding))


def _tuple(size: int) -> Callable[[_Machine], None]:
    return _push(lambda machine: tuple([machine.pop() for _ in range(size)][::-1]))


def _stack_global(machine: _Machine) -> None:
    name, home = machine.pop(), machine.pop()
    if not (isinstance(name, str) and isinstance(home, str)):
        raise UnreadablePickle("it has an invalid name")
    machine.name(home, name)


def _global(machine: _Machine) -> None:
    home = as_text(machine.stream.line(), "utf-8")
    machine.name(home, as_text(machine.stream.line(), "utf-8"))


def _append(machine: _Machine) -> None:
    value = machine.pop()
    machine.extend([value])


def _passed(size: int) -> Callable[[_Machine], None]:
    def step(machine: _Machine) -> None:
        machine.stream.take(size)

    return step


def _store(form: str) -> Callable[[_Machine], None]:
    return lambda machine: machine.store(machine.stream.number(form))


def _fetch(form: str) -> Callable[[_Machine], None]:
    return lambda machine: machine.fetch(machine.stream.number(form))


def _constant(value: object) -> Callable[[_Machine], None]:
    return _push(lambda machine: value)


_STEPS: dict[bytes, Callable[[_Machine], None]] = {
    b"\x80": _passed(1), b"\x95": _passed(8),  # the protocol, a frame
    b"(": _constant(_MARK), b"N": _constant(None), b"\x88": _constant(True), b"\x89": _constant(False),
    b")": _constant(()), b"]": _push(lambda machine: []),
    b"t": _push(lambda machine: tuple(machine.since_mark())), b"l": _push(lambda machine: machine.since_mark()),
    b"\x85": _tuple(1), b"\x86": _tuple(2), b"\x87": _tuple(3),
    b"a": _append, b"e": lambda machine: machine.extend(machine.since_mark()),
    b"I": _read(Stream.whole), b"L": _read(Stream.digits), b"F": _read(Stream.real),
    b"K": _read(lambda stream: stream.number("<B")), b"M": _read(lambda stream: stream.number("<H")),
    b"J": _read(lambda stream: stream.number("<i")), b"G": _read(lambda stream: stream.number(">d")),
    b"\x8a": _read(lambda stream: int.from_bytes(stream.take(stream.number("<B")), "little", signed=True)),
    b"S": _read(Stream.quoted), b"U": _sized("<B", "latin-1"), b"T": _sized("<i", "latin-1"),
    b"V": _read(lambda stream: as_text(stream.line(), "raw-unicode-escape")),
    b"X": _sized("<I", "utf-8"), b"\x8c": _sized("<B", "utf-8"), b"C": _sized("<B", None), b"B": _sized("<I", None),
    b"p": lambda machine: machine.store(machine.stream.digits()),
    b"g": lambda machine: machine.fetch(machine.stream.digits()),
    b"q": _store("<B"), b"r": _store("<I"), b"h": _fetch("<B"), b"j": _fetch("<I"),
    b"\x94": lambda machine: machine.store(len(machine.memo)),
    b"c": _global, b"\x93": _stack_global, b"R": _Machine.call, b"b": _Machine.build,
}  # fmt: skip
