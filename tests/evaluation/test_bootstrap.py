"""Bootstrap intervals, compared with scipy, counting, and simulations with known truth. N images."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import scipy.stats
import torch
from torch import Tensor

from colourize.evaluation import bootstrap
from colourize.evaluation.bootstrap import interval, paired, ratio, resampled_means
from colourize.evaluation.metrics import calibration_bins, ece


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The tensors are small: on a busy machine a second thread makes these tests five times slower."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def draws(images: int = 200, seed: int = 0) -> Tensor:
    """Skewed positive values, like a cross-entropy's: [N] float64, mean 2, deviation sqrt(2)."""
    return torch.from_numpy(np.random.default_rng(seed).gamma(2, 1, images))


def test_the_interval_of_a_mean_covers_the_truth_at_its_rate() -> None:
    found = [interval(draws(seed=seed), num_resamples=500, seed=seed) for seed in range(400)]
    assert 0.92 <= np.mean([low <= 2 <= high for _, low, high in found]) <= 0.975


def test_the_interval_of_a_ratio_covers_the_truth_at_its_rate() -> None:
    covered = []
    for seed in range(400):
        table, noise = draws(seed=seed), draws(seed=seed + 1000)
        # The model's cross-entropy is 0.8 of the table's on average, so the skill is 0.2.
        _, low, high = ratio(table - 0.4 * noise * table, table, num_resamples=500, seed=seed)
        covered.append(low <= 0.2 <= high)
    assert 0.92 <= np.mean(covered) <= 0.975


def test_the_interval_equals_scipys_percentile_bootstrap() -> None:
    values = draws()
    expected = scipy.stats.bootstrap((values.numpy(),), np.mean, n_resamples=10_000, method="percentile", rng=0)
    estimate, low, high = interval(values, num_resamples=10_000)
    assert estimate == pytest.approx(values.mean().item(), abs=1e-12)
    # Both ends carry Monte-Carlo error: 3 % of the width is four of its standard deviations.
    tolerance = 0.03 * (high - low)
    np.testing.assert_allclose([low, high], expected.confidence_interval, atol=tolerance)


def test_the_interval_of_a_ratio_equals_scipys_paired_bootstrap() -> None:
    table, model = draws(seed=1), 0.5 * draws(seed=1) + 0.3 * draws(seed=2)

    def one_minus_ratio(model: np.ndarray, table: np.ndarray, axis: int = -1) -> np.ndarray:
        return 1 - model.sum(axis) / table.sum(axis)

    expected = scipy.stats.bootstrap(
        (model.numpy(), table.numpy()), one_minus_ratio, n_resamples=10_000, paired=True, method="percentile", rng=0
    )
    estimate, low, high = ratio(table - model, table, num_resamples=10_000)
    assert estimate == pytest.approx(one_minus_ratio(model.numpy(), table.numpy()), abs=1e-12)
    np.testing.assert_allclose([low, high], expected.confidence_interval, atol=0.03 * (high - low))


def test_two_images_are_drawn_like_two_coins() -> None:
    means, counts = resampled_means(torch.tensor([0.0, 1.0]), num_resamples=10_000).unique(return_counts=True)
    assert means.tolist() == [0, 0.5, 1]
    np.testing.assert_allclose(counts / 10_000, [0.25, 0.5, 0.25], atol=0.02)


def test_paired_is_the_interval_of_the_difference_and_narrower_than_either_models() -> None:
    table = draws(seed=1)
    a, b = table + 0.1 * draws(seed=2), table
    difference = paired(a, b)
    assert difference == pytest.approx(interval(a - b), abs=1e-12)
    assert difference.estimate == pytest.approx((a.mean() - b.mean()).item(), abs=1e-12)
    assert difference.high - difference.low < 0.3 * (interval(a).high - interval(a).low)
    assert paired(a, a) == (0, 0, 0)


def test_a_seed_gives_one_interval_and_another_seed_another() -> None:
    values = draws()
    assert interval(values, seed=3) == interval(values, seed=3)
    assert interval(values, seed=3) != interval(values, seed=4)


def test_every_measure_of_a_seed_sees_the_same_resamples() -> None:
    a, b = draws(seed=1), draws(seed=2)
    together = resampled_means(torch.stack([a, b], 1), 100, seed=5)
    torch.testing.assert_close(together[:, 0], resampled_means(a, 100, seed=5))
    torch.testing.assert_close(together[:, 1], resampled_means(b, 100, seed=5))


def test_blocks_do_not_change_the_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = resampled_means(draws(), 100)
    monkeypatch.setattr(bootstrap, "BLOCK", 200 * 7)
    torch.testing.assert_close(resampled_means(draws(), 100), whole)


def test_a_higher_level_is_a_wider_interval() -> None:
    narrow, wide = interval(draws(), level=0.5), interval(draws(), level=0.99)
    assert wide.low < narrow.low < narrow.estimate < narrow.high < wide.high


def test_float32_values_with_gradients_are_accepted() -> None:
    values = draws().float()
    assert interval(values.clone().requires_grad_()) == interval(values)


def test_ece_gets_its_interval_from_the_images_bins() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(40, 5, 8, 8, generator=generator)
    labels = logits.argmax(1).where(torch.rand(40, 8, 8, generator=generator) < 0.5, 0)
    bins = calibration_bins(logits, labels)
    estimate, low, high = interval(bins, ece)
    assert estimate == pytest.approx(ece(bins.sum(0)).item(), abs=1e-12)
    assert low < estimate < high


def test_one_image_has_an_estimate_and_no_interval() -> None:
    one = torch.tensor([2.0])
    for estimate, low, high in (interval(one), paired(2 * one, one), ratio(2 * one, one)):
        assert estimate == 2
        assert math.isnan(low)
        assert math.isnan(high)


def test_equal_values_have_an_interval_of_no_width() -> None:
    assert interval(torch.full((10,), 0.5)) == pytest.approx((0.5, 0.5, 0.5))


def test_a_missing_value_gives_no_interval() -> None:
    values = draws()
    values[0] = torch.nan
    assert all(math.isnan(x) for x in interval(values))


def test_a_ratio_with_a_zero_denominator_is_missing() -> None:
    assert all(math.isnan(x) for x in ratio(torch.zeros(5), torch.zeros(5)))
    estimate, low, high = ratio(torch.ones(3), torch.tensor([1.0, 0.0, 0.0]))
    assert estimate == 3
    assert math.isnan(low)
    assert math.isnan(high)


def test_zero_images_or_different_numbers_of_images_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one image, got 0"):
        interval(torch.empty(0))
    for compare in (paired, ratio):
        with pytest.raises(ValueError, match=r"\(1,\) and \(3,\)"):
            compare(torch.ones(1), torch.ones(3))
