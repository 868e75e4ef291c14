import math
import statistics

import numpy as np
import pytest
from scipy import stats

from colourize.report.statistics import band, paired, spread


def test_mean_and_sd_equal_those_of_the_standard_library():
    values = [1.25, 0.5, 3.75, 2.0]
    assert spread(values) == pytest.approx((4, statistics.mean(values), statistics.stdev(values)), rel=1e-14)


def test_one_value_has_no_spread_and_zero_values_have_no_mean():
    assert spread([2.0])[:2] == (1, 2.0)
    assert math.isnan(spread([2.0]).sd)
    assert spread([]) is None


def test_the_interval_of_a_difference_equals_that_of_the_paired_t_test():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=5), rng.normal(size=5)
    found = paired(dict(enumerate(first)), dict(enumerate(second)))
    known = stats.ttest_rel(first, second)
    assert found[:3] == pytest.approx((5, np.mean(first - second), np.std(first - second, ddof=1)), rel=1e-12)
    assert found[3:] == pytest.approx(tuple(known.confidence_interval(0.95)), rel=1e-9)


def test_only_common_seeds_are_paired():
    assert paired({0: 1.0, 1: 2.0, 5: 9.0}, {1: 1.5, 5: 8.0, 7: 0.0})[:2] == (2, 0.75)
    assert paired({0: 1.0}, {1: 1.0}) is None
    alone = paired({0: 1.0}, {0: 0.25})
    assert alone[:2] == (1, 0.75)
    assert math.isnan(alone.low) and math.isnan(alone.high)


def test_a_band_is_over_the_runs_that_reached_an_epoch():
    found = band([{1: 2.0, 2: 1.0}, {1: 4.0}])
    assert found.epochs.tolist() == [1, 2]
    assert found.mean.tolist() == [3.0, 1.0]
    np.testing.assert_allclose(found.sd, [math.sqrt(2), math.nan])
    assert len(band([]).epochs) == 0
