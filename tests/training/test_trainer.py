"""Lightning's Trainer for a run."""

from colourize.runs.run_folder import claim
from colourize.tasks.colourization.task import TASK
from colourize.training.fit import fit
from tests.conftest import knobs
from tests.faults.processes import SMALL


def test_a_machine_with_slurm_trains_outside_of_slurm_without_a_warning(tmp_path, monkeypatch):
    srun = tmp_path / "srun"
    srun.write_text("#!/bin/sh\n")
    srun.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    options = knobs(*SMALL, "max_epochs=1", f"cache_dir={tmp_path / 'cache'}")
    with claim(tmp_path / "run", options) as held:
        fit(TASK, options, tmp_path / "run", held)
    assert (tmp_path / "run" / "checkpoints" / "last.ckpt").is_file()
