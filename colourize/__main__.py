"""The console command: ``colourize VERB ...``. Heavy imports happen inside the verbs: help and completion are fast."""

import logging
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from colourize import __version__, manifest
from colourize.config import conf_dir, plain, register
from colourize.errors import InputError

log = logging.getLogger(__name__)
USAGE = """usage: colourize VERB ...

verbs:
  train      train a network: colourize train model=unet kernel=5 (colourize train --help lists the knobs)

  --version  the version
"""
TOLD_IN_ONE_LINE = InputError, OSError, HydraException, OmegaConfBaseException

register()


@hydra.main(version_base="1.3", config_path=conf_dir(), config_name="config")
def _train_job(cfg: DictConfig) -> float:
    """One job of Hydra's: a run of its own, or one of a sweep, in which a failure is noted and the others go on."""
    job = HydraConfig.get()
    folder = Path(job.runtime.output_dir)
    manifest.update(folder, status="running", overrides=list(job.overrides.task), start=manifest.now())
    try:
        knobs = plain(cfg)
        from colourize.train import train

        metrics = train(knobs, folder)
    except Exception as error:
        told = _one_line(error)
        manifest.update(folder, status="failed", error=told, end=manifest.now())
        if job.mode is not RunMode.MULTIRUN:
            if isinstance(error, TOLD_IN_ONE_LINE):
                sys.exit(f"colourize: {told}")  # raised through Hydra, it would be told twice
            raise
        if not isinstance(error, TOLD_IN_ONE_LINE):
            log.error("%s", traceback.format_exc())
        log.error("job %s failed: %s", job.job.num, told)
        return float("nan")
    manifest.update(folder, status="finished", metrics=metrics, end=manifest.now())
    return metrics["val/loss"]


def _one_line(error: BaseException) -> str:
    """An error's text on one line."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror or error}"
    return " ".join(str(error).split()) or type(error).__name__


def _verb(run: Callable[[], Any]) -> None:
    """Runs a verb; what the user can mend ends in one line on standard error and exit status 1."""
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra raises instead of printing its own abridged traceback
    try:
        run()
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except TOLD_IN_ONE_LINE as error:
        cause = error.__cause__
        more = f" {_one_line(cause)}" if isinstance(cause, OmegaConfBaseException) else ""
        sys.exit(f"colourize: {_one_line(error)}{more}")


def train() -> None:
    """``python train.py ...`` and ``colourize train ...``."""
    _verb(_train_job)


def main() -> None:
    """``colourize VERB ...``."""
    verb, *rest = sys.argv[1:] or ["--help"]
    if verb in ("--help", "-h"):
        print(USAGE, end="")
    elif verb == "--version":
        print(__version__)
    elif verb == "train":
        sys.argv = [f"{sys.argv[0]} train", *rest]
        train()
    else:
        sys.exit(f"colourize: {verb!r} is no verb; pass one of train, --help, --version")


if __name__ == "__main__":
    main()
