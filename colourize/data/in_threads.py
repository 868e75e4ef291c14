"""Calls a function on many items, several at a time."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(function: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Generator[Result]:
    """Results in the order of completion; few calls wait at a time, so ``items`` may be long.

    After an exception, also one of the caller who then closes the generator, calls that have started finish and no
    further one starts: ``with closing(in_threads(...)) as results``.
    """
    with ThreadPoolExecutor(threads) as pool:
        waiting: set[Future[Result]] = set()
        left = iter(items)
        try:
            while True:
                waiting |= {pool.submit(function, item) for item in islice(left, 2 * threads - len(waiting))}
                if not waiting:
                    return
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)
