"""The cache folder: hits, damage, several processes, kills, and folders that cannot be written."""

import logging
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colourize.data.cache import cached, cached_array, digest

ARRAY = np.arange(12, dtype=np.float32).reshape(4, 3)
PARTS = ["-a.npy", "-b.npy", ".json"]

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
nested = st.recursive(plain, lambda inner: st.lists(inner, max_size=4), max_leaves=4)


def never() -> Any:
    raise AssertionError("built")


def typed(part: object) -> object:
    """Equal only if type and value are equal, unlike Python's 1 == 1.0 == True."""
    return [typed(item) for item in part] if isinstance(part, list) else (type(part), repr(part))


@settings(max_examples=50, deadline=None)
@given(st.lists(nested, max_size=3), st.lists(nested, max_size=3))
def test_digests_are_equal_if_and_only_if_the_parts_are(one: list[object], other: list[object]) -> None:
    assert (digest(*one) == digest(*other)) == (typed(one) == typed(other))


def test_digests_depend_on_borders_types_and_shapes() -> None:
    array = np.arange(6)
    parts = [
        *[("ab", "c"), ("a", "bc"), ("abc",), (["ab", "c"],), (b"ab", "c")],
        *[(1,), (1.0,), (True,), ("1",), (b"1",), (None,), ()],
        *[(array,), (array.reshape(2, 3),), (array.astype(np.int32),), (array.tolist(),), (array.tobytes(),)],
    ]
    assert len({digest(*part) for part in parts}) == len(parts)


def test_a_digest_is_the_same_in_every_run() -> None:
    assert digest("k-means", 24, 0.5, ARRAY, [b"x", None, True]) == "b35ff7cbf3dea7f1ca9f"


def test_numpys_numbers_and_memory_layouts_do_not_matter() -> None:
    assert digest(np.int64(3), np.float64(0.5), np.bool_(True)) == digest(3, 0.5, True)
    assert digest(np.asfortranarray(ARRAY)) == digest(ARRAY) == digest(ARRAY[::-1][::-1])


@pytest.mark.parametrize("part", [{1}, object(), 1j, Path("x"), np.array([object()])])
def test_objects_without_a_stable_hash_are_refused(part: object) -> None:
    with pytest.raises(TypeError, match="has no digest; pass bytes, str"):
        digest(part)


def test_a_second_call_builds_nothing(tmp_path: Path) -> None:
    built = cached(tmp_path / "new" / "folder", "x", PARTS, lambda: (ARRAY, ARRAY[0], {"n": [1, "é"]}))
    again = cached(tmp_path / "new" / "folder", "x", PARTS, never)
    for values in (built, again):
        np.testing.assert_array_equal(values[0], ARRAY)
        np.testing.assert_array_equal(values[1], ARRAY[0])
        assert values[2] == {"n": [1, "é"]}
    assert again[0].flags.writeable


def test_one_array_is_one_plain_file(tmp_path: Path) -> None:
    cached_array(tmp_path, "palette-3", lambda: ARRAY)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["CACHEDIR.TAG", "palette-3.npy"]
    np.testing.assert_array_equal(np.load(tmp_path / "palette-3.npy", allow_pickle=False), ARRAY)


def test_another_entry_is_built(tmp_path: Path) -> None:
    cached_array(tmp_path, "x", lambda: ARRAY)
    np.testing.assert_array_equal(cached_array(tmp_path, "y", lambda: ARRAY + 1), ARRAY + 1)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[:-3], lambda b: b[:7], lambda b: b"\x93NUMPY" + b[9:]])
def test_a_damaged_entry_is_built_again(part: str, damage: Any, tmp_path: Path) -> None:
    values = (ARRAY, ARRAY, [1, 2, 3])
    cached(tmp_path, "x", PARTS, lambda: values)
    path = tmp_path / f"x{part}"
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    np.testing.assert_array_equal(cached(tmp_path, "x", PARTS, lambda: values)[0], ARRAY)
    assert path.read_bytes() == whole
    cached(tmp_path, "x", PARTS, never)


def test_a_missing_part_is_built_again(tmp_path: Path) -> None:
    for part in PARTS:
        cached(tmp_path, "x", PARTS, lambda: (ARRAY, ARRAY, 0))
        (tmp_path / f"x{part}").unlink()
        assert cached(tmp_path, "x", PARTS, lambda: (ARRAY, ARRAY, 1))[2] == 1


def test_invalid_values_are_built_again(tmp_path: Path) -> None:
    cached_array(tmp_path, "x", lambda: ARRAY)
    np.testing.assert_array_equal(cached_array(tmp_path, "x", lambda: ARRAY[:2], lambda a: len(a) == 2), ARRAY[:2])
    cached_array(tmp_path, "x", never, lambda a: len(a) == 2)


def test_pickles_are_never_read(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{"a": 1}]), allow_pickle=True)
    np.testing.assert_array_equal(cached_array(tmp_path, "x", lambda: ARRAY), ARRAY)


def test_a_failing_build_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="built"):
        cached_array(tmp_path, "x", never)
    assert [path.name for path in tmp_path.iterdir()] == ["CACHEDIR.TAG"]


def test_a_folder_that_cannot_be_written_is_reported_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocked = tmp_path / "file" / "below"
    (tmp_path / "file").write_text("")
    for entry in ("x", "y"):
        np.testing.assert_array_equal(cached_array(blocked, entry, lambda: ARRAY), ARRAY)
    assert [(record.levelno, record.args) for record in caplog.records] == [(logging.WARNING, ())]
    assert f"cache_dir={blocked} cannot be written" in caplog.text


def test_a_full_disk_leaves_no_partial_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    np.testing.assert_array_equal(cached_array(tmp_path / "new", "x", lambda: ARRAY), ARRAY)
    assert not list((tmp_path / "new").iterdir())
    (tmp_path / "old").mkdir()
    (tmp_path / "old/CACHEDIR.TAG").touch()
    np.testing.assert_array_equal(cached_array(tmp_path / "old", "x", lambda: ARRAY), ARRAY)
    assert [path.name for path in (tmp_path / "old").iterdir()] == ["CACHEDIR.TAG"]


def python(code: str, *args: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", code, *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


AT_ONCE = """
import sys, pathlib, time, numpy as np
from colourize.data.cache import cached
folder, me, all = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
def build():
    (folder / f"{me}.ready").touch()
    while len(list(folder.glob("*.ready"))) < all:
        time.sleep(0.01)
    return np.arange(10**6), {"whole": True}
for _ in range(2):
    array, report = cached(folder / "cache", "x", [".npy", ".json"], build)
    assert array.sum() == 10**6 * (10**6 - 1) // 2 and report == {"whole": True}
"""


def test_simultaneous_processes_all_succeed(tmp_path: Path) -> None:
    processes = [python(AT_ONCE, tmp_path, me, 3) for me in range(3)]
    assert [(process.communicate(timeout=60)[0], process.returncode) for process in processes] == [("", 0)] * 3
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["CACHEDIR.TAG", "x.json", "x.npy"]


KILLED = """
import os, signal, sys, numpy as np
from colourize.data.cache import cached_array
os.fsync = lambda file: os.kill(os.getpid(), signal.SIGKILL)
cached_array(sys.argv[1], "x", lambda: np.zeros(5))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_process_killed_while_writing_leaves_nothing_that_is_read(tmp_path: Path) -> None:
    (tmp_path / "CACHEDIR.TAG").touch()
    process = python(KILLED, tmp_path)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".TAG", ".tmp"]
    np.testing.assert_array_equal(cached_array(tmp_path, "x", lambda: ARRAY), ARRAY)
    np.testing.assert_array_equal(cached_array(tmp_path, "x", never), ARRAY)
