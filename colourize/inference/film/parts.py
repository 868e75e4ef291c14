"""The finished parts of a film, in the folder OUTPUT.parts beside the output."""

import json
import os
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from colourize import files
from colourize.errors import InputError, shown
from colourize.files import printable

KEY, LOCK = "film.json", "lock"
OURS = re.compile(r"film\.json|lock|\d{6}\.(nut|npz)|\.(film\.json|\d{6}\.(nut|npz))\.[0-9a-f]{16}\.tmp")
REMEMBERED = 20  # one part in so many keeps its memory, in case later parts are damaged; the last part always does
Memory = dict[str, NDArray[Any]]


class Part(NamedTuple):
    """A finished part: number of frames, duration of the last one, the painter's memory after it (None if deleted)."""

    frames: int
    last: int
    memory: Memory | None


class Parts:
    """The folder of parts, locked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def finished(self) -> list[Part]:
        """The parts before the first one that is missing or damaged, cut after the last one that has a memory."""
        found: list[Part] = []
        while self.film(len(found)).exists() and (part := _part(self._state(len(found)))) is not None:
            found.append(part)
        while found and found[-1].memory is None:
            found.pop()
        return found

    def film(self, index: int) -> Path:
        """The file of a part."""
        return self.folder / f"{index:06}.nut"

    def add(self, index: int, write: Callable[[BinaryIO], Part]) -> Part:
        """Writes a part. Its memory is written first, so that a finished part can always be continued.

        Raises:
            OSError: a full disk; no partial file remains.
        """
        made: list[Part] = []
        files.replace(self.film(index), lambda file: made.append(write(file)), lambda: self._keep(index, made[0]))
        if (index - 1) % REMEMBERED and (before := _part(self._state(index - 1))) is not None:
            self._keep(index - 1, before._replace(memory=None))
        return made[0]

    def _keep(self, index: int, part: Part) -> None:
        arrays = {"frames": np.array(part.frames), "last": np.array(part.last)}
        if part.memory is None:
            arrays["forgotten"] = np.array(True)
        else:
            arrays |= {f"memory_{name}": array for name, array in part.memory.items()}
        files.replace(self._state(index), lambda file: np.savez(file, allow_pickle=False, **arrays))

    def remove(self) -> None:
        """Deletes the folder, but not files that we did not write; then the folder stays, too."""
        for entry in sorted(self.folder.iterdir()):
            if OURS.fullmatch(entry.name):
                entry.unlink()
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _state(self, index: int) -> Path:
        return self.folder / f"{index:06}.npz"


@contextmanager
def opened(output: Path, key: Mapping[str, Any]) -> Iterator[Parts]:
    """The parts of an output; creates their folder if it is missing.

    Args:
        output: the coloured film.
        key: plain values that determine the parts.

    Raises:
        InputError: the parts have another key or are in use by another process; the folder is a link or holds other
            files.
        OSError: the folder cannot be created.
    """
    folder = output.with_name(f"{output.name}.parts")
    files.check_no_links([folder])
    if folder.exists() and not (folder.is_dir() and all(OURS.fullmatch(entry.name) for entry in folder.iterdir())):
        raise InputError(f"{printable(str(folder))} holds other files than a film's parts; remove or rename it")
    folder.mkdir(exist_ok=True)
    files.check_no_links(folder.iterdir())
    files.check_output(folder / LOCK)  # a lock on a pipe would wait forever
    try:
        with FileLock(folder / LOCK, timeout=0):
            _check_key(folder / KEY, json.loads(json.dumps(key)))
            for entry in folder.glob(".*.tmp"):  # of a process that was killed
                entry.unlink()
            yield Parts(folder)
    except Timeout as error:
        raise InputError(f"another process is writing {printable(str(output))}; wait for it") from error


def _check_key(path: Path, key: dict[str, Any]) -> None:
    if not path.exists():
        return files.replace_text(path, json.dumps(key, indent=1))
    try:
        before = files.read_json(path)
    except ValueError as error:
        raise InputError(f"{error}; remove {printable(str(path.parent))}") from error
    before = before if isinstance(before, dict) else {}
    if changed := [name for name in key.keys() | before.keys() if key.get(name) != before.get(name)]:
        text = ", ".join(f"{n} was {shown(before.get(n), 40)}, now {shown(key.get(n), 40)}" for n in sorted(changed))
        rule = "its parts belong to another film or to other settings"
        raise InputError(f"{printable(str(path.parent))}: {rule} ({text}); remove the folder, or repeat the settings")


def _part(path: Path) -> Part | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            names = [name for name in stored.files if name.startswith("memory_")]
            memory = {name.removeprefix("memory_"): stored[name] for name in names}
            return Part(int(stored["frames"]), int(stored["last"]), None if "forgotten" in stored.files else memory)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def same_file(first: Path, second: Path) -> bool:
    """Whether two paths lead to the same file."""
    return second.exists() and os.path.samefile(first, second)
