"""Demos: theorems about optimization and convolution with experiments, each a pure function that returns a table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from matplotlib.figure import Figure
from torch import Tensor


@dataclass(frozen=True)
class Demo:
    """The result of a demo.

    Attributes:
        title: of the demo.
        rows: of its table, all with the same keys.
        sentences: about the table.
        figure: its figure, if any.
        text: other text, such as a worked calculation.
    """

    title: str
    rows: list[dict[str, Any]]
    sentences: list[str] = field(default_factory=list)
    figure: Figure | None = None
    text: str = ""


def figure(title: str, *, width: float = 8, height: float = 4.2) -> Figure:
    """An empty figure with a title."""
    made = Figure(figsize=(width, height), dpi=120, layout="constrained")
    made.suptitle(title, fontsize=10, x=0.01, ha="left")
    return made


def distances(title: str, ylabel: str, curves: Mapping[str, Tensor]) -> Figure:
    """Distances [T + 1] over steps, one line each, on a logarithmic scale on which 0 is drawn as 1e-18."""
    made = figure(title)
    axis = made.subplots()
    for name, values in curves.items():
        axis.semilogy(range(len(values)), values.clamp_min(1e-18), label=name, linewidth=1.2)
    axis.set(xlabel="step", ylabel=ylabel)
    axis.grid(alpha=0.3)
    made.legend(fontsize=8, loc="outside right center")
    return made
