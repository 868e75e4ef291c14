"""Constant padding in place of one that depends on the input's size."""

import pytest
import torch
from timm.layers import Conv2dSame
from torch import nn

from colourize.inference.export.fixed_padding import fixed


@pytest.mark.parametrize("kernel", [1, 2, 3, 5, (3, 5)])
@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("dilation", [1, 2])
def test_the_same_values_for_sides_that_the_stride_divides(kernel, stride, dilation):
    torch.manual_seed(0)
    network = nn.Sequential(Conv2dSame(2, 4, kernel, stride, dilation=dilation, groups=2), nn.ReLU()).eval()
    changed = fixed(network)
    assert not any(isinstance(module, Conv2dSame) for module in changed.modules())
    with torch.no_grad():
        for sides in ((8, 8), (16, 4), (4, 20)):
            picture = torch.rand(2, 2, *sides)
            assert torch.equal(network(picture), changed(picture))


def test_another_network_is_not_changed():
    network = nn.Sequential(nn.Conv2d(1, 1, 3))
    assert fixed(network) is network
    same = nn.Sequential(Conv2dSame(1, 1, 3, 2))
    assert fixed(same) is not same and isinstance(same[0], Conv2dSame)
