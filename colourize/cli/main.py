"""The console command: ``colourize VERB ...``, and Hydra's part of it: ``train``."""

import contextlib
import difflib
import logging
import os
import re
import shlex
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from colourize import __version__
from colourize.cli.verbs import VERBS, knobs
from colourize.config import trainer_knobs
from colourize.config.compare import as_begun
from colourize.config.compose import given, plain, register
from colourize.config.folder import conf_dir
from colourize.config.knobs import value_in
from colourize.errors import InputError, Interrupted, OutOfTime, one_line
from colourize.present import terminal
from colourize.runs import manifest, run_folder
from colourize.sweeps import search, search_study
from colourize.sweeps.progress import written_to
from colourize.sweeps.summary import Summary

log = logging.getLogger(__name__)
USAGE = """usage: colourize VERB ...

verbs:
  train      train a network: colourize train model=unet kernel=5 (colourize train --help lists the knobs)
  evaluate   hold runs against floors and ceilings: colourize evaluate RUN ... (colourize evaluate --help)
  decode-sweep  error against colourfulness over the temperature of the decoding (colourize decode-sweep --help)
  calibrate  fit how far a run's certainty is to be believed: colourize calibrate RUN (colourize calibrate --help)
  hints      pictures against the number of colours that a network is given: colourize hints RUN (... --help)
  runs       list run folders with state, progress and best result: colourize runs (colourize runs --help)
  report     what a sweep found, as a page, Markdown and CSV: colourize report FOLDER ... (colourize report --help)
  describe   count a network's weights, outputs, connections, fields: colourize describe model=unet (... --help)
  palette    make a plain palette of the course's pickled file: colourize palette import FILE OUT (... --help)
  theory     theorems beside experiments: colourize theory study=minimum_norm (colourize theory --help lists the knobs)
  answers    the assignment, question by question: colourize answers 4.3 (colourize answers --help)

  --version  the version
"""
WRONG_TYPE = re.compile(r"Value '(.*?)'(?: of type '\w+')? could not be converted to (\w+)\s+full_key: (\S+)")
KINDS = {"Integer": "an integer", "Float": "a number", "Boolean": "true or false"}
NO_OPTION = re.compile(r"Could not find '(\w+)/(\S+)'\s+Available options in '\w+':\s+(.*)")
SIGNALS = signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1
TOLD_IN_ONE_LINE = InputError, OSError, HydraException, OmegaConfBaseException

register()
search.register()


@hydra.main(version_base="1.3", config_path=conf_dir(), config_name="config")
def _train_job(cfg: DictConfig) -> float:
    """One job of Hydra's: a run of its own, or one of a sweep, in which a failure is noted and the others go on."""
    job = HydraConfig.get()
    folder = Path(job.runtime.output_dir)
    with contextlib.ExitStack() as kept:
        if job.mode is RunMode.MULTIRUN and Summary.under_way is None:
            kept.enter_context(written_to(folder))  # a process beside others, which share a terminal
        return _run_job(cfg, job, folder, list(job.overrides.task))


def _run_job(cfg: DictConfig, job: Any, folder: Path, overrides: list[str]) -> float:
    logging.getLogger("torch").setLevel(logging.WARNING)
    terminal.guard()  # in a process of a sweep's launcher no command did
    terminal.guard_log_files()
    try:
        _keep_words(folder, cfg, job)
        run_folder.announce(folder, overrides, job.overrides.hydra)
        said = manifest.read(folder)
        knobs = as_begun(plain(cfg), said.get("config"), overrides)
        if (metrics := run_folder.finished(folder, said, knobs)) is not None:
            manifest.update(folder, overrides=overrides)  # the same knobs, perhaps in other words
            print(f"colourize: {folder} is finished: nothing to do{_rest(folder, said.get('config', {}), knobs)}")
            return metrics["val/loss"]
        return _trained(knobs, folder, overrides, job)
    except SystemExit as error:
        if isinstance(error, OutOfTime) and job.mode is RunMode.MULTIRUN:  # its own time, not the sweep's
            log.warning("job %s: %s%s", job.job.num, one_line(error), error.place)
            return float("nan")
        if "config" not in manifest.read(folder):
            manifest.update(folder, status="interrupted", error=one_line(error))
        if job.mode is not RunMode.MULTIRUN:
            _say_how_to_go_on(error, folder)
        raise
    except Exception as error:
        line = _one_line(error)
        sweeps = job.mode is RunMode.MULTIRUN
        if not isinstance(error, run_folder.FolderInUseError) and (sweeps or "config" not in manifest.read(folder)):
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


def _rest(folder: Path, before: dict[str, Any], knobs: dict[str, Any]) -> str:
    """What takes the measures that are asked of a finished run and that it did not end with; else nothing."""
    lacks = knobs["measures"] == "all" and value_in(before, "measures") == "quick"
    return f"; colourize evaluate {shlex.quote(str(folder))} measures the rest" if lacks else ""


def _trained(knobs: dict[str, Any], folder: Path, overrides: list[str], job: Any) -> float:
    """Trains; as a trial of a search where the job is one."""
    from colourize.tasks.colourization.train import train

    if job.sweeper._target_ != search.TARGET or job.mode is not RunMode.MULTIRUN:
        return train(knobs, folder, overrides)["val/loss"]
    from colourize.sweeps.pruning import Pruning

    study = search_study.open_study(Path(job.sweep.dir), job.sweeper.random_trials, job.sweeper.prune_after, make=False)
    return train(knobs, folder, overrides, [Pruning(study, job.job.num)])["val/loss"]


def _keep_words(folder: Path, cfg: DictConfig, job: Any) -> None:
    """Writes ``.hydra/`` as Hydra does, but once: a start that is refused must not replace what began the run."""
    home = folder / ".hydra"
    if not home.exists():
        home.mkdir(parents=True)
        OmegaConf.save(OmegaConf.create({"hydra": job}), home / "hydra.yaml")
        OmegaConf.save(job.overrides.task, home / "overrides.yaml")
        OmegaConf.save(OmegaConf.create(given(cfg)), home / "config.yaml")


def _say_how_to_go_on(error: BaseException, folder: Path) -> None:
    """Says what ended the run or the sweep and which command goes on."""
    program = "python train.py" if Path(sys.argv[0]).name == "train.py" else "colourize train"
    place = getattr(error, "place", "")
    print(
        f"colourize: {one_line(error)}{place}; go on with: {run_folder.going_on(program, folder, own=True)}",
        file=sys.stderr,
    )


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


def _one_line(error: BaseException, verb: str = "train") -> str:
    """An error's text on one line; Hydra's without what helps nobody, and with what does: one of the verb's knobs."""
    text = one_line(error)
    if isinstance(error, HydraException | OmegaConfBaseException) and (line := trainer_knobs.explained(text)):
        return line
    if isinstance(error, HydraException):
        text = re.sub(r"To append to your config use \S+|Config search path: .*|See https://hydra\.cc\S+|\^", "", text)
        if isinstance(error, OverrideParseException):
            text += " Pass NAME=VALUE, and quote what is special to Hydra: \"data.root='~/my pictures'\""
    text = re.sub(WRONG_TYPE, lambda found: f"{found[3]} must be {KINDS.get(found[2], found[2])}, got {found[1]}", text)
    if missing := re.search(NO_OPTION, text):
        close = difflib.get_close_matches(missing[2], missing[3].split(), 1)
        guess = f"did you mean {close[0]}? " if close else ""
        return f"{missing[1]}={missing[2]} is unknown; {guess}pass one of {', '.join(missing[3].split())}"
    if unknown := re.search(r"Key '(\w+)' (?:not in|is not in)", text):
        within = verb == "train" and re.search(
            r"full_key: (\w+)\.\w", text
        )  # a value of an option, which a knob's name cannot replace
        close = difflib.get_close_matches(unknown[1], [] if within else knobs(verb), 1)
        where = f"; conf/{within[1]}/ lists what each option takes" if within else "; --help lists the knobs"
        text += f"; did you mean {close[0]}?" if close else where
    text = re.sub(r"Key '\w+' (?:is )?not in (?:'\w+'|struct)\s+full_key: (\S+?)(;|\s|$)", r"\1 is no knob\2", text)
    return " ".join(re.sub(r"object_type=\w+", "", text).split()).replace(" ;", ";")


def _verb(run: Callable[[], Any], verb: str = "train") -> None:
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
        lines = [
            _one_line(each, verb)
            for each in (error, cause)
            if each is error or isinstance(each, OmegaConfBaseException)
        ]
        if len(lines) > 1:
            lines[0] = re.sub(
                r"Could not override '\S+'\.|Error merging override \S+", "", lines[0]
            )  # which the cause says better
        sys.exit(f"colourize: {' '.join(line for line in lines if line)}")


def train() -> None:
    """``python train.py ...`` and ``colourize train ...``."""
    terminal.guard()
    for signum in SIGNALS:
        if signal.getsignal(signum) in (signal.SIG_DFL, signal.default_int_handler):  # not where nohup has it ignored
            signal.signal(signum, _end_in_order)

    threading.excepthook = _of_a_thread

    def run() -> None:
        sys.argv[1:] = trainer_knobs.normalised(run_folder.resumed(sys.argv[1:]), sys.argv[1:])
        try:
            _train_job()
            for signum in SIGNALS:  # nothing is left to save, and what ends the process would tell of an exception
                if signal.getsignal(signum) is _end_in_order:
                    signal.signal(signum, signal.SIG_DFL)
        except SystemExit as error:
            if (sweep := Summary.under_way) is not None:
                sweep.show()
                _say_how_to_go_on(error, sweep.folder)
            raise
        finally:
            Summary.end_progress()

    _verb(run)


def main() -> None:
    """``colourize VERB ...``."""
    terminal.guard()
    verb, *rest = sys.argv[1:] or ["--help"]
    if verb in ("--help", "-h"):
        print(USAGE, end="")
    elif verb == "--version":
        print(__version__)
    elif verb == "train":
        sys.argv = [f"{sys.argv[0]} train", *rest]
        train()
    elif verb in VERBS:
        _verb(lambda: VERBS[verb](rest), verb)
    elif verb == "-sc":
        _complete(rest)
    else:
        sys.exit(f"colourize: {verb!r} is no verb; pass one of train, {', '.join(VERBS)}, --help, --version")


if __name__ == "__main__":
    main()
