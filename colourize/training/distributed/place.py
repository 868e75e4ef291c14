"""The place of a process among the ranks of a run, and who started them.

Ranks are started by colourize (one machine), by torchrun, or by Slurm's srun.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from colourize.errors import InputError

PORTS = range(20_000, 30_000)
"""Of ranks that srun has started: below the ports that Linux gives to outgoing connections."""


@dataclass(frozen=True)
class Place:
    """Where a process is.

    Attributes:
        rank: its number, in [0, size).
        size: number of ranks.
        local_rank: its number on its machine.
        local_size: number of ranks on its machine.
        host: the machine of rank 0.
        port: the port there at which the ranks meet.
        starter: colourize, torchrun or Slurm.
    """

    rank: int
    size: int
    local_rank: int
    local_size: int
    host: str
    port: int
    starter: str = "colourize"


def given(environ: Mapping[str, str] = os.environ) -> Place | None:
    """The place that torchrun or srun has put into the environment; None: nobody has started several ranks.

    Raises:
        InputError: a variable is missing or not a number.
    """
    if "TORCHELASTIC_RUN_ID" in environ:  # first, because srun may have started torchrun
        read, starter, start = _of_torchrun, "torchrun", "torchrun train.py ..."
    elif environ.get("SLURM_STEP_NUM_TASKS", "1") != "1":  # absent in the script of a job, outside of srun
        read, starter, start = _of_srun, "Slurm", "srun python train.py ..."
    else:
        return None
    try:
        found = read(environ)
    except InputError:
        raise
    except (KeyError, ValueError) as error:
        raise InputError(f"{starter}'s environment lacks a usable {error}; start with {start}") from error
    return found if found.size > 1 else None


def _of_torchrun(environ: Mapping[str, str]) -> Place:
    rank, size, local, count, port = (
        int(environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_PORT")
    )
    return Place(rank, size, local, count, environ["MASTER_ADDR"], port, "torchrun")


def _of_srun(environ: Mapping[str, str]) -> Place:
    """The place of a task of a step. ``MASTER_ADDR`` and ``MASTER_PORT`` take precedence over Slurm's first node and a
    port that depends on job and step."""
    rank, size, local, nodes, job, step = (
        int(environ[f"SLURM_{name}"])
        for name in ("PROCID", "STEP_NUM_TASKS", "LOCALID", "STEP_NUM_NODES", "JOB_ID", "STEP_ID")
    )
    if not re.fullmatch(r"\d+(\(x\d+\))?", counts := environ["SLURM_STEP_TASKS_PER_NODE"]):  # not such as 2,1
        raise InputError(f"srun must start as many ranks on each machine, got {counts}; pass --ntasks-per-node")
    # the first of n[1-2],m3: n1
    first = re.sub(r"\[([^],-]+)[^]]*\]", r"\1", environ["SLURM_STEP_NODELIST"]).partition(",")[0]
    port = int(environ.get("MASTER_PORT", PORTS.start + (7 * job + step) % len(PORTS)))
    return Place(rank, size, local, size // nodes, environ.get("MASTER_ADDR", first), port, "Slurm")


def settled(knobs: dict[str, Any], place: Place | None) -> dict[str, Any]:
    """The knobs with ``devices`` and ``num_nodes`` of ranks that others have started, if both are 1.

    Raises:
        InputError: other values do not fit these ranks.
    """
    if place is None:
        return knobs
    nodes = place.size // place.local_size
    asked = knobs["devices"], knobs["num_nodes"]
    if asked not in ((1, 1), (place.local_size, nodes)):
        raise InputError(
            f"devices={asked[0]} num_nodes={asked[1]}, but {place.starter} started {place.local_size} processes on "
            f"each of {nodes} machines; pass devices={place.local_size} num_nodes={nodes}, or leave both out"
        )
    return {**knobs, "devices": place.local_size, "num_nodes": nodes}


def check(knobs: dict[str, Any], place: Place | None) -> None:
    """Raises InputError if this machine cannot run the ranks that the knobs ask for."""
    devices, nodes = knobs["devices"], knobs["num_nodes"]
    if devices * nodes == 1:
        return
    if nodes > 1 and place is None:
        raise InputError(
            f"num_nodes={nodes} requires Slurm or torchrun; run srun --nodes {nodes} --ntasks-per-node {devices} "
            "python train.py ..., or torchrun on every machine, see docs/scaling.md"
        )
    import torch  # late: a sweep's finished jobs do not need it

    gpus = torch.cuda.device_count() if knobs["accelerator"] != "cpu" else 0
    most, kind = (gpus, "GPUs") if gpus else (num_cores(), "cores")
    if devices > most:
        raise InputError(f"devices must be <= {most}, the number of {kind} of this machine, got {devices}")
    if "swa" in knobs["callbacks"]:
        raise InputError(f"callbacks=swa averages in one process, got devices={devices}; pass ema=0.998 instead")


def num_cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
