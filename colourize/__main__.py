"""The console command: ``colourize VERB ...``. Heavy imports happen inside the verbs: help and completion are fast."""

import argparse
import contextlib
import difflib
import logging
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from colourize import __version__, manifest, runfolder, search
from colourize.config import Knobs, conf_dir, plain, register
from colourize.errors import InputError, Interrupted, told
from colourize.sweep import Summary
from colourize.sweep_progress import written_to

log = logging.getLogger(__name__)
USAGE = """usage: colourize VERB ...

verbs:
  train      train a network: colourize train model=unet kernel=5 (colourize train --help lists the knobs)
  evaluate   hold runs against floors and ceilings: colourize evaluate RUN ... (colourize evaluate --help)
  decode-sweep  error against colourfulness over the temperature of the decoding (colourize decode-sweep --help)
  calibrate  fit how far a run's certainty is to be believed: colourize calibrate RUN (colourize calibrate --help)
  hints      pictures against the number of colours that a network is given: colourize hints RUN (... --help)
  runs       list run folders with state, progress and best result: colourize runs (colourize runs --help)
  describe   count a network's weights, outputs, connections, fields: colourize describe model=unet (... --help)
  theory     theorems beside experiments: colourize theory study=minimum_norm (colourize theory --help lists the knobs)

  --version  the version
"""
TOLD_IN_ONE_LINE = InputError, OSError, HydraException, OmegaConfBaseException

register()
search.register()


@hydra.main(version_base="1.3", config_path=conf_dir(), config_name="config")
def _train_job(cfg: DictConfig) -> float:
    """One job of Hydra's: a run of its own, or one of a sweep, in which a failure is noted and the others go on."""
    job = HydraConfig.get()
    folder = Path(job.runtime.output_dir)
    with contextlib.ExitStack() as kept:
        if (
            job.mode is RunMode.MULTIRUN and Summary.under_way is None
        ):  # a process beside others, which share a terminal
            kept.enter_context(written_to(folder))
        return _run_job(cfg, job, folder, list(job.overrides.task))


def _run_job(cfg: DictConfig, job: Any, folder: Path, overrides: list[str]) -> float:
    logging.getLogger("torch").setLevel(logging.WARNING)
    try:
        _keep_words(folder, cfg, job)
        runfolder.announce(folder, overrides)
        knobs = plain(cfg)
        said = manifest.read(folder)
        if (metrics := runfolder.finished(folder, said, knobs)) is not None:
            manifest.update(folder, overrides=overrides)  # the same knobs, perhaps in other words
            print(f"colourize: {folder} is finished: nothing to do")
            return metrics["val/loss"]
        return _trained(knobs, folder, overrides, job)
    except SystemExit as error:
        if "config" not in manifest.read(folder):
            manifest.update(folder, status="interrupted", error=told(error))
        if job.mode is not RunMode.MULTIRUN:
            _say_how_to_go_on(error, folder)
        raise
    except Exception as error:
        line = _one_line(error)
        sweeps = job.mode is RunMode.MULTIRUN
        if not isinstance(error, runfolder.FolderInUseError) and (sweeps or "config" not in manifest.read(folder)):
            with contextlib.suppress(OSError):  # which is the error that is told
                manifest.note_failure(folder, overrides, line)
        if not sweeps:
            if isinstance(error, TOLD_IN_ONE_LINE):
                sys.exit(f"colourize: {line}")  # raised through Hydra, it would be told twice
            raise
        if not isinstance(error, TOLD_IN_ONE_LINE):
            log.error("%s", traceback.format_exc())
        log.error("job %s failed: %s", job.job.num, line)
        return float("nan")


def _trained(knobs: dict[str, Any], folder: Path, overrides: list[str], job: Any) -> float:
    """Trains; as a trial of a search where the job is one, and noted where that ended it early."""
    from colourize.train import train

    if job.sweeper._target_ != search.TARGET or job.mode is not RunMode.MULTIRUN:
        return train(knobs, folder, overrides)["val/loss"]
    from colourize.pruning import Pruning

    pruning = Pruning(
        search.open_study(Path(job.sweep.dir), job.sweeper.random_trials, job.sweeper.prune_after), job.job.num
    )
    metrics = train(knobs, folder, overrides, [pruning])
    if pruning.pruned:
        manifest.update(folder, pruned=True)
    return metrics["val/loss"]


def _keep_words(folder: Path, cfg: DictConfig, job: Any) -> None:
    """Writes ``.hydra/`` as Hydra does, but once: a start that is refused must not replace what began the run."""
    home = folder / ".hydra"
    if not home.exists():
        home.mkdir(parents=True)
        OmegaConf.save(OmegaConf.create({"hydra": job}), home / "hydra.yaml")
        OmegaConf.save(job.overrides.task, home / "overrides.yaml")
        OmegaConf.save(cfg, home / "config.yaml")


def _say_how_to_go_on(error: BaseException, folder: Path) -> None:
    """Says what ended the run or the sweep and which command goes on."""
    program = "python train.py" if Path(sys.argv[0]).name == "train.py" else "colourize train"
    place = getattr(error, "place", "")
    print(f"colourize: {told(error)}{place}; go on with: {runfolder.going_on(program, folder)}", file=sys.stderr)


def _of_a_thread(raised: threading.ExceptHookArgs) -> None:
    """TensorBoard's writer tells a full disk where it is flushed, and need not print a traceback beside it."""
    if not isinstance(raised.exc_value, OSError):
        threading.__excepthook__(raised)


def _end_in_order(signum: int, frame: Any) -> None:
    raise Interrupted(signum)


def _complete(query: list[str]) -> None:
    """Shell completion of ``colourize``: the verb's name, then the knobs, for which Hydra must not see the verb."""
    line, point = os.environ.get("COMP_LINE", ""), int(os.environ.get("COMP_POINT", "0"))
    command, _, typed = line.partition(" ")
    if query[:1] != ["install=bash"] and not typed.startswith("train "):
        print("\n".join(verb for verb in ("train", *VERBS) if verb.startswith(typed)))
        return
    os.environ["COMP_LINE"] = f"{command} {typed.removeprefix('train ')}"
    os.environ["COMP_POINT"] = str(point - len("train "))
    sys.argv = [sys.argv[0], "-sc", *query]
    train()


def _knobs() -> list[str]:
    return [known.name for known in fields(Knobs)]


def _one_line(error: BaseException, knobs: Callable[[], Iterable[str]] = _knobs) -> str:
    """An error's text on one line; Hydra's without what helps nobody, and with what does: one of the ``knobs``."""
    text = told(error)
    if isinstance(error, HydraException):
        text = re.sub(r"To append to your config use \S+|Config search path: .*|See https://hydra\.cc\S+|\^", "", text)
        if isinstance(error, OverrideParseException):
            text += " Pass NAME=VALUE, and quote what is special to Hydra: \"data.root='~/my pictures'\""
    if unknown := re.search(r"Key '(\w+)' (?:not in|is not in)", text):
        close = difflib.get_close_matches(unknown[1], list(knobs()), 1)
        text += f"; did you mean {close[0]}?" if close else "; --help lists the knobs"
    return " ".join(re.sub(r"object_type=\w+", "", text).split()).replace(" ;", ";")


def _verb(run: Callable[[], Any], knobs: Callable[[], Iterable[str]] = _knobs) -> None:
    """Runs a verb; what the user can mend ends in one line on standard error and exit status 1."""
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra raises instead of printing its own abridged traceback
    try:
        run()
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt as error:
        print("colourize: SIGINT", file=sys.stderr)
        raise Interrupted(signal.SIGINT) from error
    except TOLD_IN_ONE_LINE as error:
        cause = error.__cause__
        more = f" {_one_line(cause, knobs)}" if isinstance(cause, OmegaConfBaseException) else ""
        sys.exit(f"colourize: {_one_line(error, knobs)}{more}")


def train() -> None:
    """``python train.py ...`` and ``colourize train ...``."""
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        if signal.getsignal(signum) in (signal.SIG_DFL, signal.default_int_handler):  # not where nohup has it ignored
            signal.signal(signum, _end_in_order)

    threading.excepthook = _of_a_thread

    def run() -> None:
        sys.argv[1:] = runfolder.resumed(sys.argv[1:])
        try:
            _train_job()
        except SystemExit as error:
            if (sweep := Summary.under_way) is not None:
                sweep.show()
                _say_how_to_go_on(error, sweep.folder)
            raise

    _verb(run)


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
    parser.add_argument(
        "--decoding", action="append", default=[], metavar="NAME",
        help="a row of pictures by another decoding than the arg-max, again and again: mean, annealed:T, sample, "
             "sample:SEED; with +grey behind it, as in argmax+grey, rgb keeps the input's grey",
    )  # fmt: skip
    parser.add_argument("--calibrated", action="store_true", help="each run once more at its fitted temperature")
    given = parser.parse_args(sys.argv[2:])
    runs = [word for word in given.runs if "=" not in word or Path(word).exists()]
    overrides = [word for word in given.runs if word not in runs]

    def run() -> None:
        from colourize import evaluate

        evaluate.evaluate(
            runs, overrides, given.html, given.json, given.pictures, given.calibrated, decodings=given.decoding
        )

    _verb(run)


def decode_sweep() -> None:
    """``colourize decode-sweep RUN``."""
    parser = argparse.ArgumentParser(
        "colourize decode-sweep",
        description="A run's pictures from the mean of the classes to the most probable one: error and colourfulness.",
    )
    parser.add_argument("run", metavar="RUN", help="a checkpoint or a run folder")
    parser.add_argument("overrides", nargs="*", metavar="NAME=VALUE", help="other pictures: data.root=DIR")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw error against colourfulness, as PNG")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures with their intervals")
    parser.add_argument("--keep-grey", action="store_true", help="rgb: keep the input's grey (lab, oklab always do)")
    given = parser.parse_args(sys.argv[2:])

    def run() -> None:
        from colourize.decode_sweep import decode_sweep

        decode_sweep(given.run, given.overrides, given.figure, given.json, given.keep_grey)

    _verb(run)


def calibrate() -> None:
    """``colourize calibrate RUN``."""
    parser = argparse.ArgumentParser(
        "colourize calibrate",
        description="Fits a temperature to a run's certainty on the training pictures that it held out, and writes it "
                    "beside the checkpoint, where colourize evaluate --calibrated finds it.",
    )  # fmt: skip
    parser.add_argument("run", metavar="RUN", help="a checkpoint or a run folder, trained with holdout=0.1 or so")
    parser.add_argument("overrides", nargs="*", metavar="NAME=VALUE", help="where its pictures are now: data.root=DIR")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw how often a sure pixel is right, as PNG")
    parser.add_argument("--entropy", type=Path, metavar="FILE", help="draw where ten pictures are unsure, as PNG")
    given = parser.parse_args(sys.argv[2:])

    def run() -> None:
        from colourize.calibrate import calibrate

        calibrate(given.run, given.overrides, given.figure, given.entropy)

    _verb(run)


def hints() -> None:
    """``colourize hints RUN``."""
    parser = argparse.ArgumentParser("colourize hints", description="PSNR against the number of colours given.")
    parser.add_argument("run", metavar="RUN", help="a checkpoint or run folder, trained with hints=true")
    parser.add_argument("overrides", nargs="*", metavar="data.NAME=VALUE", help="other pictures than the run's")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw the curve, as PNG")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    given = parser.parse_args(sys.argv[2:])

    def run() -> None:
        from colourize.hint_curve import curve

        curve(given.run, given.overrides, given.figure, given.json)

    _verb(run)


def runs() -> None:
    """``colourize runs [FOLDER ...]``."""
    parser = argparse.ArgumentParser("colourize runs", description="Run folders: state, progress and best result.")
    parser.add_argument("folders", nargs="*", metavar="FOLDER", help="where to look, at any depth (outputs multirun)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of the table")
    given = parser.parse_args(sys.argv[2:])

    def run() -> None:
        from colourize import runs

        runs.show([Path(folder) for folder in given.folders], given.json)

    _verb(run)


def describe() -> None:
    """``colourize describe [NAME=VALUE ...]``."""
    parser = argparse.ArgumentParser("colourize describe", description="What a network counts and what its units see.")
    parser.add_argument(
        "overrides", nargs="*", metavar="NAME=VALUE", help="knobs, as for training: model=unet kernel=5"
    )
    parser.add_argument("--layers", type=Path, metavar="FILE", help="a list of layers (YAML) in place of a network")
    parser.add_argument("--fully-connected", action="store_true", help="every convolution replaced by such a layer")
    parser.add_argument("--symbolic", action="store_true", help="totals as polynomials in NIC, NF, NC")
    parser.add_argument("--field", type=Path, metavar="FILE", help="draw receptive fields over a landscape, as PNG")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_const", const="markdown", dest="form", default="text")
    form.add_argument("--json", action="store_const", const="json", dest="form")
    given = parser.parse_args(sys.argv[2:])

    def run() -> None:
        from colourize.describe import describe

        print(describe(given.overrides, given.layers, given.fully_connected, given.symbolic, given.form, given.field))

    _verb(run)


def theory() -> None:
    """``colourize theory study=...``."""
    from colourize.theory.command import knobs, main

    sys.argv = [f"{sys.argv[0]} theory", *sys.argv[2:]]
    _verb(main, knobs)


VERBS = {
    "evaluate": evaluate, "decode-sweep": decode_sweep, "calibrate": calibrate, "hints": hints, "runs": runs,
    "describe": describe, "theory": theory,
}  # fmt: skip


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
    elif verb in VERBS:
        VERBS[verb]()
    elif verb == "-sc":
        _complete(rest)
    else:
        sys.exit(f"colourize: {verb!r} is no verb; pass one of train, {', '.join(VERBS)}, --help, --version")


if __name__ == "__main__":
    main()
