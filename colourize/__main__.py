"""The console command: ``colourize VERB ...``. Heavy imports happen inside the verbs: help and completion are fast."""

import argparse
import difflib
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from colourize import __version__, manifest
from colourize.config import Knobs, conf_dir, plain, register
from colourize.errors import InputError

log = logging.getLogger(__name__)
USAGE = """usage: colourize VERB ...

verbs:
  train      train a network: colourize train model=unet kernel=5 (colourize train --help lists the knobs)
  evaluate   hold runs against floors and ceilings: colourize evaluate RUN ... (colourize evaluate --help)

  --version  the version
"""
TOLD_IN_ONE_LINE = InputError, OSError, HydraException, OmegaConfBaseException

register()


@hydra.main(version_base="1.3", config_path=conf_dir(), config_name="config")
def _train_job(cfg: DictConfig) -> float:
    """One job of Hydra's: a run of its own, or one of a sweep, in which a failure is noted and the others go on."""
    job = HydraConfig.get()
    folder = Path(job.runtime.output_dir)
    manifest.write(folder, status="running", overrides=list(job.overrides.task), start=manifest.now())
    try:
        knobs = plain(cfg)
        from colourize.train import train

        metrics = train(knobs, folder)
    except (KeyboardInterrupt, SystemExit):  # Lightning turns the one into the other
        manifest.update(folder, status="interrupted", end=manifest.now())
        last = folder / "checkpoints/last.ckpt"
        print(f"colourize: interrupted; {f'go on with ckpt_path={last}' if last.exists() else 'no epoch is done'}",
              file=sys.stderr)  # fmt: skip
        sys.exit(130)
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


def _complete(query: list[str]) -> None:
    """Shell completion of ``colourize``: the verb's name, then the knobs, for which Hydra must not see the verb."""
    line, point = os.environ.get("COMP_LINE", ""), int(os.environ.get("COMP_POINT", "0"))
    command, _, typed = line.partition(" ")
    if query[:1] != ["install=bash"] and not typed.startswith("train "):
        print("\n".join(verb for verb in ("train", "evaluate") if verb.startswith(typed)))
        return
    os.environ["COMP_LINE"] = f"{command} {typed.removeprefix('train ')}"
    os.environ["COMP_POINT"] = str(point - len("train "))
    sys.argv = [sys.argv[0], "-sc", *query]
    train()


def _one_line(error: BaseException) -> str:
    """An error's text on one line; Hydra's without what helps nobody, and with what does."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror or error}"
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, HydraException):
        text = re.sub(r"To append to your config use \S+|Config search path: .*|See https://hydra\.cc\S+|\^", "", text)
        if isinstance(error, OverrideParseException):
            text += " Pass NAME=VALUE, and quote what is special to Hydra: \"data.root='~/my pictures'\""
    if unknown := re.search(r"Key '(\w+)' (?:not in|is not in)", text):
        close = difflib.get_close_matches(unknown[1], [known.name for known in fields(Knobs)], 1)
        text += f"; did you mean {close[0]}?" if close else "; --help lists the knobs"
    return " ".join(re.sub(r"object_type=\w+", "", text).split()).replace(" ;", ";")


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


def evaluate() -> None:
    """``colourize evaluate RUN ...``."""
    parser = argparse.ArgumentParser(
        "colourize evaluate", description="Floors, runs and ceilings on one validation set."
    )
    parser.add_argument(
        "runs", nargs="+", metavar="RUN",
        help="a checkpoint, a run folder, a sweep folder, or a baseline (prior, nearest, lookup, grey); NAME=VALUE "
             "changes the pictures: data.root=DIR for a run; any knob, such as data=scenes, where no run is given",
    )  # fmt: skip
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with everything in it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures with their intervals")
    parser.add_argument("--pictures", type=Path, metavar="FILE", help="write ten pictures through every row, as PNG")
    given = parser.parse_args(sys.argv[2:])
    runs = [word for word in given.runs if "=" not in word or Path(word).exists()]
    overrides = [word for word in given.runs if word not in runs]

    def run() -> None:
        from colourize import evaluate

        evaluate.evaluate(runs, overrides, given.html, given.json, given.pictures)

    _verb(run)


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
    elif verb == "evaluate":
        evaluate()
    elif verb == "-sc":
        _complete(rest)
    else:
        sys.exit(f"colourize: {verb!r} is no verb; pass one of train, evaluate, --help, --version")


if __name__ == "__main__":
    main()
