"""Classification measures against scipy, numpy and torchmetrics. N images, K colours."""

import math
import warnings

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import log_softmax, softmax
from torch import Tensor

from colourize.evaluation.metrics import (
    calibration_bins,
    cross_entropy,
    ece,
    entropy,
    label_rank,
    skill,
    top_k_accuracy,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # torchmetrics warns at import where optional packages are missing
    from torchmetrics.functional.classification import multiclass_accuracy, multiclass_calibration_error


def batch(images: int = 6, num_colours: int = 24, size: int = 16, sharpness: float = 2.0) -> tuple[Tensor, Tensor]:
    """Logits [N, K, H, W] and labels [N, H, W] drawn from a flatter distribution, so the logits are overconfident."""
    generator = torch.Generator().manual_seed(0)
    logits = sharpness * torch.randn(images, num_colours, size, size, generator=generator)
    probabilities = (0.7 * logits).softmax(1).movedim(1, -1).reshape(-1, num_colours)
    labels = probabilities.multinomial(1, generator=generator).view(images, size, size)
    return logits, labels


def test_cross_entropy_equals_scipys_log_softmax_image_by_image() -> None:
    logits, labels = batch()
    chosen = np.take_along_axis(log_softmax(logits.double().numpy(), axis=1), labels[:, None].numpy(), axis=1)
    np.testing.assert_allclose(cross_entropy(logits, labels), -chosen.mean((1, 2, 3)), atol=1e-4)


def test_log_probabilities_are_accepted_as_logits() -> None:
    logits, labels = batch()
    torch.testing.assert_close(cross_entropy(logits.log_softmax(1), labels), cross_entropy(logits, labels))
    torch.testing.assert_close(
        calibration_bins(logits.log_softmax(1), labels).sum(0), calibration_bins(logits, labels).sum(0)
    )


def test_half_precision_logits_are_averaged_in_float32() -> None:
    logits, labels = batch()
    rounded = logits.bfloat16()
    torch.testing.assert_close(cross_entropy(rounded, labels), cross_entropy(rounded.float(), labels))
    torch.testing.assert_close(calibration_bins(rounded, labels), calibration_bins(rounded.float(), labels))


def test_cross_entropy_is_infinite_only_for_labels_with_probability_zero() -> None:
    log_probabilities = torch.tensor([0.5, 0.5, 0.0]).log().view(1, 3, 1, 1).expand(2, 3, 4, 4)
    labels = torch.zeros(2, 4, 4, dtype=torch.int64)
    labels[1, 0, 0] = 2
    assert cross_entropy(log_probabilities, labels).tolist() == [pytest.approx(math.log(2)), math.inf]


@pytest.mark.parametrize("k", [1, 2, 5, 24])
def test_top_k_accuracy_equals_torchmetrics_image_by_image(k: int) -> None:
    logits, labels = batch()
    expected = [
        multiclass_accuracy(one[None], label[None], num_classes=24, top_k=k, average="micro")
        for one, label in zip(logits, labels, strict=True)
    ]
    torch.testing.assert_close(top_k_accuracy(logits, labels, k), torch.stack(expected), atol=1e-6, rtol=0)


def test_label_rank_is_its_place_in_the_sorted_logits() -> None:
    logits, labels = batch()
    order = np.argsort(-logits.numpy(), axis=1)
    np.testing.assert_array_equal(label_rank(logits, labels), (order == labels[:, None].numpy()).argmax(1))


def test_ties_count_for_the_label() -> None:
    labels = torch.arange(3).view(1, 1, 3)
    assert top_k_accuracy(torch.zeros(1, 3, 1, 3), labels).tolist() == [1]


def test_a_diverged_network_has_zero_accuracy_and_a_loss_of_nan() -> None:
    logits, labels = torch.full((1, 3, 2, 2), torch.nan), torch.zeros(1, 2, 2, dtype=torch.int64)
    assert top_k_accuracy(logits, labels, k=2).tolist() == [0]
    assert cross_entropy(logits, labels).isnan().all()
    assert ece(calibration_bins(logits, labels).sum(0)).isnan()


def test_a_colour_never_predicted_leaves_every_measure_finite() -> None:
    logits, labels = batch()
    logits[:, 3] = -100
    assert (labels == 3).any()
    assert (logits.argmax(1) != 3).all()
    for measure in (cross_entropy, top_k_accuracy, calibration_bins):
        assert measure(logits, labels).isfinite().all()


def test_an_image_has_the_same_measures_alone() -> None:
    logits, labels = batch()
    for measure in (cross_entropy, top_k_accuracy, calibration_bins):
        torch.testing.assert_close(measure(logits, labels)[2:3], measure(logits[2:3], labels[2:3]))


def test_skill_is_0_for_the_table_1_for_the_truth_and_negative_for_worse() -> None:
    assert skill(torch.tensor([0.0, 0.8, 1.6]), torch.tensor(0.8)).tolist() == [1, 0, -1]
    assert skill(0.779, 0.866).item() == pytest.approx((0.866 - 0.779) / 0.866, abs=1e-12)


@pytest.mark.parametrize("table", [0.0, math.inf])
@pytest.mark.parametrize("model", [0.0, 0.5])
def test_skill_over_a_perfect_or_unsmoothed_table_is_missing(model: float, table: float) -> None:
    assert skill(model, table).isnan()
    assert skill(torch.tensor([model, 0.5]), torch.tensor([table, 1.0])).isnan().tolist() == [True, False]


@pytest.mark.parametrize("num_bins", [10, 15])
@pytest.mark.parametrize("images", [1, 6])
def test_ece_equals_torchmetrics(images: int, num_bins: int) -> None:
    logits, labels = batch(images)
    expected = multiclass_calibration_error(logits.double().softmax(1), labels, num_classes=24, n_bins=num_bins)
    assert expected > 0.05
    assert ece(calibration_bins(logits, labels, num_bins).sum(0)).item() == pytest.approx(expected.item(), abs=1e-4)


def test_bins_are_open_below_and_closed_above() -> None:
    # Equal logits over 4, 2 and 1 colours: confidences 1/4, 1/2 and 1, each the upper edge of a bin.
    logits = torch.where(torch.arange(4)[:, None] < torch.tensor([4, 2, 1]), 0.0, -torch.inf).view(1, 4, 1, 3)
    bins = calibration_bins(logits, torch.zeros(1, 1, 3, dtype=torch.int64), num_bins=4)
    assert bins[0].tolist() == [[1, 0.25, 1], [1, 0.5, 1], [0, 0, 0], [1, 1, 1]]


def test_ece_of_resampled_images_follows_from_their_bins() -> None:
    logits, labels = batch()
    drawn = torch.tensor([0, 0, 3, 5, 5, 5])
    expected = multiclass_calibration_error(logits[drawn].double().softmax(1), labels[drawn], num_classes=24, n_bins=15)
    bins = calibration_bins(logits, labels)
    counts = drawn.bincount(minlength=6).double()
    resampled = torch.einsum("n,nbv->bv", counts, bins)
    assert ece(resampled).item() == pytest.approx(expected.item(), abs=1e-4)
    torch.testing.assert_close(ece(resampled / 6), ece(resampled))


def test_ece_is_0_for_the_class_prior_itself_and_absent_without_pixels() -> None:
    labels = torch.tensor([0, 0, 0, 1]).view(1, 2, 2)
    prior = torch.tensor([0.75, 0.25]).log().view(1, 2, 1, 1).expand(1, 2, 2, 2)
    assert ece(calibration_bins(prior, labels)).item() == pytest.approx(0, abs=1e-7)
    assert ece(torch.zeros(15, 3)).isnan()


def test_entropy_equals_scipys_pixel_by_pixel() -> None:
    logits, _ = batch()
    expected = stats.entropy(softmax(logits.double().numpy(), axis=1), base=2, axis=1)
    np.testing.assert_allclose(entropy(logits), expected, atol=1e-5)


def test_entropy_is_0_bits_for_certainty_and_log2_k_for_none() -> None:
    certain = torch.tensor([0.0, -math.inf, -math.inf, -math.inf]).view(1, 4, 1, 1)
    assert entropy(certain).item() == 0
    assert entropy(torch.zeros(1, 4, 2, 2)).tolist() == [[[2.0, 2.0], [2.0, 2.0]]]


def test_entropy_rises_with_the_temperature() -> None:
    logits, _ = batch()
    values = torch.stack([entropy(logits / temperature) for temperature in (0.5, 1, 2, 4)])
    assert (values.diff(dim=0) > 0).all()
