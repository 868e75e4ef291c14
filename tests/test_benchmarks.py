"""The benchmark's own parts: that both sides do the same work, and that its arithmetic is right."""

import copy

import numpy as np
import pytest
import torch

from benchmarks import plain_loop
from benchmarks.run import interleaved, row
from colourize.data.module import ColourData
from colourize.data.scenes import load
from colourize.module import pixel_cross_entropy
from colourize.palette import quantize
from colourize.targets import instantiate
from tests.conftest import knobs


@pytest.mark.parametrize("model", ["poolupsample", "convtranspose", "unet"])
def test_ten_steps_of_the_plain_loop_and_of_ours_have_the_same_losses(model, tmp_path):
    """Same weights, same pictures in the same order; SGD, because Adam divides rounding errors by their own size."""
    pictures = load(100, 4)
    data = ColourData(lambda: pictures, num_colours=24, cache_dir=tmp_path)
    data.setup()
    torch.manual_seed(0)
    network = instantiate(knobs(f"model={model}")["model"])
    plain, losses = copy.deepcopy(network), []
    arrays = plain_loop.arrays(pictures.train.numpy(), data.palette.numpy())
    by_hand = plain_loop.train_epoch(plain, torch.optim.SGD(plain.parameters(), lr=0.01), arrays, 10)
    fast = network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(fast.parameters(), lr=0.01)
    for part in torch.arange(100).split(10):
        optimizer.zero_grad()
        grey, labels = data.train[part]
        loss = pixel_cross_entropy(fast(grey), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert by_hand == pytest.approx(np.mean(losses), abs=1e-5)


def test_the_labels_of_the_course_are_ours():
    images = load(5, 2).train
    palette = torch.rand(7, 3)
    expected = plain_loop.nearest_colours(images.numpy(), palette.numpy())[:, 0]
    np.testing.assert_array_equal(quantize(images, palette).numpy(), expected)


def test_a_row_holds_medians_and_the_ratio_of_neighbours():
    seconds = {"slow": iter([9.0, 2.0, 4.0, 8.0]), "fast": iter([9.0, 1.0, 1.0, 2.0])}
    times = interleaved({name: values.__next__ for name, values in seconds.items()}, 3)
    entry = row("x", times, 1000, "ms")
    assert (entry["slow"]["median"], entry["fast"]["median"]) == (4000, 1000)
    assert entry["slow / fast"] == {"median": 4.0, "range": [2.0, 4.0]}
