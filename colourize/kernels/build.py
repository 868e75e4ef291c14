"""Compiles a library of kernels once for this machine, and loads it."""

import ctypes
import functools
import hashlib
import logging
import os
import platform
import shutil
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


@dataclass(frozen=True)
class Kernels:
    """A library of kernels.

    Attributes:
        files: names of its sources in this folder, of which the first is compiled.
        flags: further flags of the compiler.
        otherwise: what is used where it cannot be compiled; for the message.
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
        return ctypes.CDLL(str(_built(kernels)))
    except (OSError, subprocess.SubprocessError) as error:
        cause = one_line(error)[:200]
        log.info("the kernels of %s cannot be compiled here (%s); %s", kernels.files[0], cause, kernels.otherwise)
        return None


def _built(kernels: Kernels) -> Path:
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        raise OSError("no C compiler, cc, on Linux")
    folder = _folder()
    target = folder / f"{_key(kernels)}.so"
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            made = Path(temporary, "kernels.so")
            command = [compiler, *FLAGS, *kernels.flags, str(kernels.paths()[0]), "-o", str(made), "-lm"]
            subprocess.run(command, check=True, capture_output=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
            made.replace(target)
    return target


def _folder() -> Path:
    """The folder of compiled kernels.

    Raises:
        OSError: it cannot be created, or somebody else may write into it.
    """
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(home).expanduser() / "colourize" / "kernels"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.geteuid() or found.st_mode & OTHERS or folder.is_symlink():
        raise OSError(f"{folder} must be a folder that only you may write")
    return folder


def _key(kernels: Kernels) -> str:
    """A name for what determines the compiled kernels: sources, flags and the processor's instructions."""
    sources = [path.read_bytes() for path in kernels.paths()]
    flags = " ".join([*FLAGS, *kernels.flags]).encode()
    return hashlib.sha256(b"\0".join([*sources, flags, _processor()])).hexdigest()[:32]


def _processor() -> bytes:
    """Name and instruction sets of the processor: folders of caches may be shared between machines."""
    wanted = (b"model name", b"flags", b"Features", b"CPU part")
    lines = Path("/proc/cpuinfo").read_bytes().splitlines()
    found = [next((line for line in lines if line.startswith(name)), b"") for name in wanted]
    return b"\n".join([platform.machine().encode(), *found])
