"""Reads numbers and texts, the arguments of opcodes, from the bytes of a pickle."""

import codecs
import re
import struct

from colourize.colour.pickled_arrays import UnreadablePickle

MOST_DIGITS = 20  # limit of a number written as text
_ESCAPED = rb"""(?:[^\\]|\\[\\'"nrt]|\\x[0-9a-f]{2})*"""  # repr() of a str in Python 2


class Stream:
    """The bytes of a pickle, read from the start to the end.

    Each method raises ``UnreadablePickle`` if the bytes end too early or are not of its form.
    """

    def __init__(self, content: bytes) -> None:
        self.content, self.place = content, 0

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        part = self.content[self.place : self.place + size]
        if len(part) < size:
            raise UnreadablePickle("it is cut off")
        self.place += size
        return part

    def line(self) -> bytes:
        """The bytes up to the next line feed."""
        end = self.content.find(b"\n", self.place)
        if end < 0:
            raise UnreadablePickle("it is cut off")
        start, self.place = self.place, end + 1
        return self.content[start:end]

    def number(self, form: str) -> int:
        """A binary number in a format of ``struct``."""
        value: int = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return value

    def digits(self) -> int:
        """A whole number written as a line of text, as Python 2 wrote it."""
        text = self.line().rstrip(b"L")
        if len(text) > MOST_DIGITS or not text.removeprefix(b"-").isdigit():
            raise UnreadablePickle("it has an invalid number")
        return int(text)

    def whole(self) -> int | bool:
        """A number or a truth value of protocol 0, a line of text."""
        flag = self.content[self.place : self.place + 3]
        if flag in (b"00\n", b"01\n"):
            self.place += 3
            return flag == b"01\n"
        return self.digits()

    def real(self) -> float:
        """A real number written as a line of text."""
        try:
            return float(self.line())
        except ValueError:
            raise UnreadablePickle("it has an invalid number") from None

    def quoted(self) -> str:
        """A string of protocol 0, in Python 2's quotes."""
        line = self.line()
        if len(line) < 2 or line[:1] not in (b"'", b'"') or line[-1:] != line[:1]:
            raise UnreadablePickle("it has a text without quotes")
        if not re.fullmatch(_ESCAPED, line[1:-1], re.DOTALL):
            raise UnreadablePickle("it has an invalid text")
        return as_text(codecs.escape_decode(line[1:-1])[0], "latin-1")

    def sized(self, form: str, encoding: str | None) -> str | bytes:
        """A count, in a format of ``struct``, and that many bytes; a text if an encoding is given."""
        size = self.number(form)
        if size < 0:
            raise UnreadablePickle("it has a negative size")
        content = self.take(size)
        return content if encoding is None else as_text(content, encoding)


def as_text(content: bytes, encoding: str) -> str:
    """The text of bytes; raises ``UnreadablePickle`` if they are not of the encoding."""
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise UnreadablePickle("it has an invalid text") from None
