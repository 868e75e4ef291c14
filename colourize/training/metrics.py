"""The metrics of a task: which are shown, and which selects the best epoch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Metrics:
    """The metrics of a task: "train/NAME", a mean over the epoch's training examples, or "val/NAME".

    Attributes:
        columns: the columns of ``metrics.csv``, in order.
        line: the metrics in the line printed for an epoch.
        decides: the validation metric for the best epoch and early stopping.
        highest: whether its highest value is the best, and not its lowest.
        speed: the name of the column for training examples per second.
    """

    columns: tuple[str, ...] = ("train/loss", "val/loss")
    line: tuple[str, ...] = ("train/loss", "val/loss")
    decides: str = "val/loss"
    highest: bool = False
    speed: str = "examples_per_second"

    @property
    def training(self) -> tuple[str, ...]:
        """Names in the result of ``training_step``."""
        return tuple(name.removeprefix("train/") for name in self.columns if name.startswith("train/"))

    def rank(self, row: Mapping[str, float]) -> float:
        """The deciding metric of a row, negated if higher is better, so lower ranks first; inf if NaN or missing."""
        value = row.get(self.decides, math.nan)
        return math.inf if math.isnan(value) else -value if self.highest else value

    @property
    def charts(self) -> tuple[str, ...]:
        """Names of metrics that both splits have, for one chart each."""
        return tuple(name for name in self.training if f"val/{name}" in self.columns)


LOSSES = Metrics()
