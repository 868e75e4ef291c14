"""Each visitor has a desk of its own; those of idle visitors are removed with their files."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from colourize.app import visitors as module
from colourize.app.settings import Settings
from colourize.app.visitors import IDLE, Visitors
from tests.desks import Made, add


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def visitors(tmp_path, clock):
    return Visitors(tmp_path / "visitors", Settings(), Made(), lambda: clock[0])


def test_two_visitors_have_two_desks_and_folders_and_the_same_visitor_one(visitors):
    first, second = visitors.desk("a" * 32), visitors.desk("b" * 32)
    assert first is not second and first.folder != second.folder and visitors.desk("a" * 32) is first
    assert "a" * 32 not in str(first.folder) and first.folder.stat().st_mode & 0o777 == 0o700


def test_an_idle_visitor_is_removed_with_all_files(visitors, clock, tmp_path):
    Image.new("L", (20, 20), 90).save(tmp_path / "a.png")
    idle, busy = visitors.desk("a" * 32), visitors.desk("b" * 32)
    add(idle, tmp_path / "a.png")
    clock[0] = IDLE - 1
    visitors.desk("b" * 32)
    clock[0] = IDLE + 1
    visitors.remove_idle()
    assert not idle.folder.exists() and busy.folder.exists() and len(visitors) == 1


def test_one_visitor_too_many_takes_the_place_of_the_longest_idle(visitors, clock, monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)
    first, second = visitors.desk("a" * 32), visitors.desk("b" * 32)
    clock[0] = 1
    visitors.desk("a" * 32)
    visitors.desk("c" * 32)
    assert first.folder.exists() and not second.folder.exists() and len(visitors) == 2


def test_photographs_of_the_command_are_on_every_desk(tmp_path):
    Image.new("L", (20, 20), 90).save(tmp_path / "a.png")
    made = Visitors(tmp_path / "visitors", Settings(files=(tmp_path / "a.png",)), Made())
    for secret in ("a" * 32, "b" * 32):
        assert [held.path.name for held in made.desk(secret).photographs.values()] == ["a.png"]
    made.close()
    assert not list((tmp_path / "visitors").iterdir())


def test_a_visitor_without_a_photograph_goes_first(visitors, clock, monkeypatch, tmp_path):
    Image.new("L", (20, 20), 90).save(tmp_path / "a.png")
    monkeypatch.setattr(module, "MOST", 2)
    busy, empty = visitors.desk("a" * 32), visitors.desk("b" * 32)
    add(busy, tmp_path / "a.png")
    clock[0] = 1
    visitors.desk("b" * 32)
    visitors.desk("c" * 32)
    assert busy.folder.exists() and not empty.folder.exists()


def test_a_visitor_at_work_does_not_hold_up_the_others(visitors, clock):
    idle = visitors.desk("a" * 32)
    clock[0] = IDLE + 1
    with ThreadPoolExecutor(1) as pool, idle.lock:
        removed = pool.submit(visitors.remove_idle)
        while visitors.known("a" * 32) is not None:
            time.sleep(0.001)
        assert visitors.desk("b" * 32).folder.exists() and not removed.done()
        del removed
