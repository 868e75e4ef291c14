"""Counts, compared with counts by hooks on a real forward pass."""

import copy
import functools
import itertools
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import tests.encoders  # noqa: F401 (small_same)
from colourize.course.arithmetic.layers import fully_connected, taken, totals
from colourize.course.arithmetic.walk import walk
from colourize.models.encoder_unet import EncoderUNet
from colourize.models.resunet import Waves
from tests.nets import COURSE, FLOORS, MODELS, network

UNKNOWN = (Waves,)  # only their units are counted


def seen_by_hooks(module, shape):
    """(name, layer, input, output) of every layer, in the order of a real forward pass."""
    seen, hooks = [], []
    for name, part in module.named_modules():
        if not any(True for _ in part.children()):
            note = functools.partial(lambda name, part, x, y: seen.append((name, part, x[0], y)), name)
            hooks.append(part.register_forward_hook(note))
    with torch.no_grad():
        module.eval()(torch.rand(1, *shape))
    for hook in hooks:
        hook.remove()
    return seen


def pairs_by_ones(part, x):
    """Connections that a layer uses: if weights and inputs are ones, each output is its number of connections."""
    if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
        counting = copy.deepcopy(part)
        counting.register_parameter("bias", None)
        nn.init.ones_(counting.weight)
        return int(counting.double()(torch.ones_like(x).double()).sum())
    if isinstance(part, nn.MaxPool2d):
        return part(x).numel() * part.kernel_size**2
    if isinstance(part, nn.Upsample) and part.mode == "bilinear":
        return x.shape[1] * supported(part, x[:, :1])
    return part(x).numel()


def supported(part, x):
    """Pairs of an input and an output with a gradient between them."""
    jacobian = torch.autograd.functional.jacobian(part.double(), x.double())
    return int((jacobian != 0).sum())


def nominal(part, x, y):
    if isinstance(part, nn.Upsample) and part.mode == "bilinear":
        return 4 * y.numel()  # the four neighbours of each
    if isinstance(part, nn.ConvTranspose2d):
        return x.numel() * part.out_channels * part.kernel_size[0] * part.kernel_size[1]
    if isinstance(part, nn.Conv2d):
        return y.numel() * part.in_channels * part.kernel_size[0] * part.kernel_size[1]
    return y.numel() * (part.kernel_size**2 if isinstance(part, nn.MaxPool2d) else 1)


@pytest.mark.parametrize("kernel", range(1, 8))
@pytest.mark.parametrize("name", [name for name in MODELS if name not in (*FLOORS, "encoder_unet")])
def test_counts_equal_hooks_on_a_real_forward_pass(name, kernel):
    module = network(name, kernel=kernel, num_filters=3, num_colours=5)
    layers, _ = walk(module, (1, 16, 20))
    hooked = seen_by_hooks(module, (1, 16, 20))
    assert [layer.name for layer in layers] == [name for name, *_ in hooked]
    for layer, (_, part, x, y) in zip(layers, hooked, strict=True):
        assert (layer.in_shape, layer.shape) == (tuple(x.shape[1:]), tuple(y.shape[1:]))
        assert layer.units == y.numel()
        assert layer.weights + layer.biases == sum(parameter.numel() for parameter in part.parameters())
        if type(part) in UNKNOWN:
            assert (layer.connections, layer.used, layer.multiply_adds) == (0, 0, 0)
            continue
        assert layer.connections == nominal(part, x, y)
        assert layer.used == pairs_by_ones(part, x)
        weighs = isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d)
        assert layer.multiply_adds == (layer.connections if weighs else 0)
    assert totals(layers, biases=True).weights == sum(parameter.numel() for parameter in module.parameters())
    assert totals(layers).outputs == sum(y.numel() for _, part, _, y in hooked if counted(part))
    kept = {y.untyped_storage().data_ptr(): y.untyped_storage().nbytes() for *_, y in hooked}  # ReLU works in place
    assert totals(layers, biases=True).memory == sum(kept.values())


def counted(part):
    return isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.MaxPool2d | nn.Upsample)


@pytest.mark.parametrize(("name", "dilation"), [("convtranspose", 2), ("unet", 3)])
def test_counts_equal_hooks_with_dilation(name, dilation):
    module = network(name, kernel=3, dilation=dilation, num_filters=2, num_colours=3)
    layers, _ = walk(module, (1, 16, 16))
    for layer, (_, part, x, y) in zip(layers, seen_by_hooks(module, (1, 16, 16)), strict=True):
        assert (layer.used, layer.connections) == (pairs_by_ones(part, x), nominal(part, x, y))


@pytest.mark.parametrize("values", [{"zoom": 2}, {"encoder": "small_same"}, {"encoder": "resnet10t", "stride": 2}])
def test_counts_of_an_encoder_of_timm_equal_hooks_and_torch_s_own_count(values):
    module, shape = EncoderUNet(4, 5, **{"encoder": "test_efficientnet", **values}), (1, 64, 96)
    layers, _ = walk(module, shape)
    convolutions = [layer for layer in layers if layer.kind == "convolution"]
    hooked = [each for each in seen_by_hooks(module, shape) if isinstance(each[1], nn.Conv2d)]
    for layer, (name, part, x, y) in zip(convolutions, hooked, strict=True):
        assert (layer.name, layer.in_shape, layer.shape) == (name, tuple(x.shape[1:]), tuple(y.shape[1:]))
        assert layer.used == pairs_by_ones(part, x)
    normed = sum(layer.kind == "batch norm" for layer in layers)
    assert normed == sum(isinstance(part, nn.BatchNorm2d) for part in module.modules())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.rand(1, *shape))
    assert 2 * totals(layers).multiply_adds == counter.get_total_flops()
    assert totals(layers, biases=True).weights == sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("name", FLOORS)
def test_a_floor_is_one_layer_without_weights(name):
    (layer,), seen = walk(network(name), (1, 8, 8))
    assert (layer.weights, layer.shape, seen.ways) == (0, (24, 8, 8), None)


@pytest.mark.parametrize(("name", "biases"), list(itertools.product(COURSE, [False, True])))
def test_doubling_the_sides_quadruples_all_counts_except_the_weights(name, biases):
    module = network(name, kernel=3)
    once, twice = (totals(walk(module, (1, side, side))[0], biases) for side in (32, 64))
    assert twice.weights == once.weights
    for measure in ("outputs", "connections", "multiply_adds", "memory"):
        assert getattr(twice, measure) == 4 * getattr(once, measure)
    assert twice.used > 4 * once.used  # less of it is border


@pytest.mark.parametrize("name", COURSE)
def test_the_course_s_weights_exclude_biases_and_batch_norm(name):
    module = network(name)
    convolutions = [part for part in module.modules() if isinstance(part, nn.Conv2d | nn.ConvTranspose2d)]
    layers, _ = walk(module, (1, 32, 32))
    assert totals(layers).weights == sum(part.weight.numel() for part in convolutions)
    assert {layer.kind for layer in taken(layers, False)} <= {
        "convolution", "transposed convolution", "pooling", "upsampling"
    }  # fmt: skip


def test_a_fully_connected_network_has_a_weight_for_every_pair_of_units():
    layers, _ = walk(network("poolupsample", num_filters=2, num_colours=3), (1, 8, 8))
    dense = fully_connected(layers)
    assert all((layer.rows, layer.columns, layer.whole) == (None, None, True) for layer in dense)
    for before, after in zip(layers, dense, strict=True):
        if before.kind == "convolution":
            linear = nn.Linear(torch.Size(before.in_shape).numel(), before.units)
            assert after.weights == after.connections == linear.weight.numel()
            assert after.biases == linear.bias.numel()
        else:
            assert after == replace(before, rows=None, columns=None, whole=True)
