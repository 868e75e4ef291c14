import pytest
import torch

from colourize.models import shapes
from tests.nets import FLOORS, MODELS, network


@pytest.mark.parametrize("name", sorted(set(MODELS) - set(FLOORS)))
def test_a_network_of_shapes_has_those_of_a_real_one_and_no_memory(name):
    with shapes.only():
        empty = network(name).state_dict()
    real = network(name).state_dict()
    assert {key: value.shape for key, value in empty.items()} == {key: value.shape for key, value in real.items()}
    assert all(value.is_meta for value in empty.values())
    assert not any(value.is_meta for value in real.values())


def test_afterwards_networks_have_values_again():
    with shapes.only():
        pass
    assert torch.nn.Linear(3, 3).weight.std() > 0
