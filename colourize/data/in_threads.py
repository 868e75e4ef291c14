"""Calls a function on many items, several at a time."""

import contextlib
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int, stop: Callable[[], None] = lambda: None
) -> Generator[Result]:
    """Results in the order of completion; few calls wait at a time, so ``items`` may be long.

    After an exception, ``stop`` is called, which may end calls that wait; started calls finish, and no further call
    starts. If the caller's own code may raise, the generator must be closed: ``with closing(in_threads(...)) as
    results``.
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
        except BaseException:
            stop()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def in_threads_left_behind(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int, patience: float
) -> Generator[Result]:
    """As ``in_threads``, for calls that may wait for a server for minutes, and may be broken off.

    After an exception, started calls have ``patience`` seconds to finish. Later ones end with the process.
    """
    todo: SimpleQueue[Any] = SimpleQueue()
    done: SimpleQueue[tuple[bool, Any]] = SimpleQueue()
    end = object()

    def work() -> None:
        while (item := todo.get()) is not end:
            try:
                done.put((True, function(item)))
            except BaseException as error:
                done.put((False, error))

    workers = [Thread(target=work, daemon=True) for _ in range(threads)]
    left, waiting = iter(items), 0
    try:
        for worker in workers:
            worker.start()
        while True:
            for item in islice(left, 2 * threads - waiting):
                todo.put(item)
                waiting += 1
            if not waiting:
                return
            fine, value = done.get()
            waiting -= 1
            if not fine:
                raise value
            yield value
    finally:
        with contextlib.suppress(Empty):
            while True:
                todo.get_nowait()
        for _ in workers:
            todo.put(end)
        until = monotonic() + patience
        for worker in workers:
            if worker.ident is not None:
                worker.join(max(0.0, until - monotonic()))
