"""A detector that two ranks train and validate."""

import numpy as np
import pytest
import torch

from colourize.data.boxes import drawn
from colourize.data.boxes.boxed import Found
from colourize.evaluation.detection.precision import precision
from colourize.inference.detection.opening import opened
from colourize.tasks.detection.module import of_all_ranks
from tests.faults.processes import Process
from tests.trained import rows

SMALL = (
    "task=detection", "data.num_train=7", "data.num_validation=5", "image_size=64", "model.width=0.0625",
    "batch_size=2", "max_epochs=2", "logger=none", "trainer.enable_progress_bar=false", "accelerator=cpu", "lr=0.01",
)  # fmt: skip


@pytest.mark.slow
def test_two_ranks_measure_what_one_process_measures_in_all_their_pictures(tmp_path):
    process = Process(*SMALL, "devices=2", "hydra.run.dir=run", cwd=tmp_path)
    assert process.wait() == 0, process.stderr()
    last = rows(tmp_path / "run")[-1]
    assert last["step"] == "4"  # 7 pictures, 4 a step, 2 epochs
    _, truth = drawn.load(num_train=7, num_validation=5, classes="all", image_size=64, holdout=0.0, seed=0)
    detector = opened(tmp_path / "run/checkpoints/last.ckpt", "cpu")
    found = [detector(truth.picture(index)) for index in range(5)]
    assert float(last["val/AP"]) == pytest.approx(precision(truth, found).ap, abs=1e-6, nan_ok=True)
    assert (tmp_path / "run/detection.json").is_file()


def test_in_one_process_the_order_is_kept():
    found = [
        Found(torch.rand(2, 4), torch.rand(2), torch.tensor([0, 1])),
        Found(*map(torch.tensor, (np.zeros((0, 4)), [], []))),
    ]
    assert of_all_ranks([0, 1], found) == found
