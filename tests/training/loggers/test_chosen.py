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
from colourize.tasks.chosen import train
from colourize.training.loggers.base import Identity
from colourize.training.loggers.chosen import BUILDERS
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


def test_each_logger_names_what_shows_its_entries(quick, tmp_path, monkeypatch):
    """Also before it has stored anything: a slow one must not be missing at the end of a run."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder, identity = tmp_path / "a run", Identity("0" * 32, "mine")
    folder.mkdir()
    build = {name: lambda values, make=make: make(folder, 0, values, identity) for name, make in BUILDERS.items()}
    assert {name: make({}).viewer() for name, make in build.items()} == {
        "tensorboard": ("dashboard", f"tensorboard --logdir '{folder}'"),
        "csv": ("csv", f"{folder}/csv/metrics.csv"),
        "wandb": ("to W&B", f"wandb sync '{folder}/wandb'/offline-run-*"),
        "mlflow": ("dashboard", f"mlflow ui --backend-store-uri 'sqlite:///{folder}/mlflow/mlflow.db'"),
    }
    served = "http://127.0.0.1:5000"
    assert build["mlflow"]({"tracking_uri": served}).viewer() == ("dashboard", served)
    assert build["mlflow"]({"tracking_uri": "runs"}).viewer()[1] == "mlflow ui --backend-store-uri runs"
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert build["wandb"]({}).viewer() is None


def test_the_end_of_a_run_names_the_loggers_of_the_command_and_no_others(quick, tmp_path, capsys):
    """Not those that an interrupted run had before."""
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow/mlflow.db").touch()
    train(quick("logger=csv", "max_epochs=1"), tmp_path)
    printed = capsys.readouterr().out
    assert f"csv           {tmp_path}/csv/metrics.csv" in printed
    assert "mlflow" not in printed and "tensorboard" not in printed


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
