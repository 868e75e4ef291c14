"""A run folder: who works in it, how far it is, and how it is gone on with. Nothing heavy is imported."""

import contextlib
import logging
import os
import platform
import shlex
import socket
import subprocess
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from colourize import manifest
from colourize.changes import check_changes, config_hash
from colourize.errors import InputError, told

log = logging.getLogger(__name__)
LOCK = ".lock"
PACKAGES = "colourize", "torch", "torchvision", "pytorch-lightning", "hydra-core", "numpy"
ORPHANS_END = 15  # seconds: loader workers of a killed process notice within five


@contextlib.contextmanager
def claim(folder: Path, knobs: dict[str, Any], overrides: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Holds a run folder while a run is in it, and keeps its ``run.json``: running, then finished, interrupted, failed.

    Gives what ``run.json`` said before: empty in a new folder, and where nothing was saved yet.

    Raises:
        InputError: another process is in the folder, or it holds a run that these knobs cannot go on with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        before = manifest.read(folder)
        saved = any((folder / "checkpoints").glob("*.ckpt"))
        if saved and "config" not in before:
            raise InputError(f"{folder} holds checkpoints but no run.json that says whose; pass another hydra.run.dir")
        if saved:
            check_changes(before["config"], knobs, f"{folder} was trained")
        elif before:
            log.warning("%s holds no checkpoint: the run starts anew", folder)
        manifest.write(
            folder, status="running", overrides=overrides, config=knobs, config_hash=config_hash(knobs),
            start=before.get("start", manifest.now()) if saved else manifest.now(),
            starts=before.get("starts", 0) + 1 if saved else 1, pid=os.getpid(), host=socket.gethostname(),
            environment=before.get("environment", {}) if saved else {},
            fingerprint=before.get("fingerprint") if saved else None,
        )  # fmt: skip
        try:
            yield before if saved else {}
        except BaseException as error:
            status = "failed" if isinstance(error, Exception) else "interrupted"
            with contextlib.suppress(OSError):  # a full disk must not hide the error
                manifest.update(folder, status=status, error=told(error), end=manifest.now())
            raise


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The operating system gives the lock back when its holder dies, so none is ever left behind."""
    lock = FileLock(folder / LOCK)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if _alive(folder):
                raise
            lock.acquire(timeout=ORPHANS_END)
    except Timeout as error:
        holder = manifest.read(folder)
        raise InputError(
            f"{folder} is in use by process {holder.get('pid')} on {holder.get('host')}; wait for it or stop it, or "
            "pass another hydra.run.dir"
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
    except PermissionError:
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


def finished(folder: Path, knobs: dict[str, Any]) -> dict[str, float] | None:
    """The metrics of a run that was done with these very knobs and is whole, else None."""
    before = manifest.read(folder)
    if before.get("status") != "finished" or before["config_hash"] != config_hash(knobs):
        return None
    return before["metrics"] if (folder / "checkpoints/last.ckpt").is_file() else None


def environment(device: str, threads: int) -> dict[str, Any]:
    """What else decides the bits of a run: versions, machine, device, number of threads; and the commit of the code."""
    known = {name: version(name) for name in PACKAGES}
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
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def going_on(program: str, folder: Path) -> str:
    """The command that goes on with a run or a sweep."""
    return f"{program} {shlex.quote(f'resume={folder}')}"


def resumed(words: Sequence[str]) -> list[str]:
    """The command line with ``resume=FOLDER`` replaced by the words that began the folder's run or sweep.

    Words beside it take the place of the earlier ones.

    Raises:
        InputError: the folder holds neither.
    """
    given = [word for word in words if word.startswith("resume=")]
    if not given:
        return list(words)
    folder = Path(given[-1].partition("=")[2].strip("'\"")).expanduser()
    place = "'" + str(folder).replace("\\", "\\\\").replace("'", "\\'") + "'"
    if (run := manifest.read(folder)).get("overrides") is not None:
        earlier = [*run["overrides"], "hydra.mode=RUN", f"hydra.run.dir={place}"]
    elif (folder / "multirun.yaml").is_file():
        from omegaconf import OmegaConf

        hydra = OmegaConf.load(folder / "multirun.yaml").hydra.overrides
        earlier = [*hydra.task, *hydra.hydra, "hydra.mode=MULTIRUN", f"hydra.sweep.dir={place}"]
    else:
        raise InputError(f"resume={folder} holds no run and no sweep of this command; pass the folder of one")
    by_key = {_key(word): word for word in [*earlier, *(word for word in words if word not in given)]}
    return list(by_key.values())


def _key(word: str) -> str:
    return word.partition("=")[0].lstrip("+~") if not word.startswith("-") else word
