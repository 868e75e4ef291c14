"""Compiles a library of kernels once for this machine, and loads it."""

import contextlib
import ctypes
import functools
import hashlib
import logging
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from colourize.errors import one_line

log = logging.getLogger(__name__)
MATHS = "-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros"
FLAGS = "-O3", "-march=native", *MATHS, "-shared", "-fPIC"
SECONDS = 60.0  # for the compiler, which takes about one
OTHERS = 0o022  # permissions with which somebody else could write
DIGEST = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Kernels:
    """A library of kernels.

    Attributes:
        files: names of its sources in this folder; the first one is compiled.
        flags: further flags of the compiler.
        otherwise: the code used instead if it cannot be compiled; for the message.
    """

    files: Sequence[str]
    otherwise: str
    flags: Sequence[str] = ()

    def paths(self) -> list[Path]:
        """Its sources."""
        return [Path(__file__).with_name(name) for name in self.files]


@functools.cache
def library(kernels: Kernels) -> ctypes.CDLL | None:
    """The compiled kernels; None where they cannot be built, which is logged once.

    They lie in ``$XDG_CACHE_HOME/colourize/kernels`` (``~/.cache``), in a folder that only its owner may write. No knob
    changes this folder, because a stranger's run folder must not decide which code is loaded.
    """
    try:
        if sys.platform != "linux":
            raise OSError("not on Linux")
        target = _folder() / f"{_key(kernels)}.so"
        return _loaded(target) or _compiled(kernels, target)
    except (OSError, subprocess.SubprocessError) as error:
        cause = one_line(error)[:200]
        log.info("the kernels of %s cannot be compiled here (%s); %s", kernels.files[0], cause, kernels.otherwise)
        return None


def _loaded(path: Path) -> ctypes.CDLL | None:
    """The library of a file that only this user may write and that is whole; None for any other file.

    The file ends with the SHA-256 of the rest, because a library that is cut short would kill the process at its first
    use. The checked, open file itself is loaded, so that nobody can replace it after the checks.
    """
    try:
        place = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    found = os.fstat(place)
    if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & OTHERS:
        with os.fdopen(os.dup(place), "rb") as file:
            content = file.read()
        if content[-DIGEST:] == hashlib.sha256(content[:-DIGEST]).digest():
            with contextlib.suppress(OSError):  # compiled with other libraries, in a home of several machines
                # the file stays open: glibc takes a second library for the first one if both have the same path
                return ctypes.CDLL(f"/proc/self/fd/{place}")
    os.close(place)
    return None


def _compiled(kernels: Kernels, target: Path) -> ctypes.CDLL:
    """Compiles, loads, and keeps the file if it can be loaded."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise OSError("no C compiler, cc")
    with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
        made = Path(temporary, "kernels.so")
        command = [compiler, *FLAGS, *kernels.flags, str(kernels.paths()[0]), "-o", str(made), "-lm"]
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
        content = made.read_bytes()
        made.chmod(0o700)
        made.write_bytes(content + hashlib.sha256(content).digest())
        found = _loaded(made)
        if found is None:
            raise OSError(f"{compiler} made a file that cannot be loaded")
        made.replace(target)
    return found


def _folder() -> Path:
    """The folder of compiled kernels.

    Raises:
        OSError: it cannot be created, or somebody else may write into it.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # relative ones are invalid (XDG Base Directory Specification), and could lie in a stranger's folder
    folder = (home if home.is_absolute() else Path("~/.cache").expanduser()) / "colourize" / "kernels"
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.geteuid() or found.st_mode & OTHERS or folder.is_symlink():
        raise OSError(f"{folder} must be a folder that only you may write")
    return folder


def _key(kernels: Kernels) -> str:
    """A name made from everything that determines the kernels: sources, flags and the processor's instructions."""
    sources = [path.read_bytes() for path in kernels.paths()]
    flags = " ".join([*FLAGS, *kernels.flags]).encode()
    return hashlib.sha256(b"\0".join([*sources, flags, _processor()])).hexdigest()[:32]


def _processor() -> bytes:
    """Name and instruction sets of the processor: folders of caches may be shared between machines."""
    wanted = (b"model name", b"flags", b"Features", b"CPU part")
    lines = Path("/proc/cpuinfo").read_bytes().splitlines()
    found = [next((line for line in lines if line.startswith(name)), b"") for name in wanted]
    return b"\n".join([platform.machine().encode(), *found])
