"""Ranks of a run as forked processes, started once for many runs: a process of its own takes seconds to import all."""

import contextlib
import signal
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch.distributed as dist
from torch import Tensor, nn

from colourize.errors import Interrupted
from colourize.runs.run_folder import Guest, claim
from colourize.tasks import chosen
from colourize.tasks.colourization.data import ColourData
from colourize.tasks.colourization.module import Colourizer
from colourize.training.distributed import member, place, team
from colourize.training.distributed.place import Place
from colourize.training.fit import fit
from tests.conftest import knobs
from tests.faults.processes import forked

SCENES = (
    "data=scenes", "data.num_train=41", "data.num_validation=9", "image_size=8", "num_filters=2", "num_colours=4",
    "max_epochs=2", "accelerator=cpu", "trainer.enable_progress_bar=false", "logger=none", "model=pointwise",
)  # fmt: skip
"""With 8 pictures a step: 12 steps, of which the last of each epoch has one picture."""


class Plain(nn.Module):
    """A network without batch norm: [N, 1, H, W] -> [N, K, H, W]."""

    def __init__(self, num_colours: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.Tanh(), nn.Conv2d(8, num_colours, 3, padding=1))

    def forward(self, grey: Tensor) -> Tensor:
        return self.layers(grey)


def settings(cache: Path, *words: str, plain: bool = False) -> dict[str, Any]:
    """Knobs of a small run; with ``plain`` of a network without batch norm."""
    found = knobs(*SCENES, f"cache_dir={cache}", *words)
    return {**found, "model": {"_target_": "tests.ranks.Plain", "num_colours": 4}} if plain else found


def trained(own: dict[str, Any], folder: Path, at: Place | None = None, store: Any = None) -> None:
    """Fits a run without its report, as one process or as one rank of several."""
    with contextlib.ExitStack() as kept:
        patch = kept.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(ColourData, "yardstick", SimpleNamespace(table_loss=1.0))
        kept.enter_context(contextlib.suppress(Interrupted))
        held = kept.enter_context(claim(folder, own)) if at is None or at.rank == 0 else Guest()
        if at is not None:
            kept.enter_context(member.joined(at, store, own))
        fit(chosen.task(own), own, folder, held, (), at)


def _rank(rank: int, count: int, port: int, runs: list[tuple[dict[str, Any], Path]], probe: Any, given: Any) -> None:
    place.num_cores = lambda: count
    at = Place(rank, count, rank, count, "127.0.0.1", port)
    store = member.connected(at, server=False)
    if probe is not None:
        probe(rank, *given)
    for number, (own, folder) in enumerate(runs):
        trained(own, folder, at, team.of_job(store, number))


def interrupted_at(rank: int, stops: dict[tuple[str, int], tuple[int, ...]], module: Any = Colourizer) -> None:
    """A probe: sends SIGTERM to ranks of runs in their steps, and notes each step in a file beside the folder.

    Args:
        rank: the rank of this process.
        stops: ranks by folder and step, counted from 0.
        module: the class whose steps these are.
    """
    original, pending = module.training_step, set(stops)

    def training_step(self: Any, batch: Any, batch_idx: int) -> Any:
        folder, step = str(self.trainer.default_root_dir), self.trainer.fit_loop.total_batch_idx
        with Path(f"{folder}.{rank}.steps").open("a") as file:
            file.write(f"{step}\n")
        if (folder, step) in pending:
            pending.remove((folder, step))
            if rank in stops[folder, step]:
                signal.raise_signal(signal.SIGTERM)
        return original(self, batch, batch_idx)

    module.training_step = training_step


def steps_of(folder: Path, rank: int) -> list[int]:
    """The steps of a run on a rank, in all its starts: see ``interrupted_at``."""
    return [int(line) for line in Path(f"{folder}.{rank}.steps").read_text().split()]


def together(
    *runs: tuple[dict[str, Any], Path],
    count: int = 2,
    probe: Any = None,
    given: tuple[Any, ...] = (),
    seconds: float = 240,
) -> None:
    """Fits runs one after another, each on all ranks; ``probe(rank, *given)`` is called first in each process.

    A folder that occurs again is resumed, if something has interrupted its run.
    """
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False, timeout=timedelta(seconds=60))
    processes = [forked(_rank, rank, count, store.port, list(runs), probe, given) for rank in range(count)]
    for process in processes:
        process.join(seconds)
    statuses = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
    assert statuses == [0] * count
