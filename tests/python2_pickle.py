"""Pickles in the form written by Python 2 and its numpy, byte by byte: protocols 0 and 2."""

import io
import struct

import numpy as np


class Writer:
    """Opcodes of one protocol, in the order in which Python 2's ``pickle`` writes them."""

    def __init__(self, protocol: int) -> None:
        self.binary = protocol == 2
        self.memo = 0

    def put(self) -> bytes:
        self.memo += 1
        if not self.binary:
            return b"p%d\n" % self.memo
        return b"q" + bytes([self.memo]) if self.memo < 256 else b"r" + struct.pack("<I", self.memo)

    def integer(self, value: int) -> bytes:
        if not self.binary:
            return b"I%d\n" % value
        return b"K" + bytes([value]) if 0 <= value < 256 else b"J" + struct.pack("<i", value)

    def string(self, value: bytes) -> bytes:
        if not self.binary:  # repr() of a str of Python 2
            return b"S" + repr(value)[1:].encode() + b"\n" + self.put()
        short = len(value) < 256
        return (b"U" + bytes([len(value)]) if short else b"T" + struct.pack("<i", len(value))) + value + self.put()

    def tupled(self, *values: bytes) -> bytes:
        if self.binary and len(values) < 4:
            return b"".join(values) + bytes([0x84 + len(values)]) + self.put()
        return b"(" + b"".join(values) + b"t" + self.put()

    def name(self, home: str, name: str) -> bytes:
        return f"c{home}\n{name}\n".encode() + self.put()

    def flag(self, value: bool) -> bytes:
        return (b"\x88" if value else b"\x89") if self.binary else b"I0%d\n" % value

    def dtype(self, name: bytes, order: bytes, flags: int) -> bytes:
        made = self.name("numpy", "dtype") + self.tupled(self.string(name), self.integer(0), self.integer(1)) + b"R"
        state = [self.integer(3), self.string(order), b"NNN", self.integer(-1), self.integer(-1), self.integer(flags)]
        return made + self.put() + b"(" + b"".join(state) + b"t" + self.put() + b"b"

    def array(self, shape: tuple[int, ...], dtype: bytes, data: bytes, by_columns: bool = False) -> bytes:
        sides = self.tupled(*map(self.integer, shape))
        empty = self.tupled(self.name("numpy", "ndarray"), self.tupled(self.integer(0)), self.string(b"b"))
        made = self.name("numpy.core.multiarray", "_reconstruct") + empty + b"R" + self.put()
        return made + b"(" + self.integer(1) + sides + dtype + self.flag(by_columns) + data + b"t" + self.put() + b"b"

    def numbers(self, array: np.ndarray) -> bytes:
        by_columns = not array.flags.c_contiguous
        kind, order = array.dtype.str[1:].encode(), array.dtype.str[:1].encode()
        content = array.tobytes("F" if by_columns else "C")
        return self.array(array.shape, self.dtype(kind, order, 0), self.string(content), by_columns)

    def scalar(self, value: float) -> bytes:
        arguments = self.tupled(self.dtype(b"f8", b"<", 0), self.string(struct.pack("<d", value)))
        return self.name("numpy.core.multiarray", "scalar") + arguments + b"R" + self.put()

    def objects(self, *values: bytes, flags: int = 63, name: bytes = b"O8") -> bytes:
        listed = (
            b"]" + self.put() + b"(" + b"".join(values) + b"e"
            if self.binary
            else b"(lp99\n" + b"".join(value + b"a" for value in values)
        )
        return self.array((len(values),), self.dtype(name, b"|", flags), listed)

    def whole(self, value: bytes) -> bytes:
        return (b"\x80\x02" if self.binary else b"") + value + b"."


def npy(pickled: bytes, shape: tuple[int, ...] = (2,), dtype: str = "|O") -> bytes:
    """A ``.npy`` file with this content after its header."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue() + pickled


def course_file(colours: np.ndarray, protocol: int = 2, scalar: float = 0.5) -> bytes:
    """``object (2,) = [colours, scalar]``."""
    writer = Writer(protocol)
    return npy(writer.whole(writer.objects(writer.numbers(colours), writer.scalar(scalar))))
