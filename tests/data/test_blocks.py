import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import rgb2lab

from colourize.colour import palette as palettes
from colourize.colour.decoding import Decoding, parsed
from colourize.colour.palette import LabelTable, nearest, quantize
from colourize.colour.spaces import SPACES, enlarged
from colourize.data.blocks import blocks, check_sides, labelled_blocks
from colourize.data.labelled import BlockPictures
from colourize.errors import InputError
from colourize.model import Model


def images(count=3, side=16, seed=0):
    return torch.randint(
        0, 256, (count, side, side, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed)
    )


def palette(channels, num_colours=9):
    return 60 * torch.rand(num_colours, channels, generator=torch.Generator().manual_seed(1)) - 30


def test_stride_4_labels_equal_labels_of_the_averaged_picture():
    """The expected labels by scikit-image and numpy: Lab of each pixel, mean of 4x4, nearest entry."""
    pictures, centres = images(), palette(2)
    grey, labels = labelled_blocks(pictures, centres, SPACES["lab"], 4)
    averaged = rgb2lab(pictures.numpy()).reshape(3, 4, 4, 4, 4, 3).mean((2, 4))
    distance = ((averaged[..., None, 1:] - centres.numpy()) ** 2).sum(-1)
    assert np.array_equal(labels.numpy(), distance.argmin(-1))
    assert np.allclose(grey[:, 0].numpy(), rgb2lab(pictures.numpy())[..., 0] / 100 * 255 / 256, atol=1e-5)


@pytest.mark.parametrize("space", SPACES)
def test_the_fast_conversion_of_pixels_equals_the_exact_one(space):
    grey, points = SPACES[space].both(images())
    assert torch.allclose(grey, SPACES[space].lightness(images()), atol=1e-6)
    exact = SPACES[space].points(images().flatten(0, 2)).view(3, 16, 16, -1).movedim(-1, 1)
    assert torch.allclose(points.double(), exact, atol=1e-6 * SPACES[space].high)


def test_blocks_of_one_colour_have_its_label_at_any_stride():
    small = images(side=4)
    large = small.repeat_interleave(4, 1).repeat_interleave(4, 2)
    labels = [
        labelled_blocks(each, palette(2), SPACES["oklab"], stride)[1] for each, stride in ((small, 1), (large, 4))
    ]
    assert torch.equal(*labels)


@pytest.mark.parametrize("space", SPACES)
def test_a_table_gives_the_exact_labels_of_batches_in_any_order(space):
    """Colours as near to two entries as rounding can have other labels without the table; here there are none."""
    centres = SPACES[space].points(images(seed=2).flatten(0, 2)[:300]).float()
    batches = [images(seed=seed) for seed in (3, 4, 3, 5)]
    forward, backward = LabelTable(centres, SPACES[space]), LabelTable(centres, SPACES[space])
    expected = [quantize(batch, centres, SPACES[space]).long() for batch in batches]
    found = [labelled_blocks(batch, centres, SPACES[space], 1, forward) for batch in batches]
    assert all(torch.equal(each, labels) for each, (_, labels) in zip(expected, found, strict=True))
    assert all(
        torch.equal(backward(batch), labels) for batch, labels in zip(batches[::-1], expected[::-1], strict=True)
    )
    for batch, (grey, labels) in zip(batches, found, strict=True):
        assert all(map(torch.equal, (grey, labels), labelled_blocks(batch, centres, SPACES[space], 1)))


def test_a_table_compares_each_colour_with_the_palette_once(monkeypatch):
    compared = []
    monkeypatch.setattr(
        palettes, "nearest", lambda colours, *given: compared.append(colours) or nearest(colours, *given)
    )
    table = LabelTable(palette(3), SPACES["rgb"])
    for seed in (0, 1, 0, 1):
        table(images(seed=seed))
    (first, second), expected = compared, torch.cat([images(seed=0), images(seed=1)]).flatten(0, 2)
    assert torch.equal(torch.cat([first, second]).unique(dim=0), expected.unique(dim=0))
    assert len(first) + len(second) == len(expected.unique(dim=0))


def test_cached_labels_equal_those_of_batches(tmp_path):
    first, again = (BlockPictures(images(), palette(2), 4, tmp_path, SPACES["lab"]) for _ in range(2))
    index = torch.tensor([2, 0])
    grey, labels = labelled_blocks(images()[index], palette(2), SPACES["lab"], 4)
    for pictures in (first, again):
        assert torch.allclose(pictures[index][0], grey, atol=1e-6) and torch.equal(pictures[index][1], labels)
    assert first.coarse.shape == (3, 1, 4, 4)
    assert torch.equal(first.coarse, blocks(images(), palette(2), 4, SPACES["lab"])[1])


def test_sides_that_are_not_multiples_of_the_stride_are_refused(tmp_path):
    with pytest.raises(
        InputError, match="image_size must be a multiple of model.stride=4, got 18x18 pixels; pass image_s"
    ):
        BlockPictures(images(side=18), palette(2), 4, tmp_path, SPACES["lab"])
    check_sides(8, 16, 4)


@given(st.integers(1, 21), st.integers(1, 21), st.sampled_from([1, 2, 4]))
def test_a_model_of_any_stride_colours_pictures_of_any_size(height, width, stride):
    network = torch.nn.Conv2d(1, 5, stride, stride=stride)
    network.stride = stride
    model = Model(network, palette(2, 5), "lab")
    for decoding in ("argmax", "mean", "sample"):
        assert model.predict(torch.rand(2, 1, height, width), decoding).shape == (2, 3, height, width)


def test_the_chroma_of_blocks_is_bilinear_between_their_centres():
    values = torch.tensor([[[[0.0, 8.0]]]])
    row = enlarged(values, torch.zeros(1, 1, 4, 8))[0, 0, 0]
    assert row.tolist() == [0, 0, 1, 3, 5, 7, 8, 8]
    assert enlarged(values, torch.zeros(1, 1, 1, 2)) is values
    assert isinstance(parsed("mean"), Decoding)


def test_labels_in_a_step_of_mixed_precision_are_exact():
    exact = labelled_blocks(images(), palette(2), SPACES["lab"], 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert all(
            torch.equal(*pair)
            for pair in zip(labelled_blocks(images(), palette(2), SPACES["lab"], 4), exact, strict=True)
        )
