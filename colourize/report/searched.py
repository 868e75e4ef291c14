"""The part of the page on a search: the best loss over trials, the importance of each parameter, the loss by each."""

import logging
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from colourize.report.canvas import COLOURS, INK, MARKERS, STYLE, Axis, as_svg, blank, limits, log_axis
from colourize.report.document import Chart, Heading, Part, Text
from colourize.report.settings import Report
from colourize.sweeps import stored_search

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

log = logging.getLogger(__name__)
LOSS = "validation loss (nats/pixel)"
IMPORTANCE = (
    "The share of the loss's variance that each parameter explains (fANOVA over a forest fitted to the complete "
    "trials). It is valid for this search, not for the parameters in general."
)
FEWEST = 4  # complete trials for a meaningful importance


def searched(report: Report) -> list[Part]:
    """Charts of every search among the sweep folders."""
    homes = sorted({record.folder.parent for record in report.records})
    parts: list[Part] = []
    for number, home in enumerate(homes):
        if (home / stored_search.DATABASE).is_file() and (opened := _opened(home)) and (trials := _trials(opened)):
            parts += [
                Heading("Search"),
                Text(_trial_counts(trials, home)),
                *_charts(opened, trials, f"search{number or ''}"),
            ]
    return parts


def _opened(home: Path) -> "optuna.Study | None":
    try:
        return stored_search.open_search(home, make=False)
    except Exception as error:  # Optuna is not installed, or its database raises one of dozens of types
        log.warning("%s cannot be read (%s); the search is left out", home / stored_search.DATABASE, error)
        return None


def _trials(opened: "optuna.Study") -> "list[FrozenTrial]":
    """The trials of a search that ended with a loss."""
    return [trial for trial in opened.trials if trial.state.is_finished() and trial.value is not None]


def _complete(trials: "Sequence[FrozenTrial]") -> "list[FrozenTrial]":
    return [trial for trial in trials if trial.state.name == "COMPLETE"]


def _trial_counts(trials: "Sequence[FrozenTrial]", home: Path) -> str:
    complete = _complete(trials)
    counts = f"{len(trials)} trials with a loss, {len(trials) - len(complete)} of them ended early by the pruner."
    best = stored_search.best(home)
    return f"{counts} Best so far: {best}." if best else counts


def _charts(opened: "optuna.Study", trials: "Sequence[FrozenTrial]", home: str) -> list[Chart]:
    found = [_history(trials, f"{home}-history")]
    names = sorted({name for trial in trials for name in trial.params})
    if len(_complete(trials)) >= FEWEST and len(names) > 1 and (weights := _importances(opened)):
        found.append(Chart(f"{home}-importances", _bars(weights), IMPORTANCE))
    return [*found, *(_slice([t for t in trials if name in t.params], name, f"{home}-{name}") for name in names)]


def _importances(opened: "optuna.Study") -> dict[str, float]:
    import optuna

    try:
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        return optuna.importance.get_param_importances(opened, evaluator=evaluator)
    except (ValueError, RuntimeError) as error:  # trials that do not differ
        log.warning("the search has no importances (%s)", error)
        return {}


def _history(trials: "Sequence[FrozenTrial]", title: str) -> Chart:
    complete = _complete(trials)
    best = list(accumulate(map(_loss, complete), min))
    with mpl.rc_context(STYLE):
        figure, axes = blank(3.3)
        _scatter(axes, trials, lambda trial: trial.number)
        axes.step([trial.number for trial in complete], best, where="post", color=INK, label="best so far")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        svg, beyond = _within(trials, figure, axes, "trial")
    return Chart(title, svg, f"The loss of each trial, and the best so far.{beyond}")


def _slice(trials: "Sequence[FrozenTrial]", name: str, title: str) -> Chart:
    """A chart of the loss against a parameter, over the trials that have it."""
    values = [trial.params[name] for trial in trials]
    distribution = trials[0].distributions[name]
    with mpl.rc_context(STYLE):
        figure, axes = blank(3.2)
        if all(isinstance(value, int | float) for value in values):
            _scatter(axes, trials, lambda trial: trial.params[name])
            if getattr(distribution, "log", False):
                log_axis(axes)
            elif all(isinstance(value, int) for value in values):
                axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        else:
            choices = list(distribution.choices)  # type: ignore[attr-defined]
            _scatter(axes, trials, lambda trial: choices.index(trial.params[name]))
            axes.set_xticks(range(len(choices)), choices, parse_math=False)
        svg, beyond = _within(trials, figure, axes, name)
    return Chart(title, svg, f"The loss against {name}.{beyond}")


def _scatter(axes: Axes, trials: "Sequence[FrozenTrial]", x: Any) -> None:
    """Trials as dots."""
    kinds = ("COMPLETE", "complete", COLOURS[0]), ("PRUNED", "ended early", "none")
    for number, (kind, name, face) in enumerate(kinds):
        if some := [trial for trial in trials if trial.state.name == kind]:
            style: dict[str, Any] = {"color": COLOURS[number], "markerfacecolor": face, "label": name}
            axes.plot([x(trial) for trial in some], list(map(_loss, some)), MARKERS[number], **style)


def _within(trials: "Sequence[FrozenTrial]", figure: Figure, axes: Axes, x: str) -> tuple[str, str]:
    """The chart, and a sentence on losses beyond it, which would flatten the rest."""
    ends = limits(list(map(_loss, trials)))
    beyond = f" Losses above {ends[1]:.3g} are beyond the chart." if ends else ""
    return as_svg(figure, axes, Axis(x, LOSS, limits=ends)), beyond


def _loss(trial: "FrozenTrial") -> float:
    assert trial.value is not None
    return trial.value


def _bars(weights: dict[str, float]) -> str:
    with mpl.rc_context(STYLE):
        figure, axes = blank(1.0 + 0.3 * len(weights))
        axes.barh(list(weights), list(weights.values()), color=COLOURS[0], height=0.6)
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        return as_svg(figure, axes, Axis("share", ""))
