"""Slurm: a real one with two nodes on this machine; a job on both is requeued in the middle of its run."""

import subprocess
import time

import pytest
import torch

from colourize.runs import listing, manifest
from tests import slurm
from tests.faults.states import saved
from tests.ranks import SCENES, settings, together

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(slurm.lacking()), reason=slurm.lacking())]
WORDS = *SCENES, "batch_size=4", "num_nodes=2", "save_every=3"


@pytest.fixture
def commands(tmp_path):
    with slurm.started(tmp_path / "slurm") as found:
        yield found


def test_a_sweep_on_two_nodes_with_a_requeued_job_ends_in_the_bits_of_two_ranks_here(
    commands, start, tmp_path, monkeypatch
):
    sweep = start(
        "--multirun", *WORDS, f"cache_dir={tmp_path / 'cache'}", "seed=0,1", "hydra.sweep.dir=sweep",
        "hydra/launcher=submitit_slurm", "+callbacks.waits._target_=tests.waiting.Waits",
        f"+callbacks.waits.marker={tmp_path / 'waits'}", cwd=tmp_path, probe=slurm.use, given=(str(commands),),
    )  # fmt: skip
    monkeypatch.setenv("PATH", str(commands), prepend=":")

    def states():
        time.sleep(0.3)
        return [(run.state, run.queue.partition(" ")[0]) for run in listing.found([tmp_path / "sweep"])]

    sweep.wait_for((tmp_path / "waits").exists)
    assert states()[0] == ("running", "RUNNING")
    job = manifest.read(tmp_path / "sweep/0")["job"]
    subprocess.run([commands / "scontrol", "requeue", job], check=True)
    sweep.wait_for(lambda: states()[0] == ("queued", "PENDING"))
    subprocess.run([commands / "scontrol", "update", f"jobid={job}", "StartTime=now"], check=True)
    assert sweep.wait(240) == 0, sweep.stdout() + sweep.stderr()

    assert states() == [("finished", "")] * 2
    assert [manifest.read(tmp_path / f"sweep/{number}")["starts"] for number in (0, 1)] == [2, 1]
    together(*((settings(tmp_path / "cache", *WORDS, f"seed={seed}"), tmp_path / f"here/{seed}") for seed in (0, 1)))
    for number in ("0", "1"):
        here, there = (saved(tmp_path / home / number) for home in ("here", "sweep"))
        assert here["global_step"] == there["global_step"] == 12
        assert all(torch.equal(here["state_dict"][key], there["state_dict"][key]) for key in here["state_dict"])
