"""Calls in several threads."""

import threading
from contextlib import closing

import pytest

from colourize.data.in_threads import in_threads, in_threads_left_behind


def left_behind(function, items, threads):
    return in_threads_left_behind(function, items, threads, 5.0)


BOTH = pytest.mark.parametrize("calls", [in_threads, left_behind])


@BOTH
@pytest.mark.parametrize("threads", [1, 3])
def test_every_item_has_one_result(threads, calls):
    assert sorted(calls(lambda item: item**2, range(50), threads)) == [item**2 for item in range(50)]


@BOTH
def test_few_items_are_taken_ahead(calls):
    taken = []
    with closing(calls(lambda item: item, (taken.append(item) for item in range(100)), 2)) as results:
        next(results)
        assert len(taken) <= 2 * 2


@BOTH
@pytest.mark.parametrize("of_the_caller", [True, False])
def test_after_an_exception_no_further_call_starts(of_the_caller, calls):
    begun, lock = [], threading.Lock()

    def call(item):
        with lock:
            begun.append(item)
        if not of_the_caller and item == 3:
            raise KeyError(item)
        return item

    def consume():
        with closing(calls(call, range(1000), 2)) as results:
            for item in results:
                if item == 3:
                    raise KeyError(item)

    with pytest.raises(KeyError):
        consume()
    assert len(begun) < 100 and len(set(begun)) == len(begun)


def test_a_call_that_never_ends_is_left_behind():
    over = threading.Event()

    def consume():
        with closing(in_threads_left_behind(lambda item: over.wait(60), range(3), 2, 0.0)):
            raise KeyError

    with pytest.raises(KeyError):
        consume()
    assert not over.is_set()
    over.set()
