"""Rank 0: starts the other ranks of a run, or gives them its jobs if torchrun or Slurm has started them."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch.distributed as dist

from colourize.errors import SIGNALS, InputError
from colourize.training.distributed import member, watch
from colourize.training.distributed.place import Place

FOLLOW = "colourize.cli.follow"
"""The module that a started rank runs."""
LEAVE = 15.0  # seconds in which a started rank must have ended after the run


@dataclasses.dataclass
class Session:
    """Rank 0 among ranks that others have started: it gives them job after job."""

    place: Place
    store: Any
    jobs: int = 0


current: Session | None = None


@contextlib.contextmanager
def leading(place: Place) -> Iterator[None]:
    """Rank 0's whole command, between whose jobs the other ranks wait; at its end they end, too.

    Raises:
        InputError: a rank has another command line.
    """
    global current
    store = member.connected(place, server=not agent_has_store())
    current = Session(place, store)
    failed = True
    try:
        member.check_commands(place, store, sys.argv[1:])
        yield
        failed = False
    finally:
        with contextlib.suppress(RuntimeError):
            store.set(f"job/{current.jobs}", json.dumps({"end": int(failed)}))
            _await_all(store, place)
        current = None


def agent_has_store() -> bool:
    """Whether torchrun keeps the store of the ranks that it starts."""
    return os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"


def _await_all(store: Any, place: Place) -> None:
    """The others read from this store: it must outlive them."""
    with contextlib.suppress(RuntimeError):
        store.wait([f"bye/{rank}" for rank in range(1, place.size)], timedelta(seconds=5))


@contextlib.contextmanager
def gathered(
    task: str, knobs: dict[str, Any], folder: Path, last_words: Callable[[str], Any], given: Place | None
) -> Iterator[Place | None]:
    """All ranks of a run, of which this is rank 0; None for a run of one process.

    Args:
        task: the task's name; without one the other ranks cannot find it.
        knobs: the configuration, with ``devices`` and ``num_nodes``.
        folder: folder of the run.
        last_words: called with the cause if the run must end at once.
        given: this process's place among ranks that others have started.

    Raises:
        RankError: another rank has failed or was lost.
        InputError: the task cannot be trained by several ranks; ranks differ in a knob.
    """
    size = knobs["devices"] * knobs["num_nodes"]
    if size == 1:
        yield None
        return
    if not task:
        raise InputError(f"devices={knobs['devices']}: this task has no name by which other ranks find it")
    job = {"knobs": knobs, "folder": str(folder.absolute())}
    if given is not None:
        if current is None:
            raise InputError(f"{given.starter} started ranks, which train one job at a time; leave hydra/launcher out")
        number, current.jobs = current.jobs, current.jobs + 1
        current.store.set(f"job/{number}", json.dumps(job))
        with member.joined(given, of_job(current.store, number), knobs, last_words=last_words):
            yield given
        return
    store = dist.TCPStore(  # type: ignore[attr-defined]
        "127.0.0.1", 0, is_master=True, wait_for_workers=False, timeout=timedelta(seconds=watch.SILENT)
    )
    place = Place(0, size, 0, size, "127.0.0.1", store.port)
    store.set("job/0", json.dumps(job))
    with _started(place) as children, member.joined(place, of_job(store, 0), knobs, children, last_words=last_words):
        yield place


def of_job(store: Any, number: int) -> Any:
    """The part of a store that belongs to one job."""
    return dist.PrefixStore(f"run/{number}", store)  # type: ignore[attr-defined]


@contextlib.contextmanager
def _started(place: Place) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Processes for the other ranks. They end with the block, also after an error."""
    children: list[subprocess.Popen[bytes]] = []
    try:
        for rank in range(1, place.size):
            words = [place.host, place.port, rank, place.size, os.getpid()]
            children.append(follower([*map(str, words)]))
        yield children
    except BaseException:
        _end(children, LEAVE / 3)
        raise
    finally:
        _end(children, LEAVE)


def follower(words: Sequence[str]) -> "subprocess.Popen[bytes]":
    """A process of another rank, with its arguments (``cli.follow``). It begins with blocked signals: those that come
    before it can handle them wait."""
    command = [sys.executable, "-m", FOLLOW, *words]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def environment() -> dict[str, str]:
    """The environment of other ranks: this code is on the path, also where a script has put it there."""
    paths = [str(Path(__file__).parents[3]), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    quiet = {"TORCH_CPP_LOG_LEVEL": "ERROR"}  # torch warns of names that a machine does not know
    return {**quiet, **os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(filter(None, paths)))}


def _end(children: list["subprocess.Popen[bytes]"], seconds: float) -> None:
    for child in children:
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
