"""The layers of a network while its batch norms use the kernels."""

import copy

import pytest
import torch
from torch import nn

from colourize.kernels import rows
from colourize.models.blocks import Conv2d, DoublingConv2d
from colourize.training import fused
from tests.nets import FLOORS, MODELS, network

pytestmark = pytest.mark.skipif(rows.library() is None, reason="no C compiler")
TRAINED = [name for name in MODELS if name not in FLOORS]


def gradients(module, grey):
    module.zero_grad()
    module(grey).square().mean().backward()
    return {name: weight.grad.clone() for name, weight in module.named_parameters()}


def made(name):
    torch.manual_seed(0)
    module = network(name, num_filters=4, num_colours=5).train()
    return module.to(memory_format=torch.channels_last), torch.rand(3, 1, 40, 56)


@pytest.mark.parametrize("name", TRAINED)
def test_gradients_are_as_near_to_double_precision_as_torch_s_and_biases_that_a_norm_subtracts_have_none(name):
    module, grey = made(name)
    expected = gradients(copy.deepcopy(module).double(), grey.double())
    plain = gradients(copy.deepcopy(module), grey)
    with fused.norms(module):
        found = gradients(module, grey)
    largest = max(float(each.abs().max()) for each in expected.values())
    for key, value in found.items():
        error, torch_s = (float((each - expected[key]).abs().max()) for each in (value, plain[key]))
        assert error <= 3 * torch_s + 1e-6 * largest, key
    ours = {f"{name}.bias" for name, each in module.named_modules() if isinstance(each, Conv2d | DoublingConv2d)}
    zero = {key for key in ours if not found[key].any()}
    assert zero and zero == {key for key in ours if expected[key].abs().max() < 1e-12}


@pytest.mark.parametrize("name", TRAINED)
def test_biases_before_a_norm_that_keeps_its_statistics_have_their_gradient(name):
    module, grey = made(name)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.eval()
    expected = gradients(module, grey)
    with fused.norms(module):
        found = gradients(module, grey)
    assert all(expected[key].any() for key in expected)
    for key, value in found.items():
        torch.testing.assert_close(value, expected[key], rtol=1e-4, atol=1e-6, msg=key)


def test_after_it_a_network_is_as_before():
    module, grey = made("convtranspose")
    before = gradients(module, grey)
    with fused.norms(module):
        copied = copy.deepcopy(module)
        assert copied.down1[0].norm == (copied.down1[1],)
    assert all(torch.equal(value, before[key]) for key, value in gradients(module, grey).items())
    assert not any(getattr(each, "norm", ()) for each in module.modules())


def without_bias(norm):
    norm.bias = None


def in_bf16(norm):
    norm.bias = nn.Parameter(norm.bias.detach().bfloat16())


def every_second(norm):
    norm.weight = nn.Parameter(torch.randn(32)[::2])


def of_statistics_in_double(norm):
    norm.running_var = norm.running_var.double()


@pytest.mark.parametrize("change", [without_bias, in_bf16, every_second, of_statistics_in_double])
def test_norms_with_weights_of_another_kind_are_torch_s(change):
    """The kernels get addresses only."""
    torch.manual_seed(0)
    norm, x = nn.BatchNorm2d(16), torch.randn(4, 16, 8, 8).to(memory_format=torch.channels_last)
    change(norm)
    expected = outcome(copy.deepcopy(norm), x)
    with fused.norms(norm):
        found = outcome(norm, x)
    assert type(found) is type(expected)
    assert found is None or torch.allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 8, 32])
def test_an_input_of_another_number_of_channels_is_refused_as_by_torch(channels):
    norm = nn.BatchNorm2d(16)
    with fused.norms(norm), pytest.raises(RuntimeError, match="elements"):
        norm(torch.randn(4, channels, 8, 8).to(memory_format=torch.channels_last))


def outcome(norm, x):
    try:
        return norm(x).detach()
    except RuntimeError:
        return None
