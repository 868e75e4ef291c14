import pytest
import torch
from torch import nn

from colourize.models.blocks import TransposedConv2d, joined, padded


@pytest.mark.parametrize(("kernel", "padding", "output_padding"), [(3, 1, 1), (4, 1, 0), (1, 0, 1)])
def test_a_transposed_convolution_and_its_gradients_are_torch_s(kernel, padding, output_padding):
    settings = {"stride": 2, "padding": padding, "output_padding": output_padding}
    ours = TransposedConv2d(3, 5, kernel, **settings).double()
    reference = nn.ConvTranspose2d(3, 5, kernel, **settings).double()
    reference.load_state_dict(ours.state_dict())
    inputs = [torch.randn(2, 3, 4, 6, dtype=torch.float64).requires_grad_() for _ in range(2)]
    inputs[1].data.copy_(inputs[0])
    outputs = [layer(x) for layer, x in zip((ours, reference), inputs, strict=True)]
    torch.testing.assert_close(*outputs)
    weights = torch.randn_like(outputs[0])
    for output in outputs:
        (output * weights).sum().backward()
    torch.testing.assert_close(ours.weight.grad, reference.weight.grad)
    torch.testing.assert_close(ours.bias.grad, reference.bias.grad)
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad)


def test_a_transposed_convolution_keeps_gradients_in_the_weights_type_under_autocast():
    layer = TransposedConv2d(2, 3, 3, stride=2, padding=1, output_padding=1)
    with torch.autocast("cpu", torch.bfloat16):
        output = layer(torch.rand(1, 2, 4, 4))
    output.float().sum().backward()
    assert output.dtype == torch.bfloat16
    assert layer.bias.grad.tolist() == [64.0] * 3  # one for each of 8 x 8 pixels


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("channels", [1, 2])
def test_joined_is_a_concatenation_in_the_first_one_s_memory_order(order, channels):
    x = torch.randn(2, 3, 4, 5).contiguous(memory_format=order)
    other = torch.randn(2, channels, 4, 5)
    result = joined(x, other)
    assert result.equal(torch.cat((x.contiguous(), other), dim=1))
    assert result.is_contiguous(memory_format=order)


def test_padding_repeats_the_border_and_leaves_fitting_sizes_alone():
    x = torch.arange(6.0).view(1, 1, 2, 3)
    assert padded(x, 4)[0, 0].tolist() == [[0, 1, 2, 2], [3, 4, 5, 5], [3, 4, 5, 5], [3, 4, 5, 5]]
    fitting = torch.rand(1, 1, 4, 8)
    assert padded(fitting, 4) is fitting
    assert padded(fitting, 4, least=4) is fitting
    assert padded(x, 4, least=8).shape[-2:] == (8, 8)
    assert padded(x, 4, least=8)[..., :4, :4].equal(padded(x, 4))
