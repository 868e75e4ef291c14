"""A run folder: its lock, its state, and the command that resumes it. Nothing heavy is imported."""

import contextlib
import logging
import os
import platform
import re
import shlex
import socket
import subprocess
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from colourize import __version__, files
from colourize.config.compare import by_key, config_hash, key_of
from colourize.config.options import option
from colourize.errors import InputError, one_line
from colourize.runs import manifest
from colourize.runs.words import quoted, refusals, taken

log = logging.getLogger(__name__)
LOCK, SWEEP = ".lock", "sweep.json"
PACKAGES = "torch", "torchvision", "pytorch-lightning", "hydra-core", "numpy"
WRITTEN_IN_PLACE = (
    LOCK, ".search.lock", ".hydra", "checkpoints", "tensorboard", "output.txt", "multirun.yaml", "search.db",
    "search.db-journal", "search.db-wal", "search.db-shm",
)  # fmt: skip
"""What is opened to be written, or holds files that are; all else is replaced, and a link with it."""
WITHIN = "*.log", "fit-profile*", "tensorboard/*", "checkpoints/*", ".hydra/*"
A_LOOK = 0.5  # seconds: who asks for a run's state holds its lock for some microseconds
ORPHANS_END = 15  # seconds: loader workers of a killed process notice within five


class FolderInUseError(InputError):
    """Another process is in the run folder."""


class Claim:
    """A run folder that is held; ``before`` is what its ``run.json`` said, empty where nothing was saved yet."""

    def __init__(self, folder: Path, entries: dict[str, Any]) -> None:
        said = manifest.read(folder)
        saved = any((folder / "checkpoints").glob("*.ckpt"))
        self.folder = folder
        self.before = said if saved else {}
        self.entries = {
            "status": "running", **entries, "pid": os.getpid(), "host": socket.gethostname(), "cwd": os.getcwd(),
            "searchpath": said.get("searchpath", []), "start": said.get("start", manifest.now()),
            "starts": said.get("starts", 0) + 1,
        }  # fmt: skip
        # until the run is begun, a run that the folder holds keeps what it says of itself
        manifest.write(folder, **{**self.entries, **self.before, **_who(self.entries)})
        self.begun = not self.before

    def begin(self, **entries: Any) -> None:
        """Writes the knobs that hold from here on, once they are known to fit what is saved."""
        self.begun = True
        self.entries |= {**entries, "environment": self.before.get("environment", entries["environment"])}
        manifest.write(self.folder, **self.entries)

    def end(self, **entries: Any) -> None:
        """Writes how it ended; what never began leaves what was there before."""
        manifest.write(self.folder, **(self.entries | entries | {"end": manifest.now()} if self.begun else self.before))


def _who(entries: dict[str, Any]) -> dict[str, Any]:
    return {name: entries[name] for name in ("status", "pid", "host")}


@contextlib.contextmanager
def claim(folder: Path, knobs: dict[str, Any], overrides: Sequence[str] | None = None) -> Iterator[Claim]:
    """Holds a run folder while a run is in it, and keeps its ``run.json``: running, then finished, interrupted, failed.

    Raises:
        FolderInUseError: another process is in the folder.
    """
    check_places(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        held = Claim(folder, {"overrides": overrides, "config": knobs, "config_hash": config_hash(knobs)})
        try:
            yield held
        except BaseException as error:
            status = "failed" if isinstance(error, Exception) else "interrupted"
            with contextlib.suppress(OSError):  # a full disk must not hide the error
                held.end(status=status, error=one_line(error))
            raise


def announce(folder: Path, overrides: Sequence[str], hydra: Sequence[str] = ()) -> None:
    """Says in a new folder what is to run there, before the seconds that the imports take.

    Args:
        overrides: the words that make the configuration.
        hydra: those for Hydra itself, of which ``resume`` needs the one that says where configuration files lie.
    """
    if not (folder / manifest.NAME).exists():
        searchpath = [word for word in hydra if key_of(word) == "hydra.searchpath"]
        manifest.write(folder, status="running", overrides=overrides, searchpath=searchpath, start=manifest.now())


def check_places(folder: Path) -> None:
    """Raises InputError where the folder of a run or a sweep has a link in a place that a run or a sweep writes to."""
    found = (path for pattern in WITHIN for path in folder.glob(pattern))
    files.check_no_links([*(folder / name for name in WRITTEN_IN_PLACE), *found])


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The operating system gives the lock back when its holder dies, so none is ever left behind."""
    lock = FileLock(folder / LOCK)
    try:
        try:
            lock.acquire(timeout=A_LOOK)
        except Timeout:
            if _alive(folder):
                raise
            lock.acquire(timeout=ORPHANS_END)
    except Timeout as error:
        holder = manifest.read(folder)
        who = f"process {holder['pid']} on {holder['host']}" if "pid" in holder else "another process"
        raise FolderInUseError(
            f"{folder} is in use by {who}; wait for it or stop it, or pass another hydra.run.dir"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _alive(folder: Path) -> bool:
    holder = manifest.read(folder)
    if holder.get("host") != socket.gethostname() or "pid" not in holder:
        return True
    try:
        os.kill(holder["pid"], 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # another person's, or no number of a process
        pass
    return True


def state(folder: Path) -> str:
    """How a run stands: running, finished, interrupted, failed; or killed, where it says running and no one is."""
    status: str = manifest.read(folder).get("status", "unknown")
    if status == "running":
        try:
            with FileLock(folder / LOCK, timeout=0):
                return "killed"
        except (Timeout, OSError):
            pass
    return status


def finished(folder: Path, said: dict[str, Any], knobs: dict[str, Any]) -> dict[str, float] | None:
    """The metrics of a run whose ``run.json`` says that it was done with these very knobs, and is whole; else None."""
    same = said.get("status") == "finished" and said.get("config_hash") == config_hash(knobs)
    return (
        said.get("metrics")
        if same and "val/loss" in said.get("metrics", {}) and (folder / "checkpoints/last.ckpt").is_file()
        else None
    )


def environment(device: str, threads: int) -> dict[str, Any]:
    """What else decides the bits of a run: versions, machine, device, number of threads; and the commit of the code."""
    known = {"colourize": __version__, **{name: version(name) for name in PACKAGES}}
    return {
        **known, "python": platform.python_version(), "machine": platform.machine(), "device": device,
        "threads": threads, "commit": _commit(),
    }  # fmt: skip


def warn_of_other_bits(before: dict[str, Any], now: dict[str, Any]) -> None:
    """Says what differs from the environment in which the run was begun."""
    told = [f"{name} {before[name]}, now {now[name]}" for name in now if name in before and before[name] != now[name]]
    if told:
        log.warning("begun with %s: the bits may differ from those of a run without interruption", "; ".join(told))


def _commit() -> str | None:
    """The commit of the checkout from which the code runs, marked where it is changed; None outside of one."""
    root = Path(__file__).parent.parent.parent
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def resume_command(program: str, folder: Path, own: bool = False) -> str:
    """The command that resumes a run or a sweep.

    Args:
        program: what one types before its words.
        folder: of the run or the sweep.
        own: whether this very process ran it. Then the words that a file must not hold stand beside ``resume=``; those
            of a stranger's folder are never offered to be typed.
    """
    said = manifest.read(folder) if own else {}
    words = [
        *said.get("overrides", []),
        *said.get("searchpath", []),
        *(sweep_of(folder) if own else {}).get("overrides", []),
    ]
    return " ".join([program, *(shlex.quote(word) for word in (f"resume={folder}", *dict.fromkeys(refusals(words))))])


def resumed(words: Sequence[str]) -> list[str]:
    """The command line with ``resume=FOLDER`` replaced by the words that began the folder's run or sweep.

    Words beside it take the place of the earlier ones; ``~NAME`` takes an earlier one away. What the folder says is
    checked (``stored_words``): it may come from anyone.

    Raises:
        InputError: the folder holds neither; a word that names another folder, or that a file must not hold.
    """
    given = [word for word in words if word.startswith("resume=")]
    if not given:
        return list(words)
    named = re.fullmatch(r"resume=(['\"]?)(.*)\1", given[-1])
    folder = files.expanded(named[2] if named else "")
    if others := [word for word in words if re.match(r"hydra\.(run|sweep)\.dir=|--multirun$|-m$", word)]:
        raise InputError(f"{given[-1]} says where and how; leave {' '.join(others)} out")
    said, sweep = manifest.read(folder) if folder.is_dir() else {}, sweep_of(folder)
    place = quoted(folder.absolute())
    if said.get("overrides") is not None:
        earlier, ours = [*said["overrides"], *said.get("searchpath", [])], ["hydra.mode=RUN", f"hydra.run.dir={place}"]
    elif sweep:
        earlier, ours = sweep["overrides"], ["hydra.mode=MULTIRUN", f"hydra.sweep.dir={place}"]
    else:
        raise InputError(
            f"resume={folder} {_lack(folder)}; pass the folder of a run or a sweep: colourize runs lists them"
        )
    typed = by_key([word for word in words if word not in given])
    home = said.get("cwd", sweep.get("cwd"))
    source = option((said.get("config", {}).get("data") or {}).get("_target_"), "data") if "config" in said else None
    found = by_key([*taken(earlier, typed, folder, None if home is None else Path(home), source), *ours])
    before = by_key(earlier)
    for key, word in typed.items():
        if not (word.startswith("~") and key in before):  # what was added is just not added again
            found[key] = "+" * (before.get(key, "").startswith("+") and not word.startswith(("+", "~"))) + word
    return list(found.values())


def sweep_of(folder: Path) -> dict[str, Any]:
    """What began the sweep in a folder: ``overrides`` and ``cwd``; empty where there is none, or a damaged one."""
    try:
        said = files.read_json(folder / SWEEP)
    except (OSError, ValueError):
        return {}
    said = manifest.checked(said, folder / SWEEP) if isinstance(said, dict) else {}
    return said if "overrides" in said else {}


def _lack(folder: Path) -> str:
    if folder.is_file():
        return "is a file"
    if not folder.is_dir():
        return "is not there"
    if any(folder.glob("checkpoints/*.ckpt")):
        return f"holds checkpoints, but no {manifest.NAME} that says how they were begun"
    return "holds neither"
