"""A run folder: its lock and its state. This module imports only light libraries."""

import contextlib
import os
import secrets
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from colourize import files
from colourize.config.compare import config_hash, key_of
from colourize.errors import InputError, one_line
from colourize.runs import manifest, queue

LOCK = ".lock"
WRITTEN_IN_PLACE = (
    LOCK, ".search.lock", ".hydra", "checkpoints", "tensorboard", "csv", "wandb", "mlflow", "output.txt",
    ".submitit", "multirun.yaml", "search.db", "search.db-journal", "search.db-wal", "search.db-shm",
)  # fmt: skip
"""Files that are written in place, and folders of such files. All other files are replaced, including links."""
REPLACED = *files.OF_A_RUN, "fit-profile*", ".*.tmp"
"""Patterns of the other files of a run."""
INSIDE = (
    "checkpoints/last.*", "checkpoints/previous.*", "checkpoints/best.*", "checkpoints/.*.tmp", ".hydra/*.yaml",
    "tensorboard/events.out.tfevents.*", "tensorboard/hparams.yaml", "csv/metrics.csv", "csv/knobs.json", "csv/*-*.png",
    "csv/evaluation.md", "csv/.*.tmp", "wandb/*", "mlflow/*",
)  # fmt: skip
"""Patterns of the files in the folders of a run; those of the last three belong to libraries, which name them."""
FOLDERS = ".hydra", "checkpoints", "tensorboard", "csv", "wandb", "mlflow", ".submitit"
"""Those of ``WRITTEN_IN_PLACE`` that are folders."""
WITHIN = "*.log", "fit-profile*", "tensorboard/*", "csv/*", "mlflow/**/*", "checkpoints/*", ".hydra/*"
LOCK_TIMEOUT = 0.5  # seconds; a process that reads a run's state locks it for some microseconds
ORPHANS_END = 15  # seconds; loader workers of a killed process end within five


class FolderInUseError(InputError):
    """Another process uses the run folder."""


class Claim:
    """A locked run folder.

    Attributes:
        before: the entries of its ``run.json``, empty if the folder has no checkpoint.
        key: 32 hex digits that identify the run at the servers of loggers.
    """

    def __init__(self, folder: Path, entries: dict[str, Any]) -> None:
        stored = manifest.read(folder)
        self.folder = folder
        self.before = stored if has_saved(folder) else {}
        self.key: str = stored.get("key") or secrets.token_hex(16)
        self.entries = {
            "status": "running", **entries, "pid": os.getpid(), "host": socket.gethostname(), "cwd": os.getcwd(),
            "key": self.key, "searchpath": stored.get("searchpath", []), "start": stored.get("start", manifest.now()),
            "starts": stored.get("starts", 0) + 1, **_of_slurm(),
        }  # fmt: skip
        # a run in the folder keeps its entries until this run begins
        manifest.write(folder, **{**self.entries, **self.before, **_holder(self.entries)})
        self.begun = not self.before

    def settle(self, knobs: dict[str, Any]) -> None:
        """Sets the knobs that ``begin`` writes, after a value was found for one of them."""
        self.entries |= {"config": knobs, "config_hash": config_hash(knobs)}

    def begin(self, **entries: Any) -> None:
        """Writes the knobs of this run; call it after they were compared with the checkpoint."""
        self.begun = True
        self.entries |= {**entries, "environment": self.before.get("environment", entries["environment"])}
        manifest.write(self.folder, **self.entries)

    def end(self, **entries: Any) -> None:
        """Writes the end of the run. If the run never began, restores the earlier entries."""
        manifest.write(self.folder, **(self.entries | entries | {"end": manifest.now()} if self.begun else self.before))


class Guest:
    """A run folder that another rank of the run has locked: as ``Claim``, but it writes nothing."""

    def __init__(self) -> None:
        self.before: dict[str, Any] = {}
        self.entries: dict[str, Any] = {"starts": 1}
        self.key = ""

    def settle(self, knobs: dict[str, Any]) -> None:
        """Does nothing."""

    def begin(self, **entries: Any) -> None:
        """Does nothing."""


def _holder(entries: dict[str, Any]) -> dict[str, Any]:
    return {name: entries[name] for name in ("status", "pid", "host", "job") if name in entries}


def _of_slurm() -> dict[str, str]:
    """The job of this process as an entry; none outside of Slurm."""
    return {"job": job} if (job := queue.own_job()) else {}


def has_saved(folder: Path) -> bool:
    """Whether a run folder contains a checkpoint."""
    return any((folder / "checkpoints").glob("*.ckpt"))


@contextlib.contextmanager
def claim(folder: Path, knobs: dict[str, Any], overrides: Sequence[str] | None = None) -> Iterator[Claim]:
    """Locks a run folder and updates the status in its ``run.json``: running, then finished, interrupted or failed.

    Raises:
        FolderInUseError: another process uses the folder.
    """
    check_places(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        held = Claim(folder, {"overrides": overrides, "config": knobs, "config_hash": config_hash(knobs)})
        try:
            yield held
        except BaseException as error:
            final = {"resumable": False} if getattr(error, "obstacle", "") else {}
            status = "failed" if final or isinstance(error, Exception) else "interrupted"
            with contextlib.suppress(OSError):  # a full disk must not hide the error
                held.end(status=status, error=one_line(error), **final)
            raise


def announce(folder: Path, overrides: Sequence[str], hydra: Sequence[str] = ()) -> None:
    """Writes the overrides of a run into a new folder, before the slow imports.

    Args:
        folder: folder of the run.
        overrides: overrides of the configuration.
        hydra: overrides of Hydra itself; ``resume`` needs the one with the search path of configuration files.
    """
    if not (folder / manifest.NAME).exists():
        manifest.write(folder, status="running", **_first(overrides, hydra), **_of_slurm())


def enqueue(folder: Path, overrides: Sequence[str], hydra: Sequence[str], job: str) -> None:
    """Writes the Slurm job that will train in a folder. An earlier run there keeps its state."""
    stored = manifest.read(folder)
    if not stored or stored.get("status") == "queued":
        folder.mkdir(parents=True, exist_ok=True)
        manifest.write(folder, status="queued", **_first(overrides, hydra), job=job)
    elif state(folder) not in ("running", "finished"):
        manifest.update(folder, job=job)


def _first(overrides: Sequence[str], hydra: Sequence[str]) -> dict[str, Any]:
    searchpath = [word for word in hydra if key_of(word) == "hydra.searchpath"]
    return {"overrides": overrides, "searchpath": searchpath, "start": manifest.now()}


def check_places(folder: Path) -> None:
    """Checks that a run or a sweep can write in its folder: what is there must be of the kind that it writes.

    Raises:
        InputError: no permission to write; a link, a pipe or a device; a folder in place of a file, or the reverse.
    """
    if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"{folder} cannot be written; change its permissions, or pass another folder")
    fixed = [folder / name for name in WRITTEN_IN_PLACE]
    found = [path for pattern in WITHIN for path in folder.glob(pattern)]
    files.check_no_links([*fixed, *found])
    for path in [*fixed, *(folder / name for name in files.OF_A_RUN), *found]:
        inside = path.parent != folder  # a library may have folders of its own there
        files.check_kind(path, folder=path.name in FOLDERS and not inside, either=inside)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Locks the folder. The operating system releases the lock when the process ends, so no lock stays behind."""
    lock = FileLock(folder / LOCK)
    try:
        try:
            lock.acquire(timeout=LOCK_TIMEOUT)
        except Timeout:
            if _alive(folder):
                raise
            lock.acquire(timeout=ORPHANS_END)
    except Timeout as error:
        holder = manifest.read(folder)
        name = f"process {holder['pid']} on {holder['host']}" if "pid" in holder else "another process"
        raise FolderInUseError(
            f"{folder} is in use by {name}; wait for it or stop it, or pass another hydra.run.dir"
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
    except (PermissionError, OverflowError):  # the process of another user, or an impossible number
        pass
    return True


def state(folder: Path) -> str:
    """The status of a run: queued, running, finished, interrupted, failed; or killed, if "running" has no process."""
    status: str = manifest.read(folder).get("status", "unknown")
    if status == "running":
        try:
            with FileLock(folder / LOCK, timeout=0):
                return "killed"
        except (Timeout, OSError):
            pass
    return status


def finished(folder: Path, stored: dict[str, Any], knobs: dict[str, Any], decides: str) -> dict[str, float] | None:
    """The metrics of a run if it is finished with these knobs and complete; otherwise None.

    Args:
        folder: folder of the run.
        stored: its ``run.json``.
        knobs: the resolved configuration.
        decides: the name of a metric that every finished run of the task has.
    """
    same = stored.get("status") == "finished" and stored.get("config_hash") == config_hash(knobs)
    return (
        stored.get("metrics")
        if same and decides in stored.get("metrics", {}) and (folder / "checkpoints/last.ckpt").is_file()
        else None
    )
