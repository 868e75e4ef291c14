import copy

import pytest
import torch
from torch import nn

from colourize.models.folded import folded
from tests.nets import FLOORS, MODELS, network

TRAINED = [name for name in MODELS if name not in FLOORS]


def used(name):
    """A network whose batch norms have statistics and weights of their own."""
    torch.manual_seed(0)
    module = network(name, num_filters=4, num_colours=5).eval()
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for tensor, low in ((norm.running_mean, -1), (norm.running_var, 0.5), (norm.weight, 0.5), (norm.bias, -1)):
                nn.init.uniform_(tensor, low, low + 1.5)
    return module


@pytest.mark.parametrize("name", TRAINED)
def test_a_folded_network_gives_the_same_scores_and_leaves_the_network_as_it_was(name):
    module = used(name)
    before = copy.deepcopy(module.state_dict())
    short, grey = folded(module), torch.rand(2, 1, 40, 56)
    with torch.no_grad():
        expected = copy.deepcopy(module).double()(grey.double())
        torch.testing.assert_close(short.double()(grey.double()), expected, rtol=1e-4, atol=1e-5)
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


@pytest.mark.parametrize("name", sorted(set(TRAINED) - {"poolupsample"}))  # which pools before its norms
def test_all_batch_norms_are_folded(name):
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded(used(name)).modules())


class Own(nn.Sequential):
    """Not of colourize: something else may read its parts."""


def test_a_network_of_another_package_and_one_without_pairs_stay_as_they_are():
    for module in (Own(nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))).eval(), used("poolupsample")):
        assert folded(module) is module


def test_a_norm_of_something_else_than_the_convolution_before_it_is_noticed(monkeypatch):
    module = used("unet")
    forward = type(module).forward
    monkeypatch.setattr(type(module), "forward", lambda self, grey: forward(self, grey) + self.down1[0](grey).mean())
    assert folded(module) is module
