"""The list of examined files: our lines are read back, foreign lines are left out."""

import json

import pytest

from colourize.data.preparation.examined import Examined, Outcome, read, write

FILE = Examined("a/b.png", 10, 99, "0" * 32, "", "", 20, 30, 1.5, 2.5, 3.5, "a" * 64, "b" * 64)


def test_a_list_is_read_back(tmp_path):
    files = [FILE, Examined("bad \udcff\n.png", 1, 2, "1" * 32, "unreadable", "an empty file")]
    write(tmp_path / "list", [Outcome(files[0], "kept", split="val", written="val/x"), Outcome(files[1], "unreadable")])
    assert read(tmp_path / "list") == {file.path: file for file in files}


def test_a_missing_or_damaged_list_is_empty(tmp_path):
    assert read(tmp_path / "none") == {}
    (tmp_path / "list").write_bytes(b"\xff\xfe")
    assert read(tmp_path / "list") == {}


@pytest.mark.parametrize(
    "change",
    [{"content": "../../x"}, {"content": "0" * 31}, {"hash": "zz"}, {"width": "1"}, {"chroma": None}, {"path": 3},
     {"examined": []}],
)  # fmt: skip
def test_foreign_lines_are_left_out(tmp_path, change):
    write(tmp_path / "list", [Outcome(FILE, "kept")])
    values = json.loads((tmp_path / "list").read_text())
    (tmp_path / "list").write_text(f"{json.dumps({**values, **change})}\n[1]\n" + "[" * 100_000)
    assert read(tmp_path / "list") == {}
