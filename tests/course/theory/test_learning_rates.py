"""Finished runs, grouped by their learning rates."""

import json
import math

from colourize.course.theory import learning_rates

HYPER = {
    "_target_": "colourize.training.optimizers.Hypergradient",
    "base": "adam",
    "hyper_lr": 0.02,
    "multiplicative": True,
}


def written(folder, runs):
    """A folder of runs, each (knobs, the optimizer's values, validation loss or None)."""
    for job, (knobs, optimizer, loss) in enumerate(runs):
        (folder / str(job)).mkdir()
        config = {"model": {"_target_": "a.UNet"}, "optimizer": {**HYPER, **optimizer}, "data": {}, "trainer": {},
                  "lr": 7, **knobs}  # fmt: skip
        stored = {"status": "finished" if loss else "failed", "config": config,
                "metrics": {"val/loss": loss, "train/loss": 1.0, "lr": 0.5}}  # fmt: skip
        (folder / str(job) / "run.json").write_text(json.dumps(stored))
    return learning_rates.demo(str(folder))


def test_learning_rates_are_read_from_finished_runs(finished_run):
    demo = learning_rates.demo(str(finished_run))
    (row,) = demo.rows
    metrics = json.loads((finished_run / "run.json").read_text())["metrics"]
    assert (row["optimizer"], row["first lr"], row["runs"]) == ("Adam", 0.001, 1)
    assert math.isclose(row["validation loss"], metrics["val/loss"])


def test_runs_that_differ_only_in_their_seed_are_averaged(tmp_path):
    runs = [({"seed": 0}, {"lr": 0.1}, 1.0), ({"seed": 1}, {"lr": 0.1}, 2.0), ({"seed": 0}, {"lr": 0.01}, 4.0),
            ({"seed": 1}, {"lr": 0.01}, None)]  # fmt: skip
    demo = written(tmp_path, runs)
    assert [(row["model"], row["first lr"], row["validation loss"], row["runs"]) for row in demo.rows] == [
        ("UNet", 0.01, 4.0, 1), ("UNet", 0.1, 1.5, 2)
    ]  # fmt: skip
    assert demo.rows[0]["optimizer"] == "Hypergradient (adam, beta 0.02, multiplicative)"
    assert demo.sentences == ["1 of 4 runs did not finish and are left out"]


def test_runs_with_other_differences_are_not_averaged(tmp_path):
    runs = [({"batch_size": 50}, {"lr": 0.1}, 1.0), ({"batch_size": 100}, {"lr": 0.1}, 2.0),
            ({"batch_size": 100}, {"lr": 0.1, "weight_decay": 0.5}, 4.0)]  # fmt: skip
    rows = written(tmp_path, runs).rows
    assert sorted(row["validation loss"] for row in rows) == [1.0, 2.0, 4.0]
    assert len({row["model"] for row in rows}) == 3
    assert "batch_size 50" in next(row["model"] for row in rows if row["validation loss"] == 1.0)
    assert "weight_decay 0.5" in next(row["model"] for row in rows if row["validation loss"] == 4.0)
