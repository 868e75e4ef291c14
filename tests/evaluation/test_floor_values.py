"""Pinned measures of floors and ceilings: a change of the code must invalidate cached measures."""

import csv
from itertools import product
from pathlib import Path

import pytest
import torch

from colourize.colour.spaces import SPACES
from colourize.data.labelled import labelled
from colourize.data.scenes import load
from colourize.evaluation import columns_cache
from colourize.evaluation.yardstick import Yardstick

FILE = Path(__file__).parent.parent / "floor_values.csv"  # space, predictor, column, mean to 4 significant digits
PALETTES = {
    "rgb": list(product((0.15, 0.75), (0.25, 0.8), (0.2, 0.85))),
    "lab": list(product((-40.0, 5.0, 45.0), (-45.0, 0.0, 40.0))),
    "oklab": list(product((-0.12, 0.02, 0.13), (-0.14, 0.0, 0.11))),
}  # fixed, because a fitted palette would also pin the fit


def measured(name):
    """Mean over landscapes of each column of each floor and ceiling, by predictor and column."""
    pictures, palette, space = load(40, 12, image_size=16), torch.tensor(PALETTES[name]), SPACES[name]
    found = labelled(pictures, palette, "unused", space)
    yardstick = Yardstick(pictures, found.train, found.validation, palette, space)
    rows = [yardstick.row(predictor) for predictor in (*yardstick.floors(), *yardstick.ceilings())]
    return {(row.name, column): values.double().mean().item() for row in rows for column, values in row.columns.items()}


@pytest.mark.parametrize("name", PALETTES)
def test_a_changed_number_requires_a_new_version(name):
    assert PALETTES.keys() == SPACES.keys()
    with FILE.open() as file:
        rows = [row for row in csv.DictReader(file) if row["space"] == name]
    pinned = {(row["predictor"], row["column"]): float(row["mean"]) for row in rows}
    found = measured(name)
    # one pixel of 3,072 may differ on another CPU
    assert found == pytest.approx(pinned, rel=2e-3, abs=5e-4), (
        f"floors or ceilings measure other numbers: raise columns_cache.VERSION={columns_cache.VERSION}, or caches "
        f"keep the old numbers; then write the new ones into {FILE.name}"
    )
