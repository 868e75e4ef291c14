"""Rows of measures, compared with numpy, and the sentence that compares a model with the table. N images."""

import math

import numpy as np
import pytest
import torch

from colourize.evaluation.measures import (
    CEILING,
    FLOOR,
    MEASURES,
    Row,
    all_with_intervals,
    columns_of,
    difference,
    standing,
    with_intervals,
)
from colourize.evaluation.metrics import calibration_bins

NUM_IMAGES = 30


def columns(seed: int) -> dict[str, torch.Tensor]:
    """Every column used by a measure, with random values."""
    rng = np.random.default_rng(seed)
    made = {name: torch.from_numpy(rng.uniform(0.1, 1, NUM_IMAGES)) for name in columns_of(MEASURES) - {"bins"}}
    logits = torch.from_numpy(rng.normal(size=(NUM_IMAGES, 5, 4, 4)))
    return made | {"bins": calibration_bins(logits, torch.from_numpy(rng.integers(0, 5, (NUM_IMAGES, 4, 4))))}


PLAIN = [key for key, measure in MEASURES.items() if len(measure.columns) == 1 and key != "ece"]


def test_a_measure_is_the_mean_over_images_or_a_ratio_of_means():
    row = with_intervals(Row("x", FLOOR, columns(0)), 100)
    means = {name: values.numpy().mean() for name, values in row.columns.items()}
    assert set(row.intervals) == set(MEASURES)
    for key in PLAIN:
        assert row.intervals[key].estimate == pytest.approx(means[MEASURES[key].columns[0]], rel=1e-12)
    assert row.intervals["skill"].estimate == pytest.approx(1 - means["cross_entropy"] / means["table"], rel=1e-12)
    expected = means["auc_weighted"] / means["auc_weight"]
    assert row.intervals["auc_rebalanced"].estimate == pytest.approx(expected, rel=1e-12)


def test_the_interval_of_a_mean_has_the_width_of_the_central_limit():
    """1.96 standard errors to each side; 30 uniform values are near enough to a normal mean."""
    row = with_intervals(Row("x", FLOOR, columns(1)), 4000)
    for key in PLAIN:
        estimate, low, high = row.intervals[key]
        half = 1.96 * row.columns[MEASURES[key].columns[0]].numpy().std() / math.sqrt(NUM_IMAGES)
        assert (estimate - low, high - estimate) == (pytest.approx(half, rel=0.1), pytest.approx(half, rel=0.1))


def test_rows_computed_together_have_the_same_intervals_as_each_alone():
    several = [Row("a", FLOOR, columns(2)), Row("b", FLOOR, columns(3))]
    assert all_with_intervals(several, 200) == [with_intervals(row, 200) for row in several]


def test_a_row_has_every_measure_for_which_it_has_columns():
    some = {"cross_entropy": torch.rand(4), "psnr": torch.rand(4), "auc_weighted": torch.rand(4)}
    assert set(with_intervals(Row("x", FLOOR, some), 10).intervals) == {"cross_entropy", "psnr"}


def test_a_difference_is_computed_from_means_on_the_same_images():
    first, second = (Row(name, FLOOR, columns(seed)) for name, seed in (("a", 4), ("b", 5)))
    for key in PLAIN:
        gaps = (first.columns[MEASURES[key].columns[0]] - second.columns[MEASURES[key].columns[0]]).numpy()
        estimate, low, high = difference(first, second, key, 4000)
        half = 1.96 * gaps.std() / math.sqrt(NUM_IMAGES)
        assert estimate == pytest.approx(gaps.mean(), rel=1e-9)
        assert (estimate - low, high - estimate) == (pytest.approx(half, rel=0.1), pytest.approx(half, rel=0.1))
    assert difference(first, second, "skill") is None  # no mean of one column
    assert difference(first, Row("c", FLOOR, {}), "psnr") is None


def fake(name: str, losses: torch.Tensor, kind: str = FLOOR) -> Row:
    return Row(name, kind, {"cross_entropy": losses})


def test_the_standing_states_whether_a_model_beats_the_table():
    noise = torch.randn(200, generator=torch.Generator().manual_seed(0)) / 10
    table, prior, ceiling = fake("t", 1 + noise), fake("p", 3 + noise), fake("c", 0.3 + noise, CEILING)
    jitter = noise.roll(1) / 5
    cases = {
        "and even than the class prior: 3.99": (fake("m", 4 + noise + jitter), table, prior),
        "m is worse than the look-up table: 1.1": (fake("m", 1.2 + noise + jitter), table, prior),
        "level with the look-up table": (fake("m", 1 + noise + jitter), table, prior),
        "m is better than the look-up table: 0.7": (fake("m", 0.8 + noise + jitter), table, prior),
        "better than the look-up table: 0.797 nats a pixel against the table's 0.998, and worse than the 0.298": (
            fake("m", 0.8 + noise + jitter), table, prior, ceiling),
        "level with the 0.298": (fake("m", 0.3 + noise + jitter), table, prior, ceiling),
        "better than the 0.298": (fake("m", 0.2 + noise + jitter), table, prior, ceiling),
        "has diverged: its cross-entropy is nan": (fake("m", noise * torch.nan), table, prior),
        "one picture gives no interval": tuple(fake(name, torch.ones(1) * n) for n, name in enumerate("mtp", 1)),
        "is the look-up table itself: 0.998": (fake("m", 1 + noise), table, prior),
    }  # fmt: skip
    for part, rows in cases.items():
        assert part in standing(*rows)
