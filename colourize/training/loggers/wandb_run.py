"""A run in Weights & Biases: at its server, or in ``wandb/`` of the run folder until ``wandb sync`` sends it."""

import importlib
import logging
import os
import shlex
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import numpy as np

from colourize.training.loggers.background import Remote
from colourize.training.loggers.base import Identity

log = logging.getLogger(__name__)
STEP = "trainer/global_step"  # the axis, with the name that Lightning gives it
OFFLINE = "offline", "dryrun"  # values of WANDB_MODE
REACHED = 5  # seconds to reach the server


class WandbRun(Remote):
    """The run with a key: W&B's ``id``, so that a resumed run continues it.

    Args:
        folder: folder of the run.
        values: ``project`` and ``entity`` of the option.
        run: how W&B knows it.
    """

    def __init__(self, folder: Path, values: dict[str, Any], run: Identity) -> None:
        wandb: Any = importlib.import_module("wandb")
        self.wandb = wandb
        mode = os.environ.get("WANDB_MODE") or _mode(wandb, folder)
        self.folder, self.mode = folder, mode
        # W&B names its folder after the second and the key: a run resumed within a second would get the same one
        while any((folder / "wandb").glob(f"*run-{time.strftime('%Y%m%d_%H%M%S')}-{run.key}")):
            time.sleep(0.1)
        settings = wandb.Settings(silent=True, console="off", init_timeout=60)
        resume = {"resume": "allow"} if mode == "online" else {}
        self.run: Any = wandb.init(
            project=values.get("project") or "colourize",
            entity=values.get("entity"),
            id=run.key,
            name=run.name,
            tags=run.tags,
            dir=folder,
            mode=mode,
            reinit="create_new",
            settings=settings,
            **resume,
        )
        if mode == "online":
            log.info("logger=wandb: %s", self.run.url)
        self.run.define_metric(STEP)
        self.run.define_metric("*", step_metric=STEP, step_sync=True)

    def metrics(self, values: dict[str, float], step: int) -> None:
        self.run.log({**values, STEP: step})

    def knobs(self, values: dict[str, Any]) -> None:
        self.run.config.update(values, allow_val_change=True)

    def picture(self, name: str, image: np.ndarray, step: int) -> None:
        self.run.log({name: self.wandb.Image(image), STEP: step})

    def text(self, name: str, text: str, step: int) -> None:
        self.run.summary[name] = text

    def viewer(self) -> tuple[str, str] | None:
        if self.mode in OFFLINE:
            return viewer(self.folder, self.mode)
        return ("dashboard", self.run.url) if self.run.url else None  # WANDB_MODE=disabled has none

    def close(self, status: str) -> None:
        self.run.finish(exit_code=0 if status == "success" else 1)


def viewer(folder: Path, mode: str | None) -> tuple[str, str] | None:
    """The command that sends the values stored offline; None for another mode of W&B."""
    return ("to W&B", f"wandb sync {shlex.quote(str(folder / 'wandb'))}/offline-run-*") if mode in OFFLINE else None


def _mode(wandb: Any, folder: Path) -> str:
    """Online if the server can be reached and a person is logged in; otherwise offline, with one line."""
    cause = _unreachable(wandb.setup().settings.base_url)
    if not cause and not wandb.login(prompt=False, verify=False):
        cause = "nobody is logged in (wandb login)"
    if cause:
        log.warning("logger=wandb: %s; stored in %s, which wandb sync sends", cause, folder / "wandb")
    return "offline" if cause else "online"


def _unreachable(base_url: str) -> str:
    address = urlparse(base_url)
    place = address.hostname or "", address.port or (443 if address.scheme == "https" else 80)
    try:
        with socket.create_connection(place, timeout=REACHED):
            return ""
    except OSError as error:
        return f"{place[0]}:{place[1]} cannot be reached ({error})"
