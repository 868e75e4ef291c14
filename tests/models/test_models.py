"""Every option of conf/model by discovery: adding a YAML adds its tests."""

import pytest
import torch
from torch import nn

from colourize.config.instantiate import instantiate
from colourize.errors import InputError
from colourize.models.blocks import SameConv2d, conv, doubling_conv, halving_conv
from colourize.models.unet import UNet
from tests.conftest import knobs
from tests.nets import COURSE, FLOORS, MODELS, network


@pytest.mark.parametrize("kernel", range(1, 8))
@pytest.mark.parametrize("name", MODELS)
def test_the_output_has_the_input_s_size_at_the_network_s_stride(name, kernel):
    module = network(name, kernel=kernel, num_filters=2, num_colours=3).eval()
    stride = getattr(module, "stride", 1)
    with torch.no_grad():
        for size in range(1, 68):
            other = 68 - size
            expected = (1, 3, -(-size // stride), -(-other // stride))
            assert module(torch.zeros(1, 1, size, other)).shape == expected


@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("kernel", range(1, 12))
@pytest.mark.parametrize("size", [8, 16, 32])
def test_blocks_halve_keep_and_double_for_every_kernel(kernel, size, dilation):
    x = torch.zeros(2, 1, size, size)
    assert halving_conv(1, 2, kernel, dilation)(x).shape == (2, 2, size // 2, size // 2)
    assert conv(1, 2, kernel)(x).shape == SameConv2d(1, 2, kernel, dilation)(x).shape == (2, 2, size, size)
    assert doubling_conv(1, 2, kernel, dilation)(x).shape == (2, 2, 2 * size, 2 * size)


@pytest.mark.parametrize("name", ["convtranspose", "unet", "unet_half", "unet_full"])
def test_the_output_has_the_input_s_size_with_any_dilation(name):
    for kernel, dilation in ((1, 3), (2, 2), (3, 2), (4, 3), (5, 5)):
        module = network(name, kernel=kernel, dilation=dilation, num_filters=2, num_colours=3).eval()
        with torch.no_grad():
            assert module(torch.zeros(1, 1, 13, 22)).shape == (1, 3, 13, 22)


@pytest.mark.parametrize("kernel", range(1, 12))
def test_without_dilation_the_paddings_are_those_of_the_course(kernel):
    """(k-1)//2 and k % 2 for the table of networks; so the networks have not changed with the solver."""
    down, up, same = halving_conv(1, 1, kernel)[0], doubling_conv(1, 1, kernel)[0], SameConv2d(1, 1, kernel)
    assert (down.padding[0], up.padding[0], up.output_padding[0]) == ((kernel - 1) // 2, (kernel - 1) // 2, kernel % 2)
    assert same.padding[0] == (kernel // 2 if kernel % 2 else 0)
    assert same.excess == ((0, 0) if kernel % 2 else ((kernel - 1) // 2, kernel // 2))


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("kernel", range(1, 8))
def test_same_convolution_equals_torch_s(kernel, dilation):
    ours, x = SameConv2d(2, 3, kernel, dilation).double(), torch.rand(1, 2, 14, 15, dtype=torch.double)
    extent = dilation * (kernel - 1)
    left, right = extent // 2, extent - extent // 2
    windows = nn.functional.pad(x, (left, right, left, right)).unfold(2, extent + 1, 1).unfold(3, extent + 1, 1)
    windows = windows[..., ::dilation, ::dilation]
    expected = torch.einsum("nchwij,ocij->nohw", windows, ours.weight) + ours.bias[:, None, None]
    assert torch.allclose(ours(x), expected, rtol=1e-12)


def closed_form(name: str, nf: int, nc: int, k: int, nic: int = 1) -> int:
    """Weights, biases and batch-norm's two parameters a channel, from the table of the networks."""
    up2 = 2 * nf if name in ("unet", "unet_half") else nf
    scores = nc + nic if name in ("unet", "unet_full") else nc
    convolutions = [(nic, nf), (nf, 2 * nf), (2 * nf, nf), (up2, nc), (scores, nc)]
    batch_norms = [nf, 2 * nf, nf, nc]
    return sum(k * k * inputs * outputs + outputs for inputs, outputs in convolutions) + 2 * sum(batch_norms)


@pytest.mark.parametrize(("name", "stated"), [("poolupsample", 49_728), ("convtranspose", 49_728), ("unet", 56_856)])
def test_parameters_at_the_course_s_settings_are_as_stated(name, stated):
    assert sum(parameter.numel() for parameter in network(name).parameters()) == stated == closed_form(name, 32, 24, 3)


@pytest.mark.parametrize("kernel", [1, 2, 5])
@pytest.mark.parametrize("name", [*COURSE, "unet_half", "unet_full"])
def test_parameters_equal_the_closed_form(name, kernel):
    counted = sum(p.numel() for p in network(name, kernel=kernel, num_filters=6, num_colours=10).parameters())
    assert counted == closed_form(name, 6, 10, kernel)


@pytest.mark.parametrize("name", [name for name in MODELS if name not in FLOORS])
def test_the_gradient_reaches_every_parameter(name):
    torch.manual_seed(0)
    module = network(name, num_filters=4, num_colours=5)
    logits = module(torch.rand(4, 1, 16, 16))
    nn.functional.cross_entropy(logits, torch.randint(0, 5, (4, *logits.shape[2:]))).backward()
    untouched = [key for key, p in module.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # batch norm subtracts the mean, so the gradient of a preceding convolution's bias is at most rounding error
    assert [key for key in untouched if not key.endswith("0.bias")] == []


def test_without_skips_unet_is_convtransposenet():
    with_none = instantiate({**knobs("model=unet", "num_filters=4")["model"], "skips": []}).eval()
    other = network("convtranspose", num_filters=4).eval()
    other.load_state_dict(with_none.state_dict())
    grey = torch.rand(1, 1, 9, 14)
    with torch.no_grad():
        assert torch.equal(with_none(grey), other(grey))


def test_an_unknown_skip_is_refused():
    with pytest.raises(InputError, match="model.skips must contain some of half, full, got third; pass"):
        UNet(4, 4, skips=["third"])


def test_pointwise_scores_depend_only_on_the_pixel_s_own_grey():
    module, grey = network("pointwise", num_filters=4, num_colours=5).eval(), torch.rand(1, 1, 6, 7)
    order = torch.randperm(42)
    with torch.no_grad():
        shuffled = module(grey.flatten(2)[:, :, order].view_as(grey))
        assert torch.allclose(shuffled.flatten(2), module(grey).flatten(2)[:, :, order], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "sees_it"), [("convtranspose", False), ("unet_half", False), ("unet_full", True), ("unet", True)]
)
def test_only_the_full_skip_sees_the_input_at_full_resolution(name, sees_it):
    """Only a skip from the input keeps a change of the input to which the first step's filters are blind."""
    torch.manual_seed(0)
    module = network(name, kernel=2, num_filters=2, num_colours=5).eval()
    filters = module.down1[0].weight.detach().flatten(1)  # two filters over 2x2 pixels: a null space of dimension 2
    unseen = torch.linalg.svd(filters).Vh[2].view(2, 2)
    grey = torch.rand(1, 1, 16, 16)
    changed = grey.clone()
    changed[0, 0, 4:6, 6:8] += unseen
    with torch.no_grad():
        assert torch.allclose(module.down1(grey), module.down1(changed), atol=1e-6)
        assert torch.allclose(module(grey), module(changed), atol=1e-5) is not sees_it
