"""Which metrics a task shows, and which one decides."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metrics:
    """The metrics of a task: "train/NAME", a mean over the epoch's training examples, or "val/NAME".

    Attributes:
        columns: of ``metrics.csv``, in their order.
        line: those in the line of an epoch.
        decides: the validation metric whose lowest value marks the best epoch, and for which early stopping waits.
        speed: the name of the column with the training examples per second.
    """

    columns: tuple[str, ...] = ("train/loss", "val/loss")
    line: tuple[str, ...] = ("train/loss", "val/loss")
    decides: str = "val/loss"
    speed: str = "examples_per_second"

    @property
    def training(self) -> tuple[str, ...]:
        """Names in what ``training_step`` returns."""
        return tuple(name.removeprefix("train/") for name in self.columns if name.startswith("train/"))

    @property
    def charts(self) -> tuple[str, ...]:
        """Names that both splits have, each for one chart."""
        return tuple(name for name in self.training if f"val/{name}" in self.columns)


LOSSES = Metrics()
