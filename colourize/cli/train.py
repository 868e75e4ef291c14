"""``colourize train`` and ``python train.py``: Hydra's application, which trains one run or sweeps over several."""

import contextlib
import os
import re
import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig

from colourize.cli import job, signals
from colourize.cli.ending import on_one_line
from colourize.config import choices, trainer_knobs
from colourize.config.compose import in_brackets, register
from colourize.config.folder import conf_dir
from colourize.errors import InputError, Interrupted, one_line, raised_in
from colourize.present import terminal
from colourize.private.hydra import overrides_first
from colourize.runs import last, requeued, resume
from colourize.sweeps.progress import written_to
from colourize.sweeps.summary import Summary
from colourize.training.distributed.place import given

register()


@hydra.main(version_base="1.3", config_path=conf_dir(), config_name="config")
def _train_job(cfg: DictConfig) -> float:
    own = HydraConfig.get()
    with contextlib.ExitStack() as kept:
        if own.mode is RunMode.MULTIRUN and Summary.under_way is None:
            # one of several processes that share a terminal
            kept.enter_context(written_to(Path(own.runtime.output_dir)))
        return job.run(cfg, own)


def train() -> None:
    """Trains with the knobs of ``sys.argv``; those of ``resume=FOLDER`` and ``resume=last`` come first."""
    terminal.guard()
    signals.catch()
    on_one_line(_as_rank)


def _as_rank() -> None:
    """Runs the command as rank 0; the other ranks that torchrun has started follow it."""
    if (place := given()) is None:
        return _run()
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # it warns of names that a machine does not know
    if place.rank:
        from colourize.cli.follow import follow

        sys.exit(follow(place))
    from colourize.training.distributed import team

    with team.leading(place):
        _run()


def _run() -> None:
    try:
        sys.argv[1:] = overrides_first(sys.argv[1:])
    except ValueError as error:
        raise InputError(f"{error}; --hydra-help lists the options, --help the knobs") from error
    sys.argv[1:] = choices.normalised(sys.argv[1:])
    words = requeued.named(last.named(sys.argv[1:]))
    sys.argv[1:] = trainer_knobs.normalised(resume.resumed(words), sys.argv[1:])
    try:
        try:
            _train_job()
        except HydraException as error:
            sys.argv[1:] = in_brackets(sys.argv[1:], error)
            _train_job()
        signals.release()
    except ValueError as error:
        if not raised_in(error, "hydra"):
            raise
        if not (found := re.fullmatch(r"Config group override must be a string or a list\. Got (\w+)", str(error))):
            raise InputError(f"{one_line(error)}; --hydra-help lists the options") from error
        kind = "null" if found[1] == "NoneType" else f"a value of type {found[1]}"
        raise InputError(
            f"an option must be a name or a list of names, got {kind}; pass a name, or leave it out"
        ) from error
    except SystemExit as error:
        if (sweep := Summary.under_way) is not None:
            sweep.show()
            job.print_how_to_resume(error, sweep.folder)
        elif isinstance(error, Interrupted) and not error.is_printed:  # before the run began
            print(f"colourize: {one_line(error)}", file=sys.stderr)
        raise
    finally:
        Summary.end_progress()
