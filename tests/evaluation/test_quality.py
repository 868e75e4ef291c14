"""Picture measures against scikit-image, numpy and closed forms. Pictures are [N, 3, H, W] in [0, 1]."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from colourize.evaluation import quality

Measure = Callable[[Tensor, Tensor], Tensor]
FULL_REFERENCE: list[Measure] = [quality.psnr, quality.ssim, quality.ciede2000, quality.ab_error, quality.raw_accuracy]


def pictures(images: int = 4, height: int = 24, width: int = 20, noise: float = 0.1) -> tuple[Tensor, Tensor]:
    """Predicted and true pictures with smooth random colours, in 8-bit levels."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(images, 3, 4, 4, generator=generator)
    true = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    predicted = (true + noise * torch.randn(true.shape, generator=generator)).clamp(0, 1)
    return (predicted * 255).round() / 255, (true * 255).round() / 255


def flat(*rgb: float, size: int = 12) -> Tensor:
    """A picture of one colour."""
    return torch.tensor(rgb).view(1, 3, 1, 1).expand(1, 3, size, size)


def each(function: Callable[..., float], predicted: Tensor, true: Tensor, **options: Any) -> list[float]:
    """A scikit-image measure of every pair, in float64, channels first."""
    pairs = zip(predicted.double().numpy(), true.double().numpy(), strict=True)
    return [function(t, p, **options) for p, t in pairs]


def skimage_ab_distance(predicted: Tensor, true: Tensor) -> np.ndarray:
    p, t = (rgb2lab(x.double().numpy(), channel_axis=1)[:, 1:] for x in (predicted, true))
    return np.sqrt(((p - t) ** 2).sum(1))


def test_psnr_equals_scikit_image() -> None:
    predicted, true = pictures()
    np.testing.assert_allclose(
        quality.psnr(predicted, true), each(peak_signal_noise_ratio, predicted, true, data_range=1), atol=1e-4
    )


def test_psnr_of_equal_pictures_is_the_cap_and_of_black_for_white_0() -> None:
    white, black = flat(1, 1, 1), flat(0, 0, 0)
    assert quality.psnr(white, white).tolist() == [60]
    assert quality.psnr(black, white).tolist() == [0]
    one_level = white - 1 / 255
    assert quality.psnr(one_level, white).item() == pytest.approx(20 * math.log10(255), abs=1e-4)


@pytest.mark.parametrize(("height", "width"), [(11, 11), (24, 20), (11, 40)])
def test_ssim_equals_scikit_image(height: int, width: int) -> None:
    predicted, true = pictures(height=height, width=width)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": 0}
    expected = each(structural_similarity, predicted, true, data_range=1, **options)
    np.testing.assert_allclose(quality.ssim(predicted, true), expected, atol=1e-4)


def test_ssim_of_flat_pictures_is_the_luminance_term() -> None:
    for a, b in ((0.2, 0.6), (0.0, 1.0), (0.5, 0.5)):
        expected = (2 * a * b + 1e-4) / (a**2 + b**2 + 1e-4)
        assert quality.ssim(flat(a, a, a), flat(b, b, b)).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("height", [1, 10])
def test_ssim_below_11_pixels_is_missing(height: int) -> None:
    predicted, true = pictures(height=height, width=32)
    assert quality.ssim(predicted, true).isnan().tolist() == [True] * 4


def test_ciede2000_and_ab_error_equal_scikit_image() -> None:
    predicted, true = pictures()
    p, t = (rgb2lab(x.double().numpy(), channel_axis=1) for x in (predicted, true))
    expected = deltaE_ciede2000(t, p, channel_axis=1).mean((1, 2))
    np.testing.assert_allclose(quality.ciede2000(predicted, true), expected, atol=1e-4)
    expected = skimage_ab_distance(predicted, true).mean((1, 2))
    np.testing.assert_allclose(quality.ab_error(predicted, true), expected, atol=1e-4)


def test_raw_accuracy_is_the_area_under_the_curve_of_151_thresholds() -> None:
    predicted, true = pictures(noise=0.5)
    distance = skimage_ab_distance(predicted, true)
    curve = [(distance <= theta).mean((1, 2)) for theta in range(151)]
    np.testing.assert_allclose(quality.raw_accuracy(predicted, true), np.trapezoid(curve, axis=0) / 150, atol=1e-4)


def test_raw_accuracy_is_1_for_equal_pictures_and_0_for_blue_in_place_of_green() -> None:
    green, blue = flat(0, 1, 0), flat(0, 0, 1)
    assert quality.raw_accuracy(green, green).tolist() == [1]
    assert quality.raw_accuracy(blue, green).tolist() == [0]


def test_rebalanced_accuracy_weighs_pixels_by_the_inverse_of_their_cell() -> None:
    predicted, true = pictures(noise=0.5)
    prior = quality.ab_histogram(true)
    numerator, denominator = quality.rebalanced_accuracy(predicted, true, prior)

    lab = rgb2lab(true.double().numpy(), channel_axis=1)
    cells = np.rint(lab[:, 1:] / 10).astype(int)
    _, inverse, counts = np.unique(
        cells.transpose(0, 2, 3, 1).reshape(-1, 2), axis=0, return_inverse=True, return_counts=True
    )
    weights = (counts.sum() / counts[inverse]).reshape(cells[:, 0].shape)
    distance = skimage_ab_distance(predicted, true)
    curve = [((distance <= theta) * weights).sum((1, 2)) for theta in range(151)]
    np.testing.assert_allclose(denominator, weights.sum((1, 2)), rtol=1e-6)
    np.testing.assert_allclose(
        numerator / denominator, np.trapezoid(curve, axis=0) / 150 / weights.sum((1, 2)), atol=1e-4
    )
    # With the prior of these very pictures every filled cell counts the same.
    np.testing.assert_allclose(denominator.sum(), prior.sum() * len(counts), rtol=1e-6)


def test_rebalanced_accuracy_under_a_flat_prior_is_the_raw_accuracy() -> None:
    predicted, true = pictures(noise=0.5)
    numerator, denominator = quality.rebalanced_accuracy(predicted, true, torch.ones(529))
    torch.testing.assert_close(numerator / denominator, quality.raw_accuracy(predicted, true))


def test_a_colour_missing_in_the_prior_has_the_weight_of_the_rarest_colour() -> None:
    prior = quality.ab_histogram(torch.cat([flat(0.5, 0.5, 0.5)] * 3 + [flat(1, 0, 0)]))
    weights = [quality.rebalanced_accuracy(x, x, prior)[1].item() / 144 for x in (flat(1, 0, 0), flat(0, 0, 1))]
    assert weights == [pytest.approx(4), pytest.approx(4)]


@pytest.mark.parametrize("prior", [torch.ones(313), torch.zeros(529)])
def test_an_unusable_prior_names_the_remedy(prior: Tensor) -> None:
    with pytest.raises(ValueError, match="pass ab_histogram"):
        quality.rebalanced_accuracy(flat(0, 0, 0), flat(0, 0, 0), prior)


def test_the_ab_grid_contains_the_whole_gamut() -> None:
    levels = torch.linspace(0, 1, 20)
    cube = torch.stack(torch.meshgrid(levels, levels, levels, indexing="ij")).reshape(1, 3, 20, 400)
    a, b = rgb2lab(cube.double().numpy(), channel_axis=1)[0, 1:].reshape(2, -1)
    expected, _, _ = np.histogram2d(a, b, bins=np.arange(-115, 116, 10))
    assert expected.sum() == cube.numel() / 3
    np.testing.assert_array_equal(quality.ab_histogram(cube).view(23, 23), expected)


def test_colourfulness_equals_the_formula_of_hasler_and_suesstrunk() -> None:
    _, true = pictures()
    expected = []
    for r, g, b in true.double().numpy() * 255:
        rg, yb = r - g, (r + g) / 2 - b
        expected.append(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))
    np.testing.assert_allclose(quality.colourfulness(true), expected, atol=1e-4)


def test_colourfulness_is_0_for_grey_and_keeps_the_signs_of_opponent_colours() -> None:
    assert quality.colourfulness(torch.cat([flat(x, x, x) for x in (0.0, 0.3, 1.0)])).tolist() == pytest.approx([0] * 3)
    assert quality.colourfulness(flat(1, 0, 0)).item() == pytest.approx(0.3 * 255 * math.hypot(1, 0.5), abs=1e-4)
    # Half red, half cyan: rg = +-255, yb = +-127.5, so the means vanish; with |rg|, |yb| the deviations would.
    red_cyan = torch.cat([flat(1, 0, 0), flat(0, 1, 1)], dim=3)
    assert quality.colourfulness(red_cyan).item() == pytest.approx(255 * math.hypot(1, 0.5), abs=1e-4)


@pytest.mark.parametrize("measure", FULL_REFERENCE)
def test_one_image_black_white_or_flat_gives_a_finite_number(measure: Measure) -> None:
    shades = torch.cat([flat(*rgb) for rgb in ((0, 0, 0), (1, 1, 1), (0.3, 0.3, 0.3), (0, 0, 1), (1, 1, 0))])
    for predicted in shades.split(1):
        assert measure(predicted, shades[:1]).shape == (1,)
        assert measure(predicted.expand_as(shades), shades).isfinite().all()


@pytest.mark.parametrize("measure", FULL_REFERENCE)
def test_an_image_has_the_same_measure_alone(measure: Measure) -> None:
    predicted, true = pictures()
    torch.testing.assert_close(measure(predicted, true)[2:3], measure(predicted[2:3], true[2:3]))


@pytest.mark.parametrize("measure", FULL_REFERENCE)
def test_pictures_that_do_not_match_are_refused_rather_than_broadcast(measure: Measure) -> None:
    predicted, true = pictures()
    with pytest.raises(ValueError, match=r"\(1, 3, 24, 20\) and \(4, 3, 24, 20\)"):
        measure(predicted[:1], true)
    with pytest.raises(ValueError, match="N, 3, H, W"):
        measure(predicted[0], true[0])


def test_the_smoothed_prior_is_a_gaussian_average_of_the_cells_that_sums_to_one():
    histogram = torch.randint(0, 50, (quality.AB_BINS,), generator=torch.Generator().manual_seed(0))
    cells = np.stack(np.meshgrid(range(23), range(23), indexing="ij"), axis=-1).reshape(-1, 2) * 10.0
    weights = np.exp(-0.5 * ((cells[:, None] - cells[None]) ** 2).sum(-1) / 5.0**2)
    expected = weights @ histogram.numpy()
    np.testing.assert_allclose(quality.smoothed(histogram).numpy(), expected / expected.sum(), rtol=1e-9)
