"""The environment of a run: versions, machine and commit. With the knobs, it determines the bits of the results."""

import functools
import logging
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from colourize import __version__

log = logging.getLogger(__name__)
PACKAGES = "torch", "torchvision", "pytorch-lightning", "hydra-core", "numpy"


def environment(device: str, threads: int) -> dict[str, Any]:
    """Everything except the knobs that determines the bits of a run: versions, machine, device, threads, commit."""
    return {
        "colourize": __version__, **_versions(), "python": platform.python_version(), "machine": platform.machine(),
        "device": device, "threads": threads, "commit": _commit(),
    }  # fmt: skip


def warn_of_other_bits(before: dict[str, Any], now: dict[str, Any]) -> None:
    """Logs how the environment differs from the start of the run."""
    changed = [
        f"{name} {before[name]}, now {now[name]}" for name in now if name in before and before[name] != now[name]
    ]
    if changed:
        log.warning("started with %s: the bits may differ from those of a run without interruption", "; ".join(changed))


@functools.cache
def _versions() -> dict[str, str]:
    return {name: version(name) for name in PACKAGES}


@functools.cache  # the code of a process does not change, and git takes as long as one or two steps
def _commit() -> str | None:
    """The commit of this code's checkout, with "-dirty" if files have changed; None without a checkout."""
    root = Path(__file__).parent.parent.parent
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
