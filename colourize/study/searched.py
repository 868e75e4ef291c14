"""What a search adds to the page: how the best loss fell, which parameter mattered, and the loss against each."""

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

from colourize import search
from colourize.study.charts import COLOURS, INK, MARKERS, STYLE, Axis, as_svg, blank, cut_off, log_axis
from colourize.study.document import Chart, Heading, Part, Text
from colourize.study.settings import Study

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

log = logging.getLogger(__name__)
LOSS = "validation loss (nats/pixel)"
IMPORTANCE = (
    "The share of the loss's variation that each parameter explains (fANOVA over a forest fitted to the complete "
    "trials): of this search's trials, not of parameters as such."
)
FEWEST = 4  # complete trials from which an importance says something


def searched(study: Study) -> list[Part]:
    """Charts of every search among the study's sweep folders; nothing where there is none."""
    homes = sorted({record.folder.parent for record in study.records})
    parts: list[Part] = []
    for home in homes:
        if (home / search.DATABASE).is_file() and (trials := _trials(home)):
            parts += [Heading("Search"), Text(_told(trials, home)), *_charts(trials, home)]
    return parts


def _trials(home: Path) -> "list[FrozenTrial]":
    """The trials of a search that ended with a loss."""
    try:
        found = search.open_study(home, 0, 0).trials
    except Exception as error:  # not installed, or any of a database's dozens of kinds
        log.warning("%s cannot be read (%s); the search is left out", home / search.DATABASE, error)
        return []
    return [trial for trial in found if trial.state.is_finished() and trial.value is not None]


def _complete(trials: "Sequence[FrozenTrial]") -> "list[FrozenTrial]":
    return [trial for trial in trials if trial.state.name == "COMPLETE"]


def _told(trials: "Sequence[FrozenTrial]", home: Path) -> str:
    complete = _complete(trials)
    told = f"{len(trials)} trials with a loss, {len(trials) - len(complete)} of them ended early by the pruner."
    best = search.best(home)
    return f"{told} Best so far: {best}." if best else told


def _charts(trials: "Sequence[FrozenTrial]", home: Path) -> list[Chart]:
    found = [Chart("search-history", _history(trials), "The loss of each trial, and the best so far.")]
    complete = _complete(trials)
    names = sorted({name for trial in trials for name in trial.params})
    if len(complete) >= FEWEST and len(names) > 1 and (weights := _importances(home)):
        found.append(Chart("search-importances", _bars(weights), IMPORTANCE))
    return [*found, *(Chart(f"search-{name}", _slice(trials, name), f"The loss against {name}.") for name in names)]


def _importances(home: Path) -> dict[str, float]:
    import optuna

    try:
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        return optuna.importance.get_param_importances(search.open_study(home, 0, 0), evaluator=evaluator)
    except (ValueError, RuntimeError) as error:  # trials that do not differ
        log.warning("%s: no importances (%s)", home, error)
        return {}


def _points(axes: Any, x: Sequence[float], y: Sequence[float], name: str, number: int, hollow: bool = False) -> None:
    face = "none" if hollow else COLOURS[number]
    axes.plot(x, y, MARKERS[number], color=COLOURS[number], markerfacecolor=face, label=name)


def _history(trials: "Sequence[FrozenTrial]") -> str:
    best, lowest = [], math.inf
    complete = _complete(trials)
    for trial in complete:
        lowest = min(lowest, trial.value or math.inf)
        best.append(lowest)
    with mpl.rc_context(STYLE):
        figure, axes = blank(3.3)
        _scatter(axes, trials, lambda trial: trial.number)
        axes.step([trial.number for trial in complete], best, where="post", color=INK, label="best so far")
        return as_svg(figure, axes, Axis("trial", LOSS))


def _slice(trials: "Sequence[FrozenTrial]", name: str) -> str:
    having = [trial for trial in trials if name in trial.params]
    values = [trial.params[name] for trial in having]
    with mpl.rc_context(STYLE):
        figure, axes = blank(3.2)
        if all(isinstance(value, int | float) for value in values):
            _scatter(axes, having, lambda trial: trial.params[name])
            if getattr(having[0].distributions[name], "log", False):
                log_axis(axes)
        else:
            choices = list(having[0].distributions[name].choices)  # type: ignore[attr-defined]
            _scatter(axes, having, lambda trial: choices.index(trial.params[name]))
            axes.set_xticks(range(len(choices)), choices)
        return as_svg(figure, axes, Axis(name, LOSS))


def _scatter(axes: Any, trials: "Sequence[FrozenTrial]", x: Any) -> None:
    """Trials as dots."""
    for kind, name, number in (("COMPLETE", "complete", 0), ("PRUNED", "ended early", 1)):
        some = [trial for trial in trials if trial.state.name == kind]
        if some:
            _points(
                axes, [x(trial) for trial in some], [trial.value or 0.0 for trial in some], name, number, number > 0
            )
    cut_off(axes, [trial.value or 0.0 for trial in trials])


def _bars(weights: dict[str, float]) -> str:
    with mpl.rc_context(STYLE):
        figure, axes = blank(1.0 + 0.3 * len(weights))
        axes.barh(list(weights), list(weights.values()), color=COLOURS[0], height=0.6)
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        return as_svg(figure, axes, Axis("share", ""))
