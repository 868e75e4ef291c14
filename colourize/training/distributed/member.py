"""A rank before and after a run: it meets the others, compares its knobs with theirs, and leaves or fails with them."""

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from colourize.config.compare import differences
from colourize.config.knob import typed
from colourize.config.knobs import on_resume
from colourize.errors import InputError, Interrupted, shown
from colourize.training.distributed import collectives, watch
from colourize.training.distributed.lightning import TIMEOUT
from colourize.training.distributed.place import Place

ARRIVAL = 300.0  # seconds in which all ranks must have started
REACHED = 120  # seconds in which rank 0 must accept connections
OTHER_PORT = {
    "colourize": "try again",
    "torchrun": "pass torchrun another --master-port",
    "Slurm": "set MASTER_PORT to another one",
}


def connected(place: Place, server: bool) -> Any:
    """The store at which the ranks meet.

    Raises:
        InputError: the port is in use, or rank 0's machine does not answer.
    """
    own = place.starter == "colourize"  # otherwise rank 0 may start later
    wait = timedelta(seconds=watch.SILENT if own or server else REACHED)
    try:
        if not server:
            _reach(place, wait.seconds)
        store = dist.TCPStore(  # type: ignore[attr-defined]
            place.host, place.port, is_master=server, wait_for_workers=False, timeout=wait
        )
    except (RuntimeError, OSError) as error:  # torch's own types derive from the first
        at = f"{place.host}:{place.port}"
        if server:
            raise InputError(
                f"port {place.port} of {place.host} is in use or not allowed; {OTHER_PORT[place.starter]}"
            ) from error
        raise InputError(
            f"rank {place.rank} has not reached rank 0 at {at} within {wait.seconds} s; check that rank 0 runs, the "
            "address and the network"
        ) from error
    store.set_timeout(timedelta(seconds=watch.SILENT))
    return store


def _reach(place: Place, seconds: float) -> None:
    """Waits until rank 0 accepts a connection. torch also waits, but prints long tracebacks if this fails."""
    end = time.monotonic() + seconds
    while True:
        try:
            return socket.create_connection((place.host, place.port), timeout=5).close()
        except OSError:
            if time.monotonic() > end:
                raise
        time.sleep(0.2)


def check_commands(place: Place, store: Any, words: Sequence[str]) -> None:
    """Waits for all ranks that others have started, and compares their command lines; called by rank 0.

    Args:
        place: the place of rank 0.
        store: the store of the ranks, in which each has put its words.
        words: the arguments of rank 0's command line.

    Raises:
        InputError: a rank has another command line, or does not arrive.
    """
    for rank in range(1, place.size):
        _await(place, store, rank, f"command/{rank}")
        theirs = json.loads(store.get(f"command/{rank}"))
        if theirs != (ours := list(words)):
            only = [[word for word in each if word not in other] for each, other in ((theirs, ours), (ours, theirs))]
            pair = only if any(only) else (theirs, ours)
            theirs_only, own = [shown(" ".join(each) or "nothing else") for each in pair]
            raise InputError(
                f"rank {rank} was started with {theirs_only}, rank 0 with {own}; start every rank with the same command"
            )


@contextlib.contextmanager
def joined(
    place: Place,
    store: Any,
    knobs: dict[str, Any],
    children: Sequence[Any] = (),
    parent: int = 0,
    last_words: Callable[[str], Any] = lambda text: None,
) -> Iterator[None]:
    """The process group of a run.

    Args:
        place: the place of this process.
        store: the store, for this run alone.
        knobs: the configuration of this process.
        children, parent, last_words: see ``Watch``.

    Raises:
        RankError: another rank has failed or was lost.
        InputError: ranks differ in a knob.
        Interrupted: a signal has ended another rank.
    """
    guard = watch.Watch(store.clone(), place, children, parent, last_words)
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, threads // place.local_size))
    try:
        with watch.woken():
            guard.start()
            _meet(place, store, knobs)
            dist.init_process_group(
                "gloo" if knobs["accelerator"] == "cpu" or not torch.cuda.is_available() else "cpu:gloo,cuda:nccl",
                store=dist.PrefixStore("group", store),  # type: ignore[attr-defined]
                rank=place.rank,
                world_size=place.size,
                timeout=TIMEOUT,
            )
            collectives.turns = collectives.Turns(store, place)
            yield
            guard.leave()
    except BaseException as error:
        if cause := _failed(guard, error):
            raise cause from error
        raise
    finally:
        guard.over.set()
        collectives.turns = None
        torch.set_num_threads(threads)
        if dist.is_initialized():
            with contextlib.suppress(RuntimeError):
                dist.destroy_process_group()


def _failed(guard: watch.Watch, error: BaseException) -> BaseException | None:
    """Informs the other ranks that this one ends; returns the error that explains it, if another rank caused it."""
    if isinstance(error, Interrupted) and error.place:  # all ranks have saved
        guard.leave()
        return None
    # only rank 0 sees which rank is lost, and after ``SILENT`` if others have started it
    if watch.is_of_a_lost_rank(error):
        guard.known.wait(watch.SILENT + 2 * watch.GRACE)
        # the thread counts from the start again where this process stood still
        guard.cause = guard.cause or guard.suspect()
        if guard.cause:
            guard.pass_on()
            return watch.error_of(guard.cause)
    guard.tell(error, bug=not isinstance(error, InputError | OSError | Interrupted))
    return None


def _meet(place: Place, store: Any, knobs: dict[str, Any]) -> None:
    """Waits for all ranks, each with its knobs; here the thread can wake this one, unlike in torch's own waiting."""
    store.set(f"knobs/{place.rank}", json.dumps(knobs))
    for rank in range(place.size):
        _await(place, store, rank, f"knobs/{rank}")
    first = json.loads(store.get("knobs/0"))
    if place.rank == 0:
        for rank in range(1, place.size):
            _compare(rank, json.loads(store.get(f"knobs/{rank}")), first)


def _await(place: Place, store: Any, rank: int, key: str) -> None:
    end = time.monotonic() + ARRIVAL
    while not store.check([key]):
        if time.monotonic() > end:
            raise InputError(
                f"rank {rank} of {place.size} has not arrived within {ARRIVAL:.0f} s; check that its machine "
                f"reaches {place.host}:{place.port}, and that every machine runs the same command"
            )
        time.sleep(0.05)


def _compare(rank: int, knobs: dict[str, Any], first: dict[str, Any]) -> None:
    """Raises InputError for the first knob in which a rank differs from rank 0."""
    for name in sorted({*knobs, *first} - set(on_resume("no difference"))):
        for key, ours, theirs in differences(name, first.get(name), knobs.get(name)):
            raise InputError(
                f"rank {rank} has {key}={typed(theirs)}, rank 0 {key}={typed(ours)}; start every rank with the same "
                "command and the same configuration files"
            )
