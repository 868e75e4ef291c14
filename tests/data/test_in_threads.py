"""Calls in several threads."""

import threading
from contextlib import closing

import pytest

from colourize.data.in_threads import in_threads


@pytest.mark.parametrize("threads", [1, 3])
def test_every_item_has_one_result(threads):
    assert sorted(in_threads(lambda item: item**2, range(50), threads)) == [item**2 for item in range(50)]


def test_few_items_are_taken_ahead():
    taken = []
    with closing(in_threads(lambda item: item, (taken.append(item) for item in range(100)), 2)) as results:
        next(results)
        assert len(taken) <= 2 * 2


@pytest.mark.parametrize("of_the_caller", [True, False])
def test_after_an_exception_no_further_call_starts(of_the_caller):
    begun, lock = [], threading.Lock()

    def call(item):
        with lock:
            begun.append(item)
        if not of_the_caller and item == 3:
            raise KeyError(item)
        return item

    def consume():
        with closing(in_threads(call, range(1000), 2)) as results:
            for item in results:
                if item == 3:
                    raise KeyError(item)

    with pytest.raises(KeyError):
        consume()
    assert len(begun) < 100 and len(set(begun)) == len(begun)
