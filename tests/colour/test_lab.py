"""Colour conversions against scikit-image, colour-science and published values. Pictures are [N, 3, H, W]."""

from collections.abc import Callable

import colour
import numpy as np
import pytest
import torch
from skimage.color import deltaE_ciede2000, lab2rgb, rgb2lab

from colourize.colour import lab

Conversion = Callable[[torch.Tensor], torch.Tensor]

# Sharma, Wu, Dalal 2005, table 1: L1 a1 b1 L2 a2 b2 dE00; rows chosen by the authors to catch wrong hue arithmetic.
SHARMA = np.array(
    [
        [50.0000, 2.6772, -79.7751, 50.0000, 0.0000, -82.7485, 2.0425],
        [50.0000, 3.1571, -77.2803, 50.0000, 0.0000, -82.7485, 2.8615],
        [50.0000, 2.8361, -74.0200, 50.0000, 0.0000, -82.7485, 3.4412],
        [50.0000, -1.3802, -84.2814, 50.0000, 0.0000, -82.7485, 1.0000],
        [50.0000, -1.1848, -84.8006, 50.0000, 0.0000, -82.7485, 1.0000],
        [50.0000, -0.9009, -85.5211, 50.0000, 0.0000, -82.7485, 1.0000],
        [50.0000, 0.0000, 0.0000, 50.0000, -1.0000, 2.0000, 2.3669],
        [50.0000, -1.0000, 2.0000, 50.0000, 0.0000, 0.0000, 2.3669],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0009, 7.1792],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0010, 7.1792],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0011, 7.2195],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0012, 7.2195],
        [50.0000, -0.0010, 2.4900, 50.0000, 0.0009, -2.4900, 4.8045],
        [50.0000, -0.0010, 2.4900, 50.0000, 0.0010, -2.4900, 4.8045],
        [50.0000, -0.0010, 2.4900, 50.0000, 0.0011, -2.4900, 4.7461],
        [50.0000, 2.5000, 0.0000, 50.0000, 0.0000, -2.5000, 4.3065],
        [50.0000, 2.5000, 0.0000, 73.0000, 25.0000, -18.0000, 27.1492],
        [50.0000, 2.5000, 0.0000, 61.0000, -5.0000, 29.0000, 22.8977],
        [50.0000, 2.5000, 0.0000, 56.0000, -27.0000, -3.0000, 31.9030],
        [50.0000, 2.5000, 0.0000, 58.0000, 24.0000, 15.0000, 19.4535],
        [50.0000, 2.5000, 0.0000, 50.0000, 3.1736, 0.5854, 1.0000],
        [50.0000, 2.5000, 0.0000, 50.0000, 3.2972, 0.0000, 1.0000],
        [50.0000, 2.5000, 0.0000, 50.0000, 1.8634, 0.5757, 1.0000],
        [50.0000, 2.5000, 0.0000, 50.0000, 3.2592, 0.3350, 1.0000],
        [60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644],
        [63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630],
        [61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731],
        [35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645],
        [22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373],
        [36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146],
        [90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441],
        [90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381],
        [6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377],
        [2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082],
    ]
)
# Linear sRGB to XYZ in exact fractions, from CSS Color 4; colour-science's own matrix has four digits.
XYZ_OF_RGB = np.array(
    [
        [506752 / 1228815, 87881 / 245763, 12673 / 70218],
        [87098 / 409605, 175762 / 245763, 12673 / 175545],
        [7918 / 409605, 87881 / 737289, 1001167 / 1053270],
    ]
)


def every_shade(steps: int = 18) -> torch.Tensor:
    """A grid over the RGB cube, with black, white and the greys: [1, 3, steps, steps * steps] float32."""
    levels = torch.linspace(0, 1, steps)
    return torch.stack(torch.meshgrid(levels, levels, levels, indexing="ij")).reshape(1, 3, steps, -1)


def last(channels: torch.Tensor) -> np.ndarray:
    """Channels last and in float64, as colour-science requires."""
    return channels.double().movedim(1, -1).numpy()


def colours(rows: np.ndarray) -> torch.Tensor:
    """[M, 3] -> [M, 3, 1, 1]."""
    return torch.from_numpy(rows)[:, :, None, None]


def test_linear_rgb_equals_colour_science() -> None:
    rgb = every_shade()
    np.testing.assert_allclose(last(lab.srgb_to_linear(rgb)), colour.cctf_decoding(last(rgb), "sRGB"), atol=1e-6)
    np.testing.assert_allclose(last(lab.linear_to_srgb(rgb)), colour.cctf_encoding(last(rgb), "sRGB"), atol=1e-6)


def test_lab_equals_scikit_image() -> None:
    rgb = every_shade()
    np.testing.assert_allclose(lab.rgb_to_lab(rgb), rgb2lab(rgb.double().numpy(), channel_axis=1), atol=1e-4)


def test_lab_equals_colour_science_given_the_same_primaries_and_white() -> None:
    rgb = every_shade()
    xyz = colour.cctf_decoding(last(rgb), "sRGB") @ lab._XYZ_OF_RGB.numpy().T
    white = lab._WHITE.numpy()
    expected = colour.XYZ_to_Lab(xyz, colour.XYZ_to_xy(white))
    actual = last(lab.rgb_to_lab(rgb))
    # Below the CIE threshold scikit-image rounds the slope to 7.787, which changes the fourth decimal.
    bright = (xyz / white > 0.008856).all(-1)
    np.testing.assert_allclose(actual[bright], expected[bright], atol=1e-4)
    np.testing.assert_allclose(actual, expected, atol=2e-4)


def test_rgb_of_lab_equals_scikit_image_inside_and_outside_the_gamut() -> None:
    generator = torch.Generator().manual_seed(0)
    inside = lab.rgb_to_lab(0.3 + 0.6 * torch.rand(2, 3, 20, 20, generator=generator))
    outside = inside * torch.tensor([1.0, 1.5, 1.5])[:, None, None]
    for colour_lab in (inside, outside):
        expected = lab2rgb(colour_lab.double().numpy(), channel_axis=1)
        np.testing.assert_allclose(lab.lab_to_rgb(colour_lab), expected, atol=1e-4)
    assert lab.lab_to_rgb(outside).amax() == 1


def test_oklab_equals_colour_science() -> None:
    rgb = every_shade()
    expected = colour.XYZ_to_Oklab(colour.cctf_decoding(last(rgb), "sRGB") @ XYZ_OF_RGB.T)
    # colour-science converts through XYZ by Ottosson's first matrix, rounded differently from that for sRGB: 1.2e-4.
    np.testing.assert_allclose(last(lab.rgb_to_oklab(rgb)), expected, atol=1.5e-4)


def test_oklab_of_the_primaries_and_secondaries_is_as_published_for_css() -> None:
    rgb = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1]])
    published = [
        [0.62796, 0.22486, 0.12585],
        [0.86644, -0.23389, 0.17950],
        [0.45201, -0.03246, -0.31153],
        [0.96798, -0.07137, 0.19857],
        [0.90540, -0.14944, -0.03940],
        [0.70167, 0.27457, -0.16916],
    ]
    np.testing.assert_allclose(lab.rgb_to_oklab(colours(rgb))[:, :, 0, 0], published, atol=1e-4)


@pytest.mark.parametrize(
    ("there", "back"),
    [
        (lab.srgb_to_linear, lab.linear_to_srgb),
        (lab.rgb_to_lab, lab.lab_to_rgb),
        (lab.rgb_to_oklab, lab.oklab_to_rgb),
    ],
)
def test_every_conversion_comes_back(there: Conversion, back: Conversion) -> None:
    rgb = every_shade()
    torch.testing.assert_close(back(there(rgb)), rgb, atol=2e-6, rtol=0)


def test_black_is_dark_white_is_light_and_greys_are_neutral() -> None:
    greys = torch.linspace(0, 1, 256).expand(1, 3, 1, 256)
    for convert, white in ((lab.rgb_to_lab, 100), (lab.rgb_to_oklab, 1)):
        lightness, a, b = convert(greys)[0]
        assert lightness[0, 0].abs() < 1e-5
        torch.testing.assert_close(lightness[0, -1], torch.tensor(float(white)))
        assert (lightness.diff() > 0).all()
        assert max(a.abs().max(), b.abs().max()) < 1e-4 * white


def test_one_picture_converts_like_a_batch_and_keeps_its_dtype() -> None:
    rgb = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    for convert in (lab.rgb_to_lab, lab.lab_to_rgb, lab.rgb_to_oklab, lab.oklab_to_rgb):
        torch.testing.assert_close(convert(rgb)[1], convert(rgb[1]))
        assert [convert(rgb.to(dtype)).dtype for dtype in (torch.float32, torch.float64)] == [
            torch.float32,
            torch.float64,
        ]


def test_values_just_outside_the_range_give_finite_colours_and_gradients() -> None:
    for convert in (lab.srgb_to_linear, lab.linear_to_srgb, lab.rgb_to_lab):
        rgb = torch.tensor([-0.1, 0.0, 1.1]).view(1, 3, 1, 1).requires_grad_()
        converted = convert(rgb)
        converted.sum().backward()
        assert converted.isfinite().all()
        assert rgb.grad is not None
        assert rgb.grad.isfinite().all()


@pytest.mark.parametrize("swap", [False, True])
def test_ciede2000_of_sharmas_pairs_is_as_published_both_ways_round(swap: bool) -> None:
    first, second = colours(SHARMA[:, 0:3]), colours(SHARMA[:, 3:6])
    actual = lab.delta_e_2000(second, first) if swap else lab.delta_e_2000(first, second)
    np.testing.assert_allclose(actual[:, 0, 0], SHARMA[:, 6], atol=1e-4)


def test_ciede2000_equals_scikit_image_and_colour_science() -> None:
    generator = torch.Generator().manual_seed(0)
    scale, shift = torch.tensor([100.0, 200, 200])[:, None, None], torch.tensor([0.0, -100, -100])[:, None, None]
    first, second = (torch.rand(2, 3, 50, 50, generator=generator) * scale + shift for _ in range(2))
    actual = lab.delta_e_2000(first, second)
    assert actual.shape == (2, 50, 50)
    np.testing.assert_allclose(
        actual, deltaE_ciede2000(first.double().numpy(), second.double().numpy(), channel_axis=1), atol=1e-4
    )
    np.testing.assert_allclose(actual, colour.delta_E(last(first), last(second), method="CIE 2000"), atol=1e-4)


def test_ciede2000_of_equal_colours_is_zero_greys_and_black_included() -> None:
    shades = lab.rgb_to_lab(every_shade())
    assert (lab.delta_e_2000(shades, shades) == 0).all()
