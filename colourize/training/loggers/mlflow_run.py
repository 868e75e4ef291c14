"""A run in MLflow: a server, or an SQLite file in the run folder."""

import logging
import os
import re
import shlex
import time
from pathlib import Path
from typing import Any

import numpy as np

from colourize.errors import InputError
from colourize.training.loggers.background import Remote
from colourize.training.loggers.base import Identity
from colourize.training.loggers.pictures import file_name

KEY = "colourize.key"
LIMITS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}  # seconds for one request
CHUNK = 100  # parameters in one request, the most that MLflow takes


class MlflowRun(Remote):
    """The run with a key: found again if an earlier process made it.

    Args:
        folder: folder of the run.
        values: ``tracking_uri`` and ``experiment`` of the option.
        run: how MLflow knows it: the key is the tag ``colourize.key``.

    Raises:
        InputError: the file in the run folder writes its pictures elsewhere.
    """

    def __init__(self, folder: Path, values: dict[str, Any], run: Identity) -> None:
        for name, value in LIMITS.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param

        for name in ("alembic", "mlflow", "urllib3.connectionpool"):  # after the import, which sets levels of its own
            logging.getLogger(name).setLevel(logging.ERROR)
        self.metric, self.param, self.folder, self.values = Metric, Param, folder, values
        uri, home = _address(values), _home(folder)
        if not uri:
            home.mkdir(exist_ok=True)
        self.client = MlflowClient(tracking_uri=uri or f"sqlite:///{home}/mlflow.db")
        where = None if uri else (home / "artifacts").as_uri()
        found = self._found(values.get("experiment") or "colourize", where, run)
        if where is not None and found.info.artifact_uri != f"{where}/{found.info.run_id}/artifacts":
            raise InputError(
                f"{home}/mlflow.db must keep pictures in the run folder, got {found.info.artifact_uri}; "
                f"move {home} away"
            )
        self.id: str = found.info.run_id
        self.stored: dict[str, str] = found.data.params
        self.steps: dict[str, set[int]] | None = {} if found.data.metrics else None  # None: a new run

    def _found(self, experiment: str, where: str | None, run: Identity) -> Any:
        known = self.client.get_experiment_by_name(experiment)
        number = self.client.create_experiment(experiment, where) if known is None else known.experiment_id
        runs = self.client.search_runs([number], f"tags.`{KEY}` = '{run.key}'", max_results=1)
        if runs:
            self.client.update_run(runs[0].info.run_id, status="RUNNING")
            return runs[0]
        return self.client.create_run(number, run_name=run.name, tags={KEY: run.key} | dict.fromkeys(run.tags, ""))

    def metrics(self, values: dict[str, float], step: int) -> None:
        names = {_plain(name): value for name, value in values.items() if step not in self._steps_of(_plain(name))}
        now = int(1000 * time.time())
        if names:
            self.client.log_batch(
                self.id, metrics=[self.metric(name, value, now, step) for name, value in names.items()]
            )

    def _steps_of(self, name: str) -> set[int]:
        """Steps of a metric that an earlier process stored."""
        if self.steps is None:
            return set()
        if name not in self.steps:
            self.steps[name] = {point.step for point in self.client.get_metric_history(self.id, name)}
        return self.steps[name]

    def knobs(self, values: dict[str, Any]) -> None:
        texts = {_plain(name): str(value) for name, value in values.items()}
        for name in texts.keys() & self.stored.keys():
            if texts[name] != self.stored[name]:  # MLflow refuses another value
                self.client.set_tag(self.id, f"resumed.{name}", texts[name])
        new = [self.param(name, text) for name, text in texts.items() if name not in self.stored]
        for start in range(0, len(new), CHUNK):
            self.client.log_batch(self.id, params=new[start : start + CHUNK])

    def picture(self, name: str, image: np.ndarray, step: int) -> None:
        self.client.log_image(self.id, image, artifact_file=f"{file_name(name)}/{step:06d}.png")

    def text(self, name: str, text: str, step: int) -> None:
        self.client.log_text(self.id, text, f"{file_name(name)}.md")

    def viewer(self) -> tuple[str, str]:
        return viewer(self.folder, self.values)

    def close(self, status: str) -> None:
        self.client.set_terminated(self.id, "FINISHED" if status == "success" else "FAILED")


def viewer(folder: Path, values: dict[str, Any]) -> tuple[str, str]:
    """The address of MLflow's server, or the command that shows an SQLite file or a folder of it."""
    uri = _address(values) or f"sqlite:///{_home(folder)}/mlflow.db"
    served = re.match(r"https?://|databricks", uri)
    return "dashboard", uri if served else f"mlflow ui --backend-store-uri {shlex.quote(uri)}"


def _address(values: dict[str, Any]) -> str | None:
    return values.get("tracking_uri") or os.environ.get("MLFLOW_TRACKING_URI")


def _home(folder: Path) -> Path:
    return (folder / "mlflow").absolute()


def _plain(name: str) -> str:
    """A name in the form that MLflow accepts."""
    return re.sub(r"[^\w/. -]", "", name, flags=re.ASCII)
