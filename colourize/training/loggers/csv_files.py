"""A run as plain files: the folder ``csv/`` with one row per step, the knobs, the pictures and the texts."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image
from pytorch_lightning.loggers.logger import Logger
from torch import Tensor

from colourize import files
from colourize.errors import InputError
from colourize.training.loggers.base import RunLogger
from colourize.training.loggers.pictures import as_image, file_name

NAME = "csv"
LARGEST = 256 << 20  # bytes


class CsvFiles(Logger, RunLogger):
    """``csv/metrics.csv``, ``csv/knobs.json``, ``csv/NAME-STEP.png`` and ``csv/NAME.md``.

    ``metrics.csv`` of the run folder has one row per epoch; this one has a row for each step at which something was
    logged, also by callbacks.

    Args:
        folder: folder of the run.
        purge: the first step that is written again; later rows of an interrupted run are dropped.
    """

    def __init__(self, folder: Path, purge: int) -> None:
        super().__init__()
        self.folder = folder / NAME
        self.folder.mkdir(exist_ok=True)
        self.rows = {step: row for step, row in self._before().items() if step < purge}

    @property
    def name(self) -> str:
        return NAME

    @property
    def version(self) -> str:
        return ""

    @property
    def save_dir(self) -> str:
        return str(self.folder)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        row = self.rows.setdefault(step or 0, {})
        row.update({name: str(float(value)) for name, value in metrics.items()})

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        self.log_knobs(dict(params))

    def log_knobs(self, knobs: dict[str, Any]) -> None:
        files.replace_text(self.folder / "knobs.json", json.dumps(knobs, indent=1, default=str) + "\n")

    def log_picture(self, name: str, picture: Tensor, step: int) -> None:
        image = Image.fromarray(as_image(picture))
        files.replace(self.folder / f"{file_name(name)}-{step}.png", lambda file: image.save(file, "png"))

    def log_text(self, name: str, text: str, step: int) -> None:
        files.replace_text(self.folder / f"{file_name(name)}.md", text + "\n")

    def flush(self) -> None:
        names = sorted({name for row in self.rows.values() for name in row})
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=["step", *names])
        writer.writeheader()
        writer.writerows({"step": step, **self.rows[step]} for step in sorted(self.rows))
        files.replace_text(self.folder / "metrics.csv", text.getvalue())

    def viewer(self) -> tuple[str, str]:
        return "csv", str(self.folder / "metrics.csv")

    def close(self, status: str) -> None:
        self.flush()

    def _before(self) -> dict[int, dict[str, str]]:
        """The rows of an interrupted run, by step."""
        file = self.folder / "metrics.csv"
        try:
            rows = list(csv.DictReader(files.read_bytes(file, LARGEST).decode().splitlines()))
            return {int(row.pop("step")): {name: cell for name, cell in row.items() if cell} for row in rows}
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, csv.Error) as error:
            raise InputError(f"{file} is damaged ({error}); move it away, or pass another logger") from error
