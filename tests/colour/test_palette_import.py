"""The course's pickled palette, compared with numpy's reader; and hostile files, which must not run code."""

import io
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colourize.cli.main import main
from colourize.colour import palette as palettes
from colourize.colour.palette_import import MOST_BYTES, import_palette, read
from colourize.errors import InputError
from tests.python2_pickle import Writer, course_file, npy

COLOURS = np.random.default_rng(0).random((24, 3)).astype(np.float32)


def written(folder: Path, content: bytes) -> Path:
    path = folder / "colours.npy"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("protocol", [0, 2])
@pytest.mark.parametrize("dtype", ["<f8", "<f4", ">f8", "<f2"])
@pytest.mark.parametrize("by_columns", [False, True])
def test_the_courses_layout_is_read_as_numpy_reads_it(protocol, dtype, by_columns, tmp_path):
    colours = np.asarray(COLOURS, dtype, order="F" if by_columns else "C")
    path = written(tmp_path, course_file(colours, protocol))
    theirs, number = np.load(path, allow_pickle=True, encoding="latin1")  # our own file, so unpickling is safe
    assert theirs.flags.f_contiguous == by_columns and number == 0.5
    np.testing.assert_array_equal(read(path), theirs.astype(np.float32))
    assert import_palette(path, tmp_path / "out.npy") == 24
    np.testing.assert_array_equal(palettes.load(tmp_path / "out.npy", 24).numpy(), theirs.astype(np.float32))


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("number", [0.25, 3, np.float64(0.25), np.int64(3), np.array(2.0)])
def test_a_file_saved_again_by_python_3_is_read(protocol, number, tmp_path):
    objects = np.empty(2, object)
    objects[:] = COLOURS.astype(np.float64), number
    path = written(tmp_path, npy(pickle.dumps(objects, protocol)))
    np.testing.assert_array_equal(read(path), COLOURS)


def test_the_command_writes_a_plain_file_and_says_how_to_train_with_it(tmp_path, monkeypatch, capsys):
    path, out = written(tmp_path, course_file(COLOURS)), tmp_path / "out.npy"
    with pytest.raises(InputError) as caught:
        palettes.load(path, 24)
    assert f"colourize palette import {path} OUT.npy" in str(caught.value) and "never opened" in str(caught.value)
    monkeypatch.setattr("sys.argv", ["colourize", "palette", "import", str(path), str(out)])
    main()
    assert capsys.readouterr().out == f"{out}: 24 colours; train with palette={out} num_colours=24\n"
    plain = np.load(out, allow_pickle=False)
    assert plain.dtype == np.float32
    np.testing.assert_array_equal(plain, COLOURS)
    with pytest.raises(SystemExit, match=rf"^colourize: {out} already exists; pass another name$"):
        main()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["colours.npy", "out.npy"]


def test_existing_files_and_other_places_are_not_written(tmp_path):
    path = written(tmp_path, course_file(COLOURS))
    for out, message in (
        (path, "already exists"), (tmp_path, "must end in .npy"), (tmp_path / "x.txt", r"\.npy"),
        (tmp_path / "none" / "x.npy", "there is no folder"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=message):
            import_palette(path, out)
    assert path.read_bytes() == course_file(COLOURS)
    with pytest.raises(InputError, match="does not exist; pass the course's"):
        read(tmp_path / "none.npy")
    with pytest.raises(InputError, match="must be a file"):
        read(tmp_path)
    os.mkfifo(tmp_path / "pipe.npy")
    with pytest.raises(InputError, match="must be a file"):
        read(tmp_path / "pipe.npy")
    with pytest.raises(InputError, match="must have <= "):
        read(written(tmp_path, course_file(COLOURS) + bytes(MOST_BYTES)))


class Calls:
    """Pickles as a call."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


class Sets(Calls):
    """Pickles as a call and a state."""

    def __reduce__(self) -> tuple[object, ...]:
        return (*self.call, {"__class__": os.system})


def _objects(*values: object) -> bytes:
    objects = np.empty(len(values), object)
    objects[:] = values
    return pickle.dumps(objects, 2)


def _raw(*parts: bytes, writer: Writer | None = None) -> bytes:
    return npy((writer or Writer(2)).whole(b"".join(parts)))


W = Writer(2)
CANARY = "canary"
HOSTILE = {
    "os.system": npy(_objects(Calls(os.system, f"touch {CANARY}"), 0.5)),
    "os.system in protocol 0": npy(pickle.dumps(Calls(os.system, f"touch {CANARY}"), 0)),
    "os.system in protocol 4": npy(pickle.dumps(Calls(os.system, f"touch {CANARY}"), 4)),
    "builtins.eval": npy(_objects(COLOURS, Calls(eval, f"open('{CANARY}', 'w')"))),
    "builtins.getattr": npy(pickle.dumps(Calls(getattr, Path, "home"), 0)),
    "Path.write_text": npy(_objects(COLOURS, Calls(Path.write_text, Path(CANARY), "x"))),
    "a nested global": npy(b"\x80\x04\x8c\x05numpy\x8c\x10f2py.os.system.__\x93."),
    "numpy.load": npy(_objects(Calls(np.load, CANARY, None, True), 0.5)),
    "numpy.memmap": npy(_objects(Calls(np.memmap, CANARY, "u1", "w+", 0, (8,)), 0.5)),
    "numpy.fromfile": npy(_objects(Calls(np.fromfile, "/etc/passwd", "u1"), 0.5)),
    "a state of another object": npy(_objects(Sets(dict), 0.5)),
    "copyreg._reconstructor": npy(b"ccopy_reg\n_reconstructor\n(cnumpy\nndarray\ncnumpy\nndarray\nNtR."),
    "an extension": npy(b"\x80\x02\x82\x01."),
    "a persistent id": npy(b"Pos.system\n."),
    "an instance": npy(b"(S'touch canary'\nios\nsystem\n."),
    "a new object": npy(b"\x80\x02cnumpy\nndarray\n)\x81."),
    "a state on a name": npy(b"\x80\x02cnumpy\nndarray\n}U\x0c__setstate__K\x01sb."),
    "a state on _reconstruct": npy(b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nN}U\x0c__defaults__K\x01s\x86b."),
    "_reconstruct of another class": npy(
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\ndtype\nK\x00\x85U\x01b\x87R."
    ),
    "a call of a value": _raw(W.numbers(COLOURS), b")R"),
    "a huge shape": _raw(W.objects(W.array((2**31 - 1, 3), W.dtype(b"f8", b"<", 0), W.string(b"12")), W.scalar(1))),
    "a shape beyond 64 bits": _raw(
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01\x8a\x09",
        b"\0" * 8,
        b"\x01K\x00\x86",
        W.dtype(b"f8", b"<", 0),
        b"\x89U\x00tb",
    ),
    "a negative shape": _raw(W.objects(W.array((-1, 3), W.dtype(b"f8", b"<", 0), W.string(b"")), W.scalar(1))),
    "a huge dtype": _raw(W.objects(W.array((1, 3), W.dtype(b"V2147483647", b"|", 0), W.string(b"")), W.scalar(1))),
    "pointers of objects": _raw(W.array((2,), W.dtype(b"O8", b"|", 63), W.string(bytes(16)))),
    "pointers, flags hidden": _raw(W.array((2,), W.dtype(b"O8", b"|", 0), W.string(b"\x41" * 16))),
    "pointers behind fields": _raw(
        b"cnumpy\ndtype\nU\x02V8K\x00K\x01\x87R(K\x03U\x01|NU\x01f\x85}U\x01f",
        W.dtype(b"O8", b"|", 63),
        b"K\x00\x86sK\x08K\x01K\x00tb",
    ),
    "a dtype of another size": _raw(
        W.objects(
            W.array(
                (4, 3), b"cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNM\xff\x7fK\x08K\x3ftb", W.string(b"x" * 8)
            ),
            W.scalar(1),
        )
    ),
    "objects inside": _raw(W.objects(W.objects(*[W.scalar(1)] * 3), W.scalar(1))),
    "an array in itself": _raw(b"]q\x00(h\x00h\x00eq\x01", W.array((2,), W.dtype(b"O8", b"|", 63), b"h\x00")),
    "a memo of 4 billion": _raw(b"K\x01r\xff\xff\xff\xffj\xff\xff\xff\xff"),
    "a memo that is not there": _raw(b"h\x07"),
    "an empty stack": npy(b"."),
    "marks": npy(b"(" * 100_000 + b"t."),
    "deep": npy(b"N" + b"\x85" * 500_000 + b"."),
    "deep lists": npy(b"]" * 200_000 + b"a" * 199_999 + b"."),
    "a string of 2 GB": npy(b"T\xff\xff\xff\x7fx."),
    "a string of a negative size": npy(b"T\xff\xff\xff\xffx."),
    "bytes of an exabyte": npy(b"\x80\x05\x8e" + struct.pack("<Q", 2**60) + b"x."),
    "a bytearray of an exabyte": npy(b"\x80\x05\x96" + struct.pack("<Q", 2**60) + b"x."),
    "a number of many digits": npy(b"I" + b"9" * 500_000 + b"\n."),
    "a name with an escape": npy(b"c\x1b[2Jos\nsystem\n."),
    "an unknown opcode": npy(b"\xff."),
    "no pickle": npy(b""),
    "a raw pickle": pickle.dumps(Calls(os.system, f"touch {CANARY}")),
    "a header that is code": b"\x93NUMPY\x01\0\x20\0" + b"__import__('os').mkdir('canary')".ljust(32),
    "a structured header": npy(_objects(1, 2), dtype="|V8"),
    "three objects": npy(_objects(COLOURS, 1, 2), (3,)),
    "a plain array": npy(COLOURS.tobytes(), (24, 3), "<f4"),
    "colours alone": npy(pickle.dumps(COLOURS, 2)),
    "the other order": npy(_objects(0.5, COLOURS)),
    "four channels": course_file(np.zeros((24, 4))),
    "8-bit values": course_file(np.full((24, 3), 200.0)),
    "nan": course_file(np.full((24, 3), np.nan)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_or_other_file_is_refused_in_one_line_and_runs_nothing(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, HOSTILE[name])
    with pytest.raises(InputError) as caught:
        import_palette(path, tmp_path / "out.npy")
    assert str(caught.value).isprintable() and len(str(caught.value)) < 400 + len(str(path))
    assert [file.name for file in tmp_path.iterdir()] == ["colours.npy"]
    assert np.ndarray.__name__ == "ndarray"  # no state reached a class


@pytest.mark.parametrize("protocol", [0, 2])
def test_a_file_truncated_at_any_byte_is_refused(protocol, tmp_path):
    whole = course_file(COLOURS[:3], protocol)
    for end in range(len(whole)):
        with pytest.raises(InputError):
            read(written(tmp_path, whole[:end]))
    assert len(read(written(tmp_path, whole))) == 3


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([course_file(COLOURS[:3], 0), course_file(COLOURS[:3], 2)]), st.data())
def test_a_changed_file_gives_colours_or_one_kind_of_error(tmp_path_factory, content, data):
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 5))):
        changed[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = written(tmp_path_factory.getbasetemp(), bytes(changed))
    try:
        colours = read(path)
    except InputError:  # its text is tested separately
        return
    assert colours.dtype == np.float32 and colours.shape[1] == 3 and (colours >= 0).all() and (colours <= 1).all()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_refused(tmp_path_factory, content):
    with pytest.raises(InputError):
        read(written(tmp_path_factory.getbasetemp(), npy(content)))


def test_a_file_of_objects_as_numpy_saves_it(tmp_path):
    objects = np.empty(2, object)
    objects[:] = COLOURS, 0.5
    file = io.BytesIO()
    np.save(file, objects, allow_pickle=True)
    np.testing.assert_array_equal(read(written(tmp_path, file.getvalue())), COLOURS)
