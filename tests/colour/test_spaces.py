"""The colour spaces compared with scikit-image and colour-science; which values decoded pictures keep."""

import colour
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2lab
from torch import Tensor

from colourize.colour.kmeans import fit
from colourize.colour.palette import dequantize, quantize
from colourize.colour.rgb import eight_bit, grey
from colourize.colour.spaces import RGB, SPACES, WHITE
from colourize.config.knobs import KNOBS

LAB, OKLAB = SPACES["lab"], SPACES["oklab"]
EVERY = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
CHROMA = pytest.mark.parametrize("space", [LAB, OKLAB], ids=["lab", "oklab"])


def independent(images: np.ndarray, space: str) -> np.ndarray:
    """(L, a, b) of 8-bit pictures by another library: uint8 [..., 3] -> float64 [..., 3]."""
    rgb = images.astype(np.float64) / 255
    return rgb2lab(rgb) if space == "lab" else colour.XYZ_to_Oklab(colour.sRGB_to_XYZ(rgb))


def tone(images: np.ndarray, space: str) -> np.ndarray:
    """Level, 0 to 255, of the grey that is as light as each pixel, by the formulas: uint8 [..., 3] -> float64 [...].

    In rgb it is mean(R, G, B). For a grey, Y and OKLab's L^3 are its linear value.
    """
    if space == "rgb":
        return images.astype(np.float64).mean(axis=-1)
    lightness = independent(images, space)[..., 0]
    if space == "oklab":
        linear = lightness**3
    else:
        f = (lightness + 16) / 116
        linear = np.where(f > 0.008856 ** (1 / 3), f**3, (f - 16 / 116) / 7.787)
    return 255 * colour.cctf_encoding(linear.clip(0, 1), "sRGB")


def drawn(seed: int, shape: tuple[int, ...] = (2, 12, 12, 3)) -> Tensor:
    """Pictures that also contain black, white, saturated and dark colours."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, shape)
    images[0, :4] = rng.choice([0, 1, 2, 254, 255], images[0, :4].shape)
    images[0, 4:8] = rng.integers(0, 12, images[0, 4:8].shape)
    return torch.from_numpy(images.astype(np.uint8))


def test_the_knob_s_values_are_the_spaces():
    assert tuple(SPACES) == KNOBS["colour_space"].choices


@EVERY
def test_the_input_is_the_lightness_white_at_the_top_level(space):
    images = drawn(0)
    lightness = space.lightness(images)
    assert lightness.shape == (2, 1, 12, 12)
    assert lightness.dtype == torch.float32
    ends = space.lightness(torch.tensor([[0, 0, 0], [255, 255, 255]], dtype=torch.uint8).view(1, 1, 2, 3)).flatten()
    assert ends.tolist() == [0, WHITE]
    if space is RGB:
        assert lightness.equal(grey(images))
    else:
        expected = independent(images.numpy(), space.name)[..., 0] * WHITE / (100 if space is LAB else 1)
        np.testing.assert_allclose(lightness[:, 0], expected, atol=1e-4)


@CHROMA
def test_the_palette_quantizes_the_chroma(space):
    colours = drawn(1).flatten(0, 2)
    expected = independent(colours.numpy(), space.name)[:, 1:]
    np.testing.assert_allclose(space.points(colours), expected, atol=1e-4 if space is LAB else 2e-4)


@EVERY
def test_colours_are_in_the_space_s_range(space):
    corners = torch.cartesian_prod(*3 * [torch.tensor([0, 64, 128, 192, 255], dtype=torch.uint8)])
    unit = space.unit(space.points(corners))
    assert 0 <= unit.min() <= unit.max() <= 1
    assert unit.max() - unit.min() > 0.5


@given(st.integers(0, 2**32 - 1), st.sampled_from(list(SPACES)), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_a_picture_keeps_the_lightness_of_its_input_to_one_level_for_any_labels(seed, name, reach):
    """The grey of the 8-bit result, compared with the grey of the input."""
    space, images = SPACES[name], drawn(seed)
    generator = torch.Generator().manual_seed(seed)
    palette = space.low + (space.high - space.low) * torch.rand(16, space.channels, generator=generator)
    if space is not RGB:
        palette *= reach  # from greys to colours outside the gamut
    labels = torch.randint(0, 16, images.shape[:-1], generator=generator)
    shown = eight_bit(space.keep(space.lightness(images), dequantize(labels, palette)).colours)
    got, wanted = (tone(picture.numpy(), name) for picture in (shown.movedim(1, -1), images))
    assert np.abs(got - wanted).max() <= 1


@CHROMA
@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_any_input_in_the_unit_interval_keeps_its_lightness(space, seed):
    generator = torch.Generator().manual_seed(seed)
    lightness = WHITE * torch.rand(1, 1, 16, 16, generator=generator)
    values = space.high * (2 * torch.rand(1, 2, 16, 16, generator=generator) - 1)
    shown = eight_bit(space.decode(lightness, values).colours).movedim(1, -1).numpy()
    neutral = 255 / WHITE * space.neutral(lightness)[:, 0].numpy()
    assert np.abs(tone(shown, space.name) - neutral).max() <= 1


@EVERY
def test_the_neutral_picture_is_the_grey_with_the_input_s_lightness(space):
    greys = torch.arange(256, dtype=torch.uint8).view(1, 16, 16, 1).expand(-1, -1, -1, 3)
    neutral = space.neutral(space.lightness(greys))
    assert eight_bit(neutral)[0, 0].equal(greys[0, ..., 0])
    assert space.lightness(eight_bit(neutral.expand(-1, 3, -1, -1)).movedim(1, -1)).equal(space.lightness(greys))


@CHROMA
def test_a_colour_s_own_chroma_gives_the_colour_back_and_counts_as_inside(space):
    images = drawn(2)
    values = space.points(images.flatten(0, 2)).float().view(2, 12, 12, 2).movedim(-1, 1)
    colours, outside = space.decode(space.lightness(images), values)
    assert eight_bit(colours).equal(images.movedim(-1, 1))
    assert not outside.any()


@CHROMA
def test_outside_the_gamut_the_chroma_shrinks_as_little_as_possible_and_is_counted(space):
    """Compared with a scan over 2001 factors, with the other library's inverse without clamping."""
    generator = torch.Generator().manual_seed(3)
    lightness = WHITE * (0.05 + 0.9 * torch.rand(1, 1, 1, 40, generator=generator))
    values = space.high * (2 * torch.rand(1, 2, 1, 40, generator=generator) - 1)
    colours, outside = space.decode(lightness, values)
    found = independent_linear(lightness, values, torch.linspace(0, 1, 2001), space.name)
    fits = ((found >= -1e-4) & (found <= 1 + 1e-4)).all(-1)  # [factors, pixels]
    assert 0 < outside.float().mean() < 1
    np.testing.assert_array_equal(outside.flatten(), ~fits[-1])
    first = np.where(fits.all(0), 2000, fits.argmin(0) - 1)  # where the gamut is left
    for number, place in enumerate(first):
        near = found[[place, min(place + 1, 2000)], number].clip(0, 1)
        got = colours[0, :, 0, number].numpy() / WHITE
        assert np.all((near.min(0) - 1e-3 <= got) & (got <= near.max(0) + 1e-3)), number


def independent_linear(lightness, values, factors, space: str) -> np.ndarray:
    """sRGB of (L, s a, s b), by colour-science or formulas: [S], [1, 1, 1, P] -> [S, P, 3]."""
    light = lightness[0, 0, 0].double().numpy() / WHITE
    a, b = (factors[:, None].double() * values[0, :, None, 0].double()).numpy()
    if space == "oklab":
        xyz = colour.Oklab_to_XYZ(np.stack(np.broadcast_arrays(light, a, b), axis=-1))
        linear = xyz @ np.linalg.inv(colour.RGB_COLOURSPACES["sRGB"].matrix_RGB_to_XYZ).T
    else:
        y = (100 * light + 16) / 116
        f = np.stack(np.broadcast_arrays(y + a / 500, y, y - b / 200), axis=-1)
        xyz = np.where(f > 0.008856 ** (1 / 3), f**3, (f - 16 / 116) / 7.787) * (0.95047, 1, 1.08883)
        of_rgb = [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
        linear = xyz @ np.linalg.inv(of_rgb).T
    return np.sign(linear) * np.where(
        np.abs(linear) <= 0.0031308, 12.92 * np.abs(linear), 1.055 * np.abs(linear) ** (1 / 2.4) - 0.055
    )


@CHROMA
def test_hue_does_not_change_when_chroma_shrinks(space):
    lightness = torch.full((1, 1, 1, 36), 0.6)
    angle = torch.arange(36) * torch.pi / 18
    values = space.high * torch.stack((angle.cos(), angle.sin()))[None, :, None]
    colours = space.decode(lightness, values).colours / WHITE
    lab = space.of_rgb(colours.double())
    turned = torch.atan2(lab[0, 2], lab[0, 1]) - angle
    assert (torch.remainder(turned + torch.pi, 2 * torch.pi) - torch.pi).abs().max() < 0.02


def test_in_rgb_colours_inside_the_gamut_are_only_shifted_and_others_keep_grey_and_direction():
    lightness = torch.tensor([0.5, 0.9, 0.0, WHITE]).view(1, 1, 1, 4)
    values = torch.tensor([[0.2, 0.3, 0.4], [0.1, 0.5, 0.9], [0.3, 0.2, 0.1], [0.3, 0.2, 0.1]]).T.view(1, 3, 1, 4)
    colours, outside = RGB.keep(lightness, values)
    assert outside.flatten().tolist() == [False, True, True, True]
    torch.testing.assert_close(colours[0, :, 0, 0], torch.tensor([0.4, 0.5, 0.6]))
    share = (WHITE - 0.9) / 0.4  # blue is the channel that would leave
    torch.testing.assert_close(colours[0, :, 0, 1], 0.9 + share * torch.tensor([-0.4, 0.0, 0.4]))
    torch.testing.assert_close(colours.mean(1), lightness[:, 0])


def test_in_rgb_a_picture_is_the_palette_s_own_colours():
    values = torch.rand(1, 3, 4, 4)
    assert RGB.decode(torch.rand(1, 1, 4, 4), values).colours is values


@EVERY
@pytest.mark.parametrize("num_colours", [5, 313])
def test_colour_to_label_to_colour_is_the_nearest_of_the_palette(space, num_colours):
    images = drawn(4)
    low, high = (80 * torch.tensor([-1.0, 1.0]) if space is LAB else torch.tensor([space.low, space.high])).tolist()
    palette = low + (high - low) * torch.rand(num_colours, space.channels, generator=torch.Generator().manual_seed(0))
    labels = quantize(images, palette, space)
    assert labels.dtype == (torch.uint8 if num_colours <= 256 else torch.int16)
    pixels = images.numpy() / 256 if space is RGB else independent(images.numpy(), space.name)[..., 1:]
    distance = np.linalg.norm(pixels[..., None, :] - palette.double().numpy(), axis=-1)
    chosen = np.take_along_axis(distance, labels.long().numpy()[..., None], axis=-1)[..., 0]
    np.testing.assert_allclose(chosen, distance.min(axis=-1), atol=1e-5 * (high - low))
    decoded = dequantize(labels, palette).movedim(1, -1)
    assert (decoded == palette[labels.long()]).all()


@EVERY
def test_the_greyest_class_is_the_nearest_to_the_untouched_grey(space):
    palette = torch.rand(9, space.channels, generator=torch.Generator().manual_seed(1)) * space.high
    lightness = torch.rand(2, 1, 4, 5)
    labels = space.greyest(lightness, palette)
    assert labels.shape == (2, 4, 5)
    if space is RGB:
        expected = np.abs(lightness.numpy()[:, 0, ..., None] - palette.numpy().mean(1)).argmin(-1)
    else:
        expected = np.full((2, 4, 5), np.linalg.norm(palette.numpy(), axis=1).argmin())
    np.testing.assert_array_equal(labels, expected)


@CHROMA
def test_greys_are_one_point_to_k_means(space):
    greys = torch.arange(256, dtype=torch.uint8)[:, None].expand(-1, 3)
    points, weights = space.distinct(greys, torch.ones(256, dtype=torch.float64))
    assert points.shape == (1, 2)
    assert points.abs().max() < 0.01
    assert weights.tolist() == [256]


@CHROMA
def test_k_means_over_chromas_is_no_worse_than_scikit_learn_s_on_all_pixels(space):
    from sklearn.cluster import KMeans

    from colourize.data.scenes import load

    images = load(60, 2).train
    pixels = independent(images.numpy(), space.name)[..., 1:].reshape(-1, 2)
    theirs = KMeans(8, n_init=3, random_state=0).fit(pixels).inertia_
    centres = fit(images, 8, seed=0, space=space).double().numpy()
    ours = (np.linalg.norm(pixels[:, None] - centres, axis=-1).min(axis=1) ** 2).sum()
    assert ours <= theirs * 1.001
