"""The handout's net (question 3.2): counts compared with a real nn.Module."""

import pytest
import torch
from torch import nn

from colourize.course.arithmetic.layers import fully_connected, totals
from colourize.course.arithmetic.nets import sequential
from colourize.course.arithmetic.walk import walk
from colourize.errors import InputError


def handout(*channels):
    layers = []
    for count in channels:
        layers += [{"convolution": {"channels": count, "kernel": 3, "bias": False}}, {"max_pool": 2}]
    return {"input": [3, 32, 32], "layers": layers[:-1]}


def real(channels):
    one, two, three = channels
    return nn.Sequential(
        nn.Conv2d(3, one, 3, padding=1, bias=False), nn.MaxPool2d(2), nn.Conv2d(one, two, 3, padding=1, bias=False),
        nn.MaxPool2d(2), nn.Conv2d(two, three, 3, padding=1, bias=False),
    )  # fmt: skip


def dense(channels):
    """Linear layers between the same units, without memory for weights if there are many."""
    one, two, three = channels
    sizes = (3 * 32 * 32, one * 32 * 32), (one * 16 * 16, two * 16 * 16), (two * 8 * 8, three * 8 * 8)
    return nn.ModuleList(nn.Linear(before, after, bias=False, device="meta") for before, after in sizes)


@pytest.mark.parametrize(
    ("channels", "weights", "dense_weights"), [((1, 1, 1), 45, 3_215_360), ((32, 64, 3), 21_024, 235_667_456)]
)
def test_the_handout_s_net_has_the_weights_of_a_real_module_convolutional_and_fully_connected(
    channels, weights, dense_weights
):
    network, shape = sequential(handout(*channels))
    layers, _ = walk(network, shape)
    assert totals(layers).weights == weights == sum(p.numel() for p in real(channels).parameters())
    dense_layers = fully_connected(layers)
    assert totals(dense_layers).weights == dense_weights == sum(p.numel() for p in dense(channels).parameters())
    units = []
    for part in (module := real(channels)):
        part.register_forward_hook(lambda part, x, y: units.append((type(part), y.numel())))
    with torch.no_grad():
        module(torch.rand(1, 3, 32, 32))
    assert totals(layers).outputs == totals(dense_layers).outputs == sum(count for _, count in units)
    without = [layer for layer in layers if layer.kind != "pooling"]
    assert totals(without).outputs == sum(count for kind, count in units if kind is nn.Conv2d)


def test_the_handout_s_neurons():
    layers, _ = walk(*sequential(handout(1, 1, 1)))
    assert totals(layers).outputs == 1024 + 256 + 256 + 64 + 64 == 1664
    assert totals([layer for layer in layers if layer.kind != "pooling"]).outputs == 1344


def test_every_kind_of_layer_is_built_and_counted_as_in_torch():
    listed = {
        "input": [2, 8, 8],
        "layers": [
            {"convolution": {"channels": 4, "stride": 2, "dilation": 2}}, "batch_norm", "relu",
            {"transposed_convolution": {"channels": 3, "kernel": 4}}, {"average_pool": 2}, {"upsample": 2},
            {"linear": 5}, "relu", {"linear": 2},
        ],
    }  # fmt: skip
    network, shape = sequential(listed)
    layers, _ = walk(network, shape)
    assert totals(layers, biases=True).weights == sum(p.numel() for p in network.parameters())
    assert [layer.shape for layer in layers if layer.counted] == [
        (4, 4, 4), (3, 8, 8), (3, 4, 4), (3, 8, 8), (5,), (2,)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        (None, "must contain an input and a list of layers; pass input:"),
        (
            {"input": [3, 32], "layers": []},
            r"input must be three whole numbers above 0, got \[3, 32\]; pass \[channels, ",
        ),
        (
            {"input": [3, 8, 8], "layers": ["dense"]},
            "layer 1 must be a known layer, got dense; pass one of convolution",
        ),
        ({"input": [3, 8, 8], "layers": [{"convolution": {"chanels": 1}}]}, "layer 1, convolution: .*chanels"),
        ({"input": [3, 8, 8], "layers": [{"convolution": {"channels": 1, "kernel": 4}}]}, "kernel=4 with stride=1"),
        ({"input": [True, 32, 32], "layers": []}, r"input must be .*, got \[True, 32, 32\]; pass"),
        (
            {"input": [3, 8, 8], "layers": [{"relu": 5}]},
            "layer 1, relu: .*the layer does not take a value; leave it out",
        ),
        (
            {"input": [3, 8, 8], "layers": [{"upsample": 1.5}]},
            "layer 1, upsample: .*must be a whole number .*, got 1.5",
        ),
        (
            {"input": [3, 8, 8], "layers": [{"upsample": True}]},
            "layer 1, upsample: .*must be a whole number .*, got True",
        ),
        (
            {"input": [3, 8, 8], "layers": [{"linear": 0}]},
            "layer 1, linear: 0: units must be a whole number of 1 or more, got 0",
        ),
        ({"input": [3, 8, 8], "layers": [{"convolution": 5}]}, "layer 1, convolution: 5: values must have names; pass"),
        (
            {"input": [3, 8, 8], "layers": ["relu", {"transposed_convolution": {"channels": 2, "kernel": 2.5}}]},
            "layer 2, transposed_convolution: .*kernel must be a whole number of 1 or more, got 2.5",
        ),
        ({"input": [3, 4, 4], "layers": [{"max_pool": 8}]}, "layer 1, max_pool: 8"),
    ],
)
def test_an_invalid_list_is_an_error_that_names_the_layer(listed, message):
    with pytest.raises(InputError, match=message):
        sequential(listed)
