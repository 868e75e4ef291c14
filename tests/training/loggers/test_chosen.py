"""``logger=``: each logger's values, read back, equal ``metrics.csv``; a resumed run has each point once."""

import csv
import json
import signal

import numpy as np
import pytest
from PIL import Image

from colourize.errors import Interrupted
from colourize.runs import manifest
from colourize.runs.apart import hyperparameters
from colourize.tasks.colourization.train import train
from tests.interrupting import in_step
from tests.trained import rows

TAGS = {"lr": "train/lr", "images_per_second": "train/images_per_second"}


def points(folder):
    """The rows of ``metrics.csv``, by step, under the names of the loggers."""
    found = {}
    for row in rows(folder):
        step = int(row.pop("step"))
        names = {TAGS.get(name, name): float(value) for name, value in row.items() if name not in ("epoch", "seconds")}
        found[step] = names
    return found


def csv_points(folder):
    with (folder / "csv/metrics.csv").open() as file:
        return {int(row.pop("step")): {name: float(cell) for name, cell in row.items()} for row in csv.DictReader(file)}


def without_lowest(points):
    return {
        step: {name: value for name, value in row.items() if name != "val/lowest_loss"} for step, row in points.items()
    }


def test_csv_has_the_values_of_the_epochs_the_knobs_the_pictures_and_the_table(quick, tmp_path):
    settings = quick("logger=csv")
    train(settings, tmp_path)
    assert without_lowest(csv_points(tmp_path)) == points(tmp_path)
    assert json.loads((tmp_path / "csv/knobs.json").read_text()) == hyperparameters(settings)
    for step in (3, 6):
        with Image.open(tmp_path / f"csv/val-grey-true-predicted-{step}.png") as image:
            assert np.asarray(image).std() > 1
    assert "| ConvTransposeNet |" in (tmp_path / "csv/evaluation.md").read_text()
    assert not (tmp_path / "tensorboard").exists()


def test_without_a_logger_metrics_csv_has_the_curves(quick, tmp_path):
    train(quick("logger=none"), tmp_path)
    assert len(points(tmp_path)) == 2
    assert not {"tensorboard", "csv", "wandb", "mlflow"} & {path.name for path in tmp_path.iterdir()}


def test_a_list_of_loggers_gets_the_same_points(quick, tmp_path):
    train(quick("logger=[tensorboard,csv]"), tmp_path)
    assert without_lowest(csv_points(tmp_path)) == points(tmp_path)
    assert any((tmp_path / "tensorboard").iterdir())


@pytest.mark.parametrize("step", [2, 4])
def test_a_resumed_run_has_each_point_once(quick, tmp_path, monkeypatch, step):
    settings = quick("logger=csv", "save_every=1")
    with monkeypatch.context() as patch:
        in_step(patch, step, lambda: signal.raise_signal(signal.SIGTERM))
        with pytest.raises(Interrupted):
            train(settings, tmp_path)
    key = manifest.read(tmp_path)["key"]
    train(settings, tmp_path)
    assert without_lowest(csv_points(tmp_path)) == points(tmp_path)
    assert manifest.read(tmp_path)["key"] == key
