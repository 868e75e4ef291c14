"""Formulas that also depend on the kernel and the sides."""

import pytest
from torch import nn

from colourize.course.arithmetic.general import general
from colourize.errors import InputError
from colourize.models.convtranspose import ConvTransposeNet
from colourize.models.unet import UNet
from tests.hooked import PLACES, counts
from tests.printed_answers import at


@pytest.mark.parametrize("network", [ConvTransposeNet, UNet])
def test_the_general_formulas_are_valid_for_the_other_networks(network):
    found = general(lambda nic, nf, nc, k: network(nf, nc, k, nic))
    for nic, nf, nc, k, height, width in PLACES[1:3]:
        values = {"NIC": nic, "NF": nf, "NC": nc, "k": k, "H": height, "W": width}
        expected = counts(network(nf, nc, k, nic), (nic, height, width))
        assert {name: at(formula, **values) for name, formula in found.items()} == expected


@pytest.mark.parametrize(
    "build",
    [
        lambda nic, nf, nc, k: nn.Conv2d(nic, nc, 2 * k - 1, padding=k - 1),  # (2 k - 1)**2
        lambda nic, nf, nc, k: nn.Conv2d(nic, nc, k),  # its output has not H x W pixels
    ],
)
def test_a_network_without_such_formulas_is_refused(build):
    with pytest.raises(InputError, match=r"do not follow k\*\*2 and H\*W"):
        general(build)
