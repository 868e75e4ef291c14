"""The exact receptive field against the gradients of a real network with random positive weights, for every output."""

import numpy as np
import pytest
import torch
from torch import nn

from colourize.course.arithmetic.fields import closed_form, field
from colourize.course.arithmetic.layers import fully_connected
from colourize.course.arithmetic.walk import walk
from colourize.course.arithmetic.ways import extents
from colourize.errors import InputError
from tests.nets import COURSE, network

CASES = [(name, kernel, 1) for name in COURSE for kernel in range(1, 8)] + [
    (name, kernel, dilation) for name in ("convtranspose", "unet") for kernel, dilation in ((2, 2), (3, 2), (3, 3))
]


def positive(module):
    """The network in float64 with positive weights and means in place of maxima, so that gradients do not cancel."""
    generator = torch.Generator().manual_seed(0)
    for name, part in list(module.named_modules()):
        if isinstance(part, nn.MaxPool2d):
            parent = module.get_submodule(name.rpartition(".")[0])
            parent[int(name.rpartition(".")[2])] = nn.AvgPool2d(part.kernel_size)
    module = module.double().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.rand(parameter.shape, generator=generator, dtype=torch.double) + 0.1)
    return module


def support(module, height, width):
    """Which pixels have a gradient, for every output: bool [H * W, H, W]."""
    x = torch.rand(1, 1, height, width, dtype=torch.double, requires_grad=True)
    y = module(x).sum(1).flatten()
    (gradients,) = torch.autograd.grad(y, x, torch.eye(len(y), dtype=torch.double), is_grads_batched=True)
    return gradients[:, 0, 0].numpy() != 0


@pytest.mark.parametrize(("name", "kernel", "dilation"), CASES)
def test_the_field_is_the_gradient_s_support_at_every_output(name, kernel, dilation):
    values = {} if dilation == 1 else {"dilation": dilation}
    module = network(name, kernel=kernel, num_filters=2, num_colours=3, **values)
    for height, width in ((16, 12), (10, 7)):  # the second is padded and cropped
        exact = field(module, (1, height, width))
        masks = np.stack([exact.mask(row, column) for row in range(height) for column in range(width)])
        assert np.array_equal(masks, support(positive(module), height, width))


@pytest.mark.parametrize(("name", "kernel", "dilation"), [case for case in CASES if case[1] < 6])
def test_size_stride_and_start_equal_those_of_the_gradient_far_from_the_border(name, kernel, dilation):
    values = {} if dilation == 1 else {"dilation": dilation}
    module = positive(network(name, kernel=kernel, num_filters=1, num_colours=2, **values))
    rows = walk(module, (1, 16, 16))[0][-1].rows
    side, middle = 160, 80
    x = torch.rand(1, 1, side, 8, dtype=torch.double, requires_grad=True)
    y = module(x).sum((0, 1))
    for phase in range(4):
        (gradient,) = torch.autograd.grad(y[middle + phase].sum(), x, retain_graph=True)
        seen = np.flatnonzero(gradient[0, 0].sum(1).numpy())
        assert rows.sizes[phase % len(rows.sizes)] == (seen[-1] - seen[0] + 1 if len(seen) else 0)
        if phase == 0 and len(seen):
            assert rows.start == seen[0] - middle
    assert rows.stride == 1


def test_unet_with_kernel_1_sees_the_input_only_through_its_skips():
    exact = field(network("unet", kernel=1, num_filters=2, num_colours=2), (1, 8, 8))
    assert exact.mask(3, 3).sum() == 1  # the input's skip
    assert not field(network("convtranspose", kernel=1, num_filters=2, num_colours=2), (1, 8, 8)).mask(3, 3).any()


@pytest.mark.parametrize(("kernel", "dilation", "blind"), [(1, 1, 15 / 16), (3, 2, 3 / 4), (3, 1, 0), (3, 3, 0)])
def test_an_even_dilation_or_kernel_1_leaves_outputs_of_convtransposenet_blind(kernel, dilation, blind):
    exact = field(network("convtranspose", kernel=kernel, dilation=dilation, num_filters=2, num_colours=2), (1, 16, 16))
    seen = [exact.mask(row, column).any() for row in range(16) for column in range(16)]
    assert 1 - np.mean(seen) == blind


class Sum(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide, self.narrow = nn.Conv2d(1, 1, 5, padding=2), nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x):
        return torch.relu(self.wide(x)) + nn.functional.pad(self.narrow(x)[..., :6, :6], (1, 1, 1, 1))


def test_sums_paddings_and_crops_between_layers_are_followed():
    module = Sum()
    for parameter in module.parameters():
        nn.init.ones_(parameter)
    exact = field(module, (1, 8, 8))
    masks = np.stack([exact.mask(row, column) for row in range(8) for column in range(8)])
    assert np.array_equal(masks, support(module.double(), 8, 8))


class Curious(nn.Module):
    def __init__(self):
        super().__init__()
        self.part = nn.ReLU()

    def forward(self, x):
        return self.part(x) if x.sum() > 0 else -x


class Twice(nn.Module):
    """A convolution that is used twice."""

    def __init__(self):
        super().__init__()
        self.part = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x):
        return self.part(self.part(x))


def test_a_layer_that_is_used_twice_has_weights_once_and_connections_twice():
    module = Twice()
    layers, seen = walk(module, (1, 8, 8))
    assert [layer.weights + layer.biases for layer in layers] == [10, 0]
    assert [layer.connections for layer in layers] == [9 * 64, 9 * 64]
    assert extents(seen.ways)[0].size == 5
    for parameter in module.parameters():
        nn.init.ones_(parameter)
    exact = field(module, (1, 8, 8))
    masks = np.stack([exact.mask(row, column) for row in range(8) for column in range(8)])
    assert np.array_equal(masks, support(module.double(), 8, 8))
    dense = fully_connected(layers)  # each use is a matrix of its own
    assert [layer.weights for layer in dense] == [64 * 64, 64 * 64]


class Bare(nn.Module):
    """Weights outside a layer."""

    def __init__(self, compute):
        super().__init__()
        self.weight, self.compute = nn.Parameter(torch.ones(1, 1, 3, 3)), compute

    def forward(self, x):
        return self.compute(x, self.weight)


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (lambda x, w: nn.functional.conv2d(x, w, padding=1), r"conv2d\(\) is called outside a layer"),
        (lambda x, w: nn.functional.max_pool2d(x, 2), "is called outside a layer"),
        (lambda x, w: x * w.sum(), "computes with a parameter outside a layer"),
        (lambda x, w: torch.relu(x), "has 9 weights, but its layers use 0"),
    ],
)
def test_operations_that_cannot_be_counted_are_refused(compute, message):
    with pytest.raises(InputError, match=message):
        walk(Bare(compute), (1, 8, 8))


class Joined(nn.Module):
    def __init__(self, dim, crop=8):
        super().__init__()
        self.part, self.dim, self.crop = nn.Conv2d(1, 1, 3, padding=1), dim, crop

    def forward(self, x):
        return torch.cat([self.part(x)[..., : self.crop, : self.crop], x], dim=self.dim)


def test_a_cat_of_channels_joins_fields_and_other_cats_are_refused():
    assert walk(Joined(1), (1, 8, 8))[1].ways is not None
    assert walk(Joined(-3), (1, 8, 8))[1].ways is not None
    for dim in (0, 2, 3, -1):
        assert walk(Joined(dim), (1, 8, 8))[1].ways is None
    with pytest.raises(InputError, match="Joined cannot be traced"):
        walk(Joined(1, crop=6), (1, 8, 8))


class Cropped(nn.Module):
    def __init__(self):
        super().__init__()
        self.part = nn.Conv2d(1, 1, 3)

    def forward(self, x):
        return self.part(x)[..., :4, :4]


class Padded(Cropped):
    def forward(self, x):
        return self.part(nn.functional.pad(x, (1, 1, 1, 1)))


def test_the_closed_form_is_given_only_for_chains_without_crops_and_pads():
    rows, columns = closed_form(
        nn.Sequential(nn.Conv2d(1, 1, 3), nn.MaxPool2d(2), nn.Conv2d(1, 1, (5, 3))), (1, 20, 20)
    )
    assert (rows.size, columns.size, rows.stride, rows.start) == (12, 8, 2, 0)
    assert closed_form(Cropped(), (1, 8, 8)) is None
    assert closed_form(Padded(), (1, 8, 8)) is None
    assert closed_form(nn.Sequential(nn.ConvTranspose2d(1, 1, 3)), (1, 8, 8)) is None


def test_bilinear_upsampling_is_followed_to_the_border():
    module = nn.Sequential(nn.Conv2d(1, 1, 3, stride=2, padding=1), nn.Upsample(scale_factor=3, mode="bilinear"))
    for parameter in module.parameters():
        nn.init.ones_(parameter)
    exact = field(module, (1, 8, 8))
    masks = np.stack([exact.mask(row, column) for row in range(12) for column in range(12)])
    assert np.array_equal(masks, support(module.double(), 8, 8))


def test_a_network_that_cannot_be_traced_is_an_error():
    with pytest.raises(InputError, match="Curious cannot be traced: symbolically traced variables"):
        walk(Curious(), (1, 8, 8))
    with pytest.raises(InputError, match="Sequential cannot be traced: .*channel"):
        walk(nn.Sequential(nn.Conv2d(3, 1, 1)), (1, 8, 8))
    with pytest.raises(InputError, match="an unknown receptive field"):
        field(network("lookup"), (1, 8, 8))
