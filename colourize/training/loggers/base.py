"""Methods that every logger of a run has beyond Lightning's own logger: pictures, text, and a bounded end."""

from typing import Any, NamedTuple, Protocol, runtime_checkable

from torch import Tensor


class Identity(NamedTuple):
    """How a server knows a run.

    Attributes:
        key: 32 hex digits, the same after the run was resumed.
        name: the knob ``name``, or the name of the run folder.
        tags: the knob ``tags``.
    """

    key: str
    name: str
    tags: tuple[str, ...] = ()


@runtime_checkable
class RunLogger(Protocol):
    """The methods that the run calls. Lightning and its callbacks call those of Lightning's ``Logger``."""

    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        """Logs numbers by name, at a step of the optimizer."""

    def log_knobs(self, knobs: dict[str, Any]) -> None:
        """Logs the settings of a run when it starts: numbers, switches and text by name."""

    def log_picture(self, name: str, picture: Tensor, step: int) -> None:
        """Logs a picture, float [3, H, W] in [0, 1]."""

    def log_text(self, name: str, text: str, step: int) -> None:
        """Logs a text in Markdown."""

    def flush(self) -> None:
        """Writes everything logged so far; a checkpoint is saved after it."""

    def viewer(self) -> tuple[str, str] | None:
        """A word, and the command, file or address that shows the stored values; None if there are no values."""

    def close(self, status: str) -> None:
        """Ends the logging of this process. ``status``: success or failed."""
