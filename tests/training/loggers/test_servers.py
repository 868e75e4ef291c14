"""Weights & Biases offline and MLflow with SQLite, read back by their own code: they equal ``metrics.csv``."""

import json
import logging
import signal
import socket
import time

import numpy as np
import pytest
from PIL import Image

from colourize.errors import InputError, Interrupted
from colourize.runs import manifest
from colourize.runs.apart import hyperparameters
from colourize.tasks.chosen import train
from colourize.training.loggers import background, chosen
from colourize.training.loggers.base import Identity
from colourize.training.loggers.chosen import loggers
from tests.interrupting import in_step
from tests.trained import rows
from tests.wandb_files import records

pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries themselves
TAGS = {"lr": "train/lr", "images_per_second": "train/images_per_second"}


def points(folder):
    """The values of ``metrics.csv`` under the names of the loggers, as (name, step): value."""
    return {
        (TAGS.get(name, name), int(row["step"])): float(value)
        for row in rows(folder)
        for name, value in row.items()
        if name not in ("epoch", "seconds", "step")
    }


@pytest.fixture
def patient(monkeypatch, caplog):
    """Time for a busy machine, and no line of a logger that gave up."""
    for name in ("FLUSH", "END"):
        monkeypatch.setattr(background, name, 250.0)
    yield
    assert "the run continues without it" not in caplog.text


def wait_for(condition, seconds=60):
    """W&B's own process may write its file after the run has ended."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)


def interrupted_once(settings, folder, monkeypatch):
    """A run that is interrupted in its second epoch, and resumed."""
    with monkeypatch.context() as patch:
        in_step(patch, 4, lambda: signal.raise_signal(signal.SIGTERM))
        with pytest.raises(Interrupted):
            train(settings, folder)
    train(settings, folder)


@pytest.mark.slow
def test_mlflow_has_one_run_with_the_points_the_knobs_the_pictures_and_the_table(quick, patient, tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    from mlflow import MlflowClient

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    settings = quick("logger=mlflow", "save_every=1", "name=mine", "tags=[paper,first]")
    interrupted_once(settings, tmp_path, monkeypatch)
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow/mlflow.db")
    (run,) = client.search_runs([client.get_experiment_by_name("colourize").experiment_id])
    assert run.info.status == "FINISHED" and run.data.tags["colourize.key"] == manifest.read(tmp_path)["key"]
    assert run.info.run_name == "mine" and {"paper", "first"} <= run.data.tags.keys()
    assert run.data.params == {name: str(value) for name, value in hyperparameters(settings).items()}
    found = [
        ((name, each.step), each.value)
        for name in run.data.metrics
        for each in client.get_metric_history(run.info.run_id, name)
    ]
    assert len(found) == len(dict(found))  # each point once
    assert {key: value for key, value in found if key[0] != "val/lowest_loss"} == points(tmp_path)
    home = tmp_path / "mlflow/artifacts" / run.info.run_id / "artifacts"
    for step in (3, 6):
        with Image.open(home / f"val-grey-true-predicted/{step:06d}.png") as image:
            assert np.asarray(image).std() > 1
    assert "| ConvTransposeNet |" in (home / "evaluation.md").read_text()


@pytest.mark.slow
def test_wandb_has_one_run_with_the_points_the_knobs_the_pictures_and_the_table(quick, patient, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    settings = quick("logger=wandb", "save_every=1", "name=mine", "tags=[paper,first]")
    interrupted_once(settings, tmp_path, monkeypatch)
    wait_for(lambda: sum(record.HasField("exit") for record in records(tmp_path)) == 2)
    found, ids, config, pictures, texts = {}, set(), {}, set(), []
    for record in records(tmp_path):
        if record.HasField("run"):
            ids.add((record.run.run_id, record.run.display_name, *record.run.tags))
            config |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
        config |= {item.key: json.loads(item.value_json) for item in record.config.update}
        values = {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
        step = values.pop("trainer/global_step", None)
        for name, value in values.items():
            if name.endswith("/_type"):
                pictures.add((name.removesuffix("/_type"), step))
            elif not name.startswith(("_", "val/grey")) and name != "val/lowest_loss":
                found[name, step] = value
        texts += [item.value_json for item in record.summary.update if item.key == "evaluation"]
    assert ids == {(manifest.read(tmp_path)["key"], "mine", "paper", "first")}
    assert found == points(tmp_path)
    assert {name: config[name] for name in hyperparameters(settings)} == hyperparameters(settings)
    assert pictures == {("val/grey, true, predicted", 3), ("val/grey, true, predicted", 6)}
    assert any("| ConvTransposeNet |" in text for text in texts)


def closed_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.mark.slow
def test_a_server_that_is_away_is_one_line_and_the_run_is_finished(quick, tmp_path, monkeypatch, caplog):
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    address = f"logger.mlflow.tracking_uri=http://127.0.0.1:{closed_port()}"
    with caplog.at_level(logging.WARNING, logger="colourize"):
        train(quick("logger=[csv,mlflow]", address, "max_epochs=1"), tmp_path)
    assert manifest.read(tmp_path)["status"] == "finished" and len(rows(tmp_path)) == 1
    (record,) = [each for each in caplog.records if each.name.startswith("colourize.training.loggers")]
    assert record.message.startswith("logger=mlflow: ") and "the run continues without it" in record.message


@pytest.mark.slow
def test_a_server_that_never_answers_is_one_line_and_the_run_is_finished(quick, tmp_path, monkeypatch, caplog):
    pytest.importorskip("mlflow")
    monkeypatch.setattr(background, "FLUSH", 0.1)
    monkeypatch.setattr(background, "END", 0.1)
    with socket.socket() as silent, caplog.at_level(logging.WARNING, logger="colourize"):
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"logger.mlflow.tracking_uri=http://127.0.0.1:{silent.getsockname()[1]}"
        train(quick("logger=mlflow", address, "max_epochs=1"), tmp_path)
    assert manifest.read(tmp_path)["status"] == "finished"
    (record,) = [each for each in caplog.records if each.name.startswith("colourize.training.loggers")]
    assert "logger=mlflow: has not taken everything within" in record.message


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_missing_package_is_one_line_with_its_remedy(quick, tmp_path, monkeypatch, name):
    monkeypatch.setattr(chosen, "find_spec", lambda package: None)
    with pytest.raises(InputError, match=rf"logger={name} requires {name}: pip install '.\[{name}\]'") as caught:
        loggers(quick(f"logger={name}"), tmp_path, 0, "0" * 32)
    assert "\n" not in str(caught.value)


def test_a_database_that_writes_its_pictures_elsewhere_is_refused(tmp_path):
    """A run folder may come from a stranger."""
    pytest.importorskip("mlflow")
    from colourize.training.loggers.mlflow_run import MlflowRun

    (tmp_path / "theirs").mkdir()
    MlflowRun(tmp_path / "theirs", {}, Identity("0" * 32, "theirs"))
    (tmp_path / "theirs").rename(tmp_path / "moved")
    with pytest.raises(InputError, match="must keep pictures in the run.*, got file:.*theirs.*; move .*mlflow away"):
        MlflowRun(tmp_path / "moved", {}, Identity("0" * 32, "moved"))


@pytest.mark.parametrize("up", ["..", "%2e%2e"])
def test_a_database_with_a_way_out_of_the_run_folder_is_refused(tmp_path, up):
    pytest.importorskip("mlflow")
    import sqlite3
    from contextlib import closing

    from colourize.training.loggers.mlflow_run import MlflowRun

    folder = tmp_path / "a folder"  # the space is %20 in the address
    folder.mkdir()
    MlflowRun(folder, {}, Identity("0" * 32, "theirs"))
    MlflowRun(folder, {}, Identity("0" * 32, "theirs"))
    with closing(sqlite3.connect(folder / "mlflow/mlflow.db")) as database, database:
        database.execute("UPDATE runs SET artifact_uri = artifact_uri || ?", [f"/{up}/{up}/{up}/{up}/elsewhere"])
    with pytest.raises(InputError, match="must keep pictures in the run.*, got file:.*elsewhere; move .*mlflow away"):
        MlflowRun(folder, {}, Identity("0" * 32, "theirs"))
