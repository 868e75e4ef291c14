"""A search: Optuna proposes the settings of the jobs, and Hydra's launcher runs them. Optuna is imported late.

Parameters have the syntax of hydra-optuna-sweeper: ``choice(...)``, ``range(...)``, ``interval(...)``,
``tag(log, interval(...))``, ``int(interval(...))``. We do not use that package, because its version 1.3 requires
Optuna 2 and cannot prune or resume.
"""

import logging
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from colourize.errors import InputError
from colourize.runs import manifest
from colourize.sweeps.search_space import distribution, text_of
from colourize.sweeps.stored_search import PRUNED, as_words, claim, held, load_optuna, open_search, write_best
from colourize.sweeps.summary import num_parallel

log = logging.getLogger(__name__)
TARGET = "hydra_plugins.colourize_optuna.OptunaSweeper"
"""Hydra instantiates this class: ``Search``, from the package in which Hydra looks for plugins."""
LEAST = {"n_trials": 1, "seed": 0, "random_trials": 0, "prune_after": 0}
DRAWS = 1000  # a search ends after this many random draws without a new setting


class Search(Sweeper):
    """Hydra's sweeper over ``hydra.sweeper.params``: minimizes the last validation loss of a job.

    Arguments: ``conf/hydra/sweeper/optuna.yaml``.
    """

    def __init__(self, params: dict[str, Any], n_trials: int, seed: int, random_trials: int, prune_after: int) -> None:
        self.params, self.n_trials, self.seed = params, n_trials, seed
        self.random_trials, self.prune_after = random_trials, prune_after

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keeps what Hydra passes before ``sweep``, and makes the launcher of the jobs."""
        self.context, self.job_config = hydra_context, config
        self.hydra_context, self.config = hydra_context, config  # required by the base class
        self.launcher: Launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        """Runs jobs until ``search.db`` contains ``n_trials`` trials. Job N is trial N, in folder N.

        First resumes the unfinished trials of an earlier start, in their own folders. Ends earlier when every
        setting has been tried.

        Raises:
            InputError: a setting of the sweeper out of its range, no values to choose from, or an unusable folder.
        """
        optuna = load_optuna()
        for name, least in LEAST.items():
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise InputError(f"hydra.sweeper.{name} must be an integer >= {least}, got {value}")
        folder = Path(self.job_config.hydra.sweep.dir)
        parser = OverridesParser.create(config_loader=self.context.config_loader)
        words = [*(f"{key}={value}" for key, value in self.params.items()), *arguments]
        given = {over.get_key_element(): over for over in parser.parse_overrides(words)}
        space = {key: distribution(over) for key, over in given.items() if over.is_sweep_override()}
        fixed = [f"{key}={over.get_value_element_as_str()}" for key, over in given.items() if key not in space]
        if not space:
            raise InputError(
                "a search requires values to choose from; pass lr='tag(log,interval(1e-4,1e-1))', for example"
            )
        with held(folder):
            search = open_search(folder, self.random_trials, self.prune_after)
            claim(search, folder, [*fixed, *(f"{key}={text_of(given[key])}" for key in space)])
            OmegaConf.save(self.job_config, folder / "multirun.yaml")
            write_best(search, folder)  # a killed process may not have written it
            unfinished = [trial.number for trial in search.trials if not trial.state.is_finished()]
            for numbers in _runs_of(unfinished, self._width()):
                self._run(search, folder, numbers, fixed)
            while (count := min(self._width(), self.n_trials - len(search.trials))) > 0:
                if not (numbers := self._proposed(optuna, search, space, count)):
                    done = len(search.trials)
                    log.warning("%d draws gave no new setting: the search ends after %d jobs", DRAWS, done)
                    break
                self._run(search, folder, numbers, fixed)

    def _width(self) -> int:
        """Number of jobs that run at once. The same number of settings is proposed at once."""
        return num_parallel(self.job_config)

    def _proposed(self, optuna: Any, search: Any, space: dict[str, Any], count: int) -> list[int]:
        """Adds at most ``count`` trials with new settings, each in one transaction; returns their numbers."""
        for number in range(before := len(search.trials), before + count):
            tried = [as_words(trial.params) for trial in search.trials]
            drawn = (self._draw(optuna, search, space, number, attempt) for attempt in range(1 + DRAWS))
            if (params := next((found for found in drawn if as_words(found) not in tried), None)) is None:
                break
            running = optuna.trial.TrialState.RUNNING
            search.add_trial(optuna.trial.create_trial(state=running, params=params, distributions=space))
        return list(range(before, len(search.trials)))

    def _draw(self, optuna: Any, search: Any, space: dict[str, Any], number: int, attempt: int) -> dict[str, Any]:
        """Proposes values. They depend only on the earlier trials, the search's seed, the number and the attempt."""
        from numpy.random import SeedSequence  # late: shell completion imports this module at every TAB

        seed = int(SeedSequence([self.seed, number, attempt]).generate_state(1)[0])
        samplers = optuna.samplers
        if attempt:
            return dict(optuna.create_study(sampler=samplers.RandomSampler(seed)).ask(space).params)
        learner = optuna.create_study(sampler=samplers.TPESampler(n_startup_trials=self.random_trials, seed=seed))
        learner.add_trials(search.trials)
        return dict(learner.ask(space).params)

    def _run(self, search: Any, folder: Path, numbers: Sequence[int], fixed: Sequence[str]) -> None:
        from optuna.trial import TrialState

        words = [[*fixed, *as_words(search.trials[number].params)] for number in numbers]
        self.validate_batch_is_legal(words)
        returned = self.launcher.launch(words, initial_job_idx=numbers[0])
        for number, job in zip(numbers, returned, strict=True):
            loss = job.return_value
            if loss is None or math.isnan(loss):
                if _out_of_time(job):  # the next start resumes this trial
                    continue
                search.tell(number, state=TrialState.FAIL)
            elif PRUNED in search.trials[number].user_attrs:
                search.tell(number, state=TrialState.PRUNED)
            else:
                search.tell(number, loss)
        write_best(search, folder)


def _out_of_time(job: Any) -> bool:
    """Whether ``trainer.max_time`` ended a job in this start.

    A refused start adds "refused" to the manifest and keeps the earlier status "interrupted". An accepted start
    removes "refused".
    """
    ran = getattr(job, "hydra_cfg", None)
    folder = None if ran is None else OmegaConf.select(ran, "hydra.runtime.output_dir")
    stored = {} if folder is None else manifest.read(Path(folder))
    return stored.get("status") == "interrupted" and "refused" not in stored


def _runs_of(numbers: Sequence[int], width: int) -> Iterator[list[int]]:
    """Groups of at most ``width`` consecutive numbers, because a launcher numbers the jobs of a batch consecutively."""
    run: list[int] = []
    for number in numbers:
        if run and (number != run[-1] + 1 or len(run) == width):
            yield run
            run = []
        run.append(number)
    if run:
        yield run
