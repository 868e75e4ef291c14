"""Compiles the kernels once for this machine, and loads them."""

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
from pathlib import Path

import torch  # first: the kernels then use the threads of torch's OpenMP

from colourize.errors import one_line

log = logging.getLogger(__name__)
SOURCES = [Path(__file__).with_name(name) for name in ("rows.c", "rows.inc")]
MATHS = "-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros"
FLAGS = "-O3", "-march=native", *MATHS, "-fopenmp", "-shared", "-fPIC"
SECONDS = 60.0  # for the compiler, which takes about one
OTHERS = 0o022  # permissions with which somebody else could write


@functools.cache
def library() -> ctypes.CDLL | None:
    """The compiled kernels; None where they cannot be built, which is logged once.

    They lie in ``$XDG_CACHE_HOME/colourize/kernels`` (``~/.cache``), in a folder that only its owner may write; its
    place is no knob, because a stranger's run folder must not decide which code is loaded.
    """
    try:
        return ctypes.CDLL(str(_built()))
    except (OSError, subprocess.SubprocessError) as error:
        log.info("one_pass=true: the kernels cannot be compiled here (%s); torch's own are used", one_line(error)[:200])
        return None


def threads() -> int:
    """The number of threads of torch, which the kernels use, too."""
    return torch.get_num_threads()


def _built() -> Path:
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        raise OSError("no C compiler, cc, on Linux")
    folder = _folder()
    target = folder / f"{_key()}.so"
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            made = Path(temporary, "kernels.so")
            command = [compiler, *FLAGS, str(SOURCES[0]), "-o", str(made), "-lm"]
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


def _key() -> str:
    """A name for what determines the compiled kernels: sources, flags and the processor's instructions."""
    parts = [source.read_bytes() for source in SOURCES]
    return hashlib.sha256(b"\0".join([*parts, " ".join(FLAGS).encode(), _processor()])).hexdigest()[:32]


def _processor() -> bytes:
    """Name and instruction sets of the processor: folders of caches may be shared between machines."""
    wanted = (b"model name", b"flags", b"Features", b"CPU part")
    lines = Path("/proc/cpuinfo").read_bytes().splitlines()
    found = [next((line for line in lines if line.startswith(name)), b"") for name in wanted]
    return b"\n".join([platform.machine().encode(), *found])
