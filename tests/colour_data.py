"""The data of the colourization task from given pictures, and a report defined by a test."""

from dataclasses import replace
from typing import Any

import pytest

from colourize.colour.spaces import SPACES
from colourize.data.labelled import labelled, palette_of
from colourize.data.pictures import Pictures
from colourize.tasks.colourization import task
from colourize.tasks.colourization.data import ColourData


def colour_data(
    pictures: Pictures,
    cache_dir: Any,
    num_colours: int = 24,
    palette: str = "kmeans",
    colour_space: str = "rgb",
    **loading: Any,
) -> ColourData:
    space = SPACES[colour_space]
    centres = palette_of(pictures.train, num_colours, cache_dir, palette, space)
    return ColourData(labelled(pictures, centres, cache_dir, space), **loading)


def report_by(report: Any, patch: pytest.MonkeyPatch) -> None:
    """Makes every run of colourization report by a function of (fitted, folder, knobs)."""
    patch.setattr(task, "TASK", replace(task.TASK, report=report))
