"""A sweep that chooses its jobs: Optuna's proposals, run by Hydra's launcher. An adaptor; Optuna is imported late.

The parameters are written as for hydra-optuna-sweeper, whose 1.3 wants Optuna 2, does not prune and cannot go on:
``choice(...)``, ``range(...)``, ``interval(...)``, ``tag(log, interval(...))``, ``int(interval(...))``.
"""

import contextlib
import importlib
import math
import os
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from colourize import files
from colourize.errors import InputError

if TYPE_CHECKING:
    import optuna

TARGET = "hydra_plugins.colourize.OptunaSweeper"
DATABASE, PRUNED = "search.db", "pruned"
RESULTS = "optimization_results.yaml"


def open_study(folder: Path, random_trials: int, prune_after: int) -> "optuna.Study":
    """The study of a sweep folder, made where there is none: SQLite, so that several processes may write.

    Raises:
        InputError: Optuna is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise InputError("a search wants Optuna; pip install 'colourize[sweep]'") from error

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=random_trials // 2, n_warmup_steps=prune_after)
    storage = f"sqlite:///{folder.absolute() / DATABASE}"
    return optuna.create_study(study_name="search", storage=storage, pruner=pruner, load_if_exists=True)


class OptunaSweeper(Sweeper):
    """Hydra's sweeper over ``hydra.sweeper.params``: minimizes what a job returns, the last validation loss.

    Its arguments: ``conf/hydra/sweeper/optuna.yaml``.
    """

    __module__ = "hydra_plugins.colourize"  # the only module in which Hydra takes a plugin

    def __init__(self, params: dict[str, Any], n_trials: int, seed: int, random_trials: int, prune_after: int) -> None:
        self.params, self.n_trials, self.seed = params, n_trials, seed
        self.random_trials, self.prune_after = random_trials, prune_after

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.context, self.job_config = hydra_context, config
        self.hydra_context, self.config = hydra_context, config  # of the base class, which validates
        self.launcher: Launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        """Runs jobs until there are ``n_trials``; job N lies in folder N and is trial N of ``search.db``.

        Trials of an earlier start that did not end are run first, in their own folders, where they go on.
        """
        folder = Path(self.job_config.hydra.sweep.dir)
        folder.mkdir(parents=True, exist_ok=True)
        parser = OverridesParser.create(config_loader=self.context.config_loader)
        given = {over.get_key_element(): over for over in parser.parse_overrides([*self._words(), *arguments])}
        space = {key: distribution(over) for key, over in given.items() if over.is_sweep_override()}
        fixed = [f"{key}={over.get_value_element_as_str()}" for key, over in given.items() if key not in space]
        if not space:
            raise InputError(
                "a search wants values to choose among; pass lr='tag(log,interval(1e-4,1e-1))' or the like"
            )
        OmegaConf.save(self.job_config, folder / "multirun.yaml")
        study = open_study(folder, self.random_trials, self.prune_after)
        unfinished = [trial for trial in study.trials if not trial.state.is_finished()]
        for trial in unfinished:
            self._run(study, [trial.number], fixed)
        while (done := len(study.trials)) < self.n_trials:
            self._run(study, self._proposed(study, space, min(self._width(), self.n_trials - done)), fixed)
        _write_best(study, folder)

    def _words(self) -> list[str]:
        return [f"{key}={value}" for key, value in self.params.items()]

    def _width(self) -> int:
        """Jobs that run at once: proposals are made for as many, and the next after all of them."""
        jobs = int(self.job_config.hydra.launcher.get("n_jobs", 1))
        return jobs if jobs > 0 else os.cpu_count() or 1

    def _proposed(self, study: Any, space: dict[str, Any], count: int) -> list[int]:
        """Numbers of new trials; what is proposed follows from the trials before and the seed, in whichever start."""
        import optuna

        numbers = []
        for _ in range(count):
            study.sampler = optuna.samplers.TPESampler(
                n_startup_trials=self.random_trials, seed=self.seed + len(study.trials)
            )
            try:
                numbers.append(study.ask(space).number)
            except ValueError as error:  # another space than the trials before had
                raise InputError(
                    f"{self.job_config.hydra.sweep.dir} holds a search among other values ({error}); pass another "
                    "hydra.sweep.dir"
                ) from error
        return numbers

    def _run(self, study: Any, numbers: Sequence[int], fixed: Sequence[str]) -> None:
        from optuna.trial import TrialState

        words = [[*fixed, *map(_word, study.trials[number].params.items())] for number in numbers]
        self.validate_batch_is_legal(words)
        returned = self.launcher.launch(words, initial_job_idx=numbers[0])
        for number, job in zip(numbers, returned, strict=True):
            loss = job.return_value
            if math.isnan(loss):
                study.tell(number, state=TrialState.FAIL)
            elif PRUNED in study.trials[number].user_attrs:
                study.tell(number, state=TrialState.PRUNED)
            else:
                study.tell(number, loss)


def distribution(override: Override) -> Any:
    """What Optuna is to choose from: the distribution of a swept override.

    Raises:
        InputError: an empty or descending range.
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    value: Any = override.value()
    try:
        if override.is_interval_sweep():
            whole = isinstance(value.start, int)
            kind = IntDistribution if whole else FloatDistribution
            return kind(value.start, value.end, log="log" in value.tags)
        if override.is_range_sweep() and isinstance(value.range(), range):
            values = value.range()
            return IntDistribution(values[0], values[-1], step=values.step)
        return CategoricalDistribution(list(override.sweep_string_iterator()))
    except (ValueError, IndexError) as error:
        raise InputError(f"{override.input_line}: {error}; pass values from low to high") from error


def _word(parameter: tuple[str, Any]) -> str:
    """A parameter as an override, a float to six digits, which is what a person can still read."""
    name, value = parameter
    return f"{name}={value:.6g}" if isinstance(value, float) else f"{name}={value}"


def _write_best(study: Any, folder: Path) -> None:
    """The best trial, in the words of hydra-optuna-sweeper's file; nothing where no trial is complete."""
    try:
        best = study.best_trial
    except ValueError:
        return
    params = dict(word.split("=", 1) for word in map(_word, best.params.items()))
    said = {"name": "optuna", "best_job": best.number, "best_params": params, "best_value": best.value}
    files.replace_text(folder / RESULTS, OmegaConf.to_yaml(OmegaConf.create(said)))


def best(folder: Path) -> str:
    """What a sweep's search found best, on a line; empty where there was no search."""
    if not (folder / RESULTS).exists():
        return ""
    said = OmegaConf.load(folder / RESULTS)
    words = " ".join(f"{name}={value}" for name, value in said.best_params.items())
    return f"job {said.best_job}, val/loss {said.best_value:.4f}: {words}"


def register() -> None:
    """Makes the sweeper known to Hydra, which takes plugins from the package ``hydra_plugins`` alone: by an alias."""
    with contextlib.suppress(ImportError):
        importlib.import_module("hydra_plugins")
    sys.modules.setdefault("hydra_plugins", types.ModuleType("hydra_plugins"))
    sys.modules[OptunaSweeper.__module__] = sys.modules[__name__]
    Plugins.instance().register(OptunaSweeper)
