"""No visitor fills the disk, nor takes the room of all others."""

from types import SimpleNamespace

import pytest
from PIL import Image

from colourize.app import room as module
from colourize.app.room import Room
from colourize.errors import InputError
from tests.desks import add, desk


def most(room, owner):
    """The bytes that an owner can take, one by one."""
    count = 0
    while True:
        try:
            room.take(owner, "x", 1)
        except InputError:
            return count
        count += 1


def test_each_visitor_takes_at_most_half_of_what_the_others_leave_so_there_is_always_room_for_one_more():
    room = Room(1000)
    assert [most(room, owner) for owner in "abcd"] == [500, 250, 125, 62]
    room.give("a")
    assert most(room, "e") == (1000 - 437) // 2


def test_what_is_given_back_can_be_taken_again():
    room = Room(100)
    room.take("a", "one", 30)
    room.take("a", "two", 20)
    with pytest.raises(InputError, match="remove some"):
        room.take("a", "two", 1)
    room.give("a", "one")
    room.give("a", "none")
    assert most(room, "a") == 30


def test_a_refused_upload_leaves_neither_file_nor_count(tmp_path):
    made = desk(tmp_path / "desk", room=1000)
    _, path = made.place("a.png")
    made.write(path, b"x" * 400)
    with pytest.raises(InputError, match="room"):
        made.write(path, b"x" * 101)
    made.discard(path)
    assert not path.parent.exists() and most(made.room, made.folder.name) == 500


def test_removed_photographs_give_their_room_back(tmp_path):
    Image.new("L", (20, 20), 90).save(tmp_path / "a.png")
    made = desk(tmp_path / "desk", room=1000)
    number, path = made.place("a.png")
    made.write(path, (tmp_path / "a.png").read_bytes())
    made.add(number, path)
    made.remove(number)
    assert most(made.room, made.folder.name) == 500


def test_a_disk_that_is_nearly_full_takes_no_photograph(tmp_path, monkeypatch):
    Image.new("L", (20, 20), 90).save(tmp_path / "a.png")
    made = desk(tmp_path / "desk")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: SimpleNamespace(free=module.RESERVE - 1))
    with pytest.raises(InputError, match="nearly full"):
        add(made, tmp_path / "a.png")
    assert module.limit(tmp_path) == (module.RESERVE - 1) // 2 and not list(made.folder.iterdir())
