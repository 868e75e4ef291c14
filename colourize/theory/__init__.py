"""Theorems beside experiments: studies of optimization and of convolution, each a pure function with a table."""

from dataclasses import dataclass, field
from typing import Any

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Study:
    """What a study found.

    Attributes:
        rows: of its table, each the same keys.
        sentences: what the table says.
        figure: what can be drawn of it.
        text: what is neither, such as a worked calculation.
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
