"""Answers 3 and 4: the printed formulas equal the counts by hooks in a real network."""

from itertools import product
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from colourize.course.answers import counted
from colourize.course.arithmetic.nets import sequential
from colourize.models.poolupsample import PoolUpsampleNet
from tests.hooked import PLACES, counts, layers
from tests.printed_answers import at, formulas, printed, table

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.mark.parametrize(("nic", "nf", "nc", "k", "height", "width"), PLACES)
def test_4_3_the_printed_formulas_equal_the_counts_in_the_network(nic, nf, nc, k, height, width):
    output = formulas(printed("4.3"))
    counted_ones = counts(PoolUpsampleNet(nf, nc, k, nic), (nic, height, width))
    values = {"NIC": nic, "NF": nf, "NC": nc, "k": k, "H": height, "W": width}
    assert {name: at(formula, **values) for name, formula in output.items()} == counted_ones


def test_4_3_prints_the_numbers_of_the_course_for_both_sizes():
    both = [counts(PoolUpsampleNet(32, 24), (1, side, side)) for side in (32, 64)]
    assert table(printed("4.3")) == {name: [str(each[name]) for each in both] for name in both[0]}


@pytest.mark.parametrize("channels", counted.CHANNELS)
def test_3_2_neurons_and_weights_equal_those_of_a_real_network(channels):
    network = []
    for before, after in zip((3, *channels), channels, strict=False):
        network += [nn.MaxPool2d(2)] if len(network) else []
        network.append(nn.Conv2d(before, after, 3, padding=1, bias=False))
    output, found = formulas(printed("3.2")), layers(nn.Sequential(*network), (3, 32, 32))
    convolutions = [(module, *shapes) for module, *shapes in found if isinstance(module, nn.Conv2d)]
    shared = dense = 0
    for module, given, made in convolutions:
        values = {"C": given[0], "D": made[0], "k": 3, "H": given[1], "W": given[2]}
        assert at(output["weights"], **values) == module.weight.numel()
        with torch.device("meta"):
            full = nn.Linear(given.numel(), made.numel(), bias=False).weight.numel()
        assert at(output["weights, fully connected"], **values) == full
        shared, dense = shared + module.weight.numel(), dense + full
    neurons = sum(made.numel() for _, _, made in found)
    unpooled = sum(made.numel() for _, _, made in convolutions)
    name = ", ".join(map(str, channels))
    assert table(printed("3.2"))[name] == [str(number) for number in (shared, dense, neurons, unpooled)]


def test_3_2_counts_the_networks_of_the_committed_files():
    for channels, file in zip(counted.CHANNELS, ("handout", "handout-32-64-3"), strict=True):
        committed = yaml.safe_load((ROOT / f"docs/nets/{file}.yaml").read_text())
        assert str(sequential(counted.listed(channels))) == str(sequential(committed))


def seen_by(kernel, dilation, pool, depth=3):
    """Side of the field of a middle unit: the support of its gradient, poolings as means and weights positive."""
    parts = []
    for number in range(depth):
        parts += [nn.AvgPool2d(pool)] if number and pool > 1 else []
        parts.append(nn.Conv2d(1, 1, kernel, padding=dilation * (kernel // 2), dilation=dilation, bias=False))
    network = nn.Sequential(*parts).double()
    for parameter in network.parameters():
        nn.init.ones_(parameter)
    side = pool ** (depth - 1) * 32
    x = torch.zeros(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    made = network(x)
    made[0, 0, made.shape[2] // 2, made.shape[3] // 2].backward()
    rows = x.grad[0, 0].abs().sum(1).nonzero()
    return int(rows.max() - rows.min()) + 1


@pytest.mark.parametrize(("k", "d", "p"), list(product((1, 3, 5), (1, 2), (1, 2, 3))))
def test_3_3_the_printed_formula_is_the_support_of_a_gradient(k, d, p):
    assert at(formulas(printed("3.3"))["field"], k=k, d=d, p=p) == seen_by(k, d, p)


def test_3_3_the_printed_numbers_are_the_support_of_gradients():
    expected = [seen_by(*each) for each in ((3, 1, 2), (5, 1, 2), (3, 2, 2), (3, 1, 4), (3, 1, 1), (3, 1, 2, 4))]
    assert list(table(printed("3.3")).values()) == [[f"{side} x {side}"] for side in expected]
