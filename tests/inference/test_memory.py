"""The budget of memory and cores that pictures share, and sizes of memory."""

import os
import threading
import time

import pytest
from PIL import Image

from colourize.data.memory import available
from colourize.errors import InputError
from colourize.inference import many, memory, photo
from colourize.inference.colouring import Choices
from colourize.inference.memory import Budget
from colourize.inference.photo import Options
from colourize.inference.planned import Job
from tests.predictors import Pointwise


def test_samples_take_memory():
    budget = Budget(memory.NETWORK + 16_000_000)
    assert budget.check(1_000_000) == 16_000_000
    with pytest.raises(InputError, match="--max-memory"):
        budget.check(1_000_000, samples=2)


@pytest.mark.parametrize(
    ("limit", "pixels", "message"),
    [
        (10**6, 44 * 36, "1,584 pixels take about 500MB, more than --max-memory 1M; "),
        (900, 1, "1 pixels take about 500MB, more than --max-memory 900; "),
        (1_500_000_000, 10**9, "1,000,000,000 pixels take about 16.5GB, more than --max-memory 1.5G; "),
    ],
)
def test_the_message_has_numbers_that_are_not_rounded_to_nothing(limit, pixels, message):
    with pytest.raises(InputError) as raised:
        Budget(limit).check(pixels)
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize("text", ["900", "1M", "1.5G", "2T"])
def test_a_size_is_shown_as_it_is_passed(text):
    assert memory.shown(memory.parsed(text)) == text


def test_pictures_wait_until_there_is_room():
    budget, order = Budget(memory.NETWORK + 100), []
    inside = threading.Event()

    def second():
        inside.wait(5)
        with budget.taken(60):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with budget.taken(60):
        inside.set()
        thread.join(0.2)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def greys_in(folder, count):
    for number in range(count):
        Image.new("L", (9, 7), 40 * number).save(folder / f"{number}.png")
    return [Job(folder / f"{number}.png", folder / f"out/{number}.png") for number in range(count)]


def test_while_the_disk_writes_a_picture_the_next_one_computes_and_never_two(tmp_path, monkeypatch):
    jobs, computing, most = greys_in(tmp_path, 4), [], []
    first, second = threading.Event(), threading.Event()

    class Watched(Pointwise):
        def logits(self, grey):
            computing.append(grey)
            most.append(len(computing))
            if len(most) == 2:
                assert first.wait(30)
                second.set()
            time.sleep(0.01)
            computing.pop()
            return super().logits(grey)

    def slow_disk(descriptor):
        if not first.is_set():
            first.set()
            assert second.wait(30)  # the second picture computes within this call

    monkeypatch.setattr(os, "fsync", slow_disk)
    predictor, budget = Watched(size=8, neutral=True), Budget(4_000_000_000, 1)
    outcomes = many.all_of(jobs, lambda job: photo.run(job, predictor, Options(Choices()), budget), 3)
    assert [outcome.status for outcome in outcomes] == ["done"] * 4
    assert max(most) == 1


def test_after_an_interruption_pictures_that_wait_for_a_place_do_not_begin(tmp_path):
    jobs, begun, budget = greys_in(tmp_path, 6), [], Budget(4_000_000_000, 1)

    class Watched(Pointwise):
        def logits(self, grey):
            begun.append(grey)
            time.sleep(0.1)
            return super().logits(grey)

    predictor = Watched(size=8, neutral=True)

    def one(job):
        if job is jobs[0]:
            raise KeyboardInterrupt
        return photo.run(job, predictor, Options(Choices()), budget)

    with pytest.raises(KeyboardInterrupt):
        many.all_of(jobs, one, 4, budget.stop)
    assert len(begun) <= 2 and len(list((tmp_path / "out").glob("*.png"))) == len(begun)


@pytest.mark.parametrize(("text", "size"), [("2G", 2e9), ("800M", 8e8), ("1.5 gb", 1.5e9), ("1000", 1000)])
def test_sizes_of_memory(text, size):
    assert memory.parsed(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1G", "0"])
def test_other_sizes_are_refused(text):
    with pytest.raises(InputError, match="--max-memory must be a size"):
        memory.parsed(text)


def test_free_memory_is_that_of_the_system():
    assert 50_000_000 < available() < 1 << 50
