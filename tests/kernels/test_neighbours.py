from torch import nn

from colourize.kernels.neighbours import is_own, neighbours
from tests.nets import network


def is_sequence(block):
    return isinstance(block, nn.Sequential)


def test_layers_that_follow_one_another_are_found_on_all_levels_with_the_block_that_holds_them():
    inner = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
    outer = nn.Sequential(nn.Linear(1, 1), inner, nn.ModuleList([nn.Linear(1, 1), nn.ReLU()]))
    found = {(block, first, name, second) for block, first, name, second in neighbours(outer, is_sequence)}
    assert found == {(outer, outer[0], "1", inner), (outer, inner, "2", outer[2]), (inner, inner[0], "1", inner[1])}


def test_a_layer_that_is_used_twice_has_no_neighbours():
    shared = nn.ReLU()
    parts = nn.Sequential(nn.Linear(1, 1), shared, nn.Sequential(nn.Tanh(), shared), nn.Linear(1, 1), nn.GELU())
    assert [(name, type(second)) for _, _, name, second in neighbours(parts, is_sequence)] == [
        ("3", nn.Linear), ("4", nn.GELU)
    ]  # fmt: skip


def test_only_networks_of_this_package_are_its_own():
    assert is_own(network("unet")) and not is_own(nn.Sequential(network("unet")))
