import pytest
import torch
from torch import nn

from colourize.models import blocks
from colourize.models.blocks import DoublingConv2d, HalvingConv2d, SameConv2d, joined, padded

SETTINGS = {1: (0, 1), 3: (1, 1), 4: (1, 0)}  # kernel: padding, output padding


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("channels", [1, 3, 12])
@pytest.mark.parametrize("kernel", SETTINGS)
@pytest.mark.parametrize("halves", [True, False])
def test_a_convolution_of_stride_2_and_its_gradients_are_torch_s(halves, kernel, channels, order):
    """torch's result in double precision, which is not computed by oneDNN."""
    before, after = SETTINGS[kernel]
    settings = {"stride": 2, "padding": before} | ({} if halves else {"output_padding": after})
    ours = (HalvingConv2d if halves else DoublingConv2d)(channels, 5, kernel)
    reference = (nn.Conv2d if halves else nn.ConvTranspose2d)(channels, 5, kernel, **settings).double()
    reference.load_state_dict(ours.state_dict())
    x = torch.randn(2, channels, 32, 20).contiguous(memory_format=order).requires_grad_()
    exact = x.detach().double().requires_grad_()
    output, expected = ours.to(memory_format=order)(x), reference(exact)
    weights = torch.randn_like(output)
    (output * weights).sum().backward()
    (expected * weights).sum().backward()
    found = output, x.grad, ours.weight.grad, ours.bias.grad
    wanted = expected, exact.grad, reference.weight.grad, reference.bias.grad
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other.float(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kernel", [1, 3])
def test_a_transposed_convolution_keeps_gradients_in_the_weights_type_under_autocast(kernel):
    layer = DoublingConv2d(2, 3, kernel)
    with torch.autocast("cpu", torch.bfloat16):
        output = layer(torch.rand(1, 2, 4, 4))
    output.float().sum().backward()
    assert output.dtype == torch.bfloat16
    assert layer.bias.grad.dtype == layer.weight.grad.dtype == torch.float32
    assert layer.bias.grad.tolist() == [64.0] * 3  # one for each of 8 x 8 pixels


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("channels", [1, 2])
def test_joined_concatenates_in_the_memory_order_of_the_first_tensor(order, channels):
    x = torch.randn(2, 3, 4, 5).contiguous(memory_format=order)
    other = torch.randn(2, channels, 4, 5)
    result = joined(x, other)
    assert result.equal(torch.cat((x.contiguous(), other), dim=1))
    assert result.is_contiguous(memory_format=order)


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
def test_a_convolution_of_both_and_its_gradients_are_those_of_the_joined_channels(monkeypatch, kernel, order):
    """The reference is one convolution over all channels, as in evaluation."""
    layer = SameConv2d(8, 4, kernel, dilation=2).double().to(memory_format=order)
    x, other = (torch.randn(2, channels, 6, 7).double().contiguous(memory_format=order) for channels in (7, 1))
    weights = torch.randn(2, 4, 6, 7).double()
    results = []
    for training in (False, True):
        layer.train(training)
        with monkeypatch.context() as patched:
            if training:
                patched.delattr(blocks, "joined")  # nothing is concatenated
            result = layer.of_both(x.requires_grad_(), other)
        results.append((result, *torch.autograd.grad((result * weights).sum(), [layer.weight, layer.bias, x])))
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_convolution_of_both_in_bfloat16_rounds_once(dtype):
    layer, x, other = SameConv2d(9, 4, 3), torch.randn(2, 8, 6, 6, dtype=dtype), torch.rand(2, 1, 6, 6)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer.of_both(x, other).equal(layer(joined(x, other)))


def test_padding_repeats_the_border_and_does_not_change_fitting_sizes():
    x = torch.arange(6.0).view(1, 1, 2, 3)
    assert padded(x, 4)[0, 0].tolist() == [[0, 1, 2, 2], [3, 4, 5, 5], [3, 4, 5, 5], [3, 4, 5, 5]]
    fitting = torch.rand(1, 1, 4, 8)
    assert padded(fitting, 4) is fitting
    assert padded(fitting, 4, least=4) is fitting
    assert padded(x, 4, least=8).shape[-2:] == (8, 8)
    assert padded(x, 4, least=8)[..., :4, :4].equal(padded(x, 4))
