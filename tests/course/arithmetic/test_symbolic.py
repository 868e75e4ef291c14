from dataclasses import asdict

import pytest
import sympy
from torch import nn

from colourize.course.arithmetic.layers import totals
from colourize.course.arithmetic.symbolic import NC, NF, NIC, monomial_at, polynomials
from colourize.course.arithmetic.walk import walk
from colourize.errors import InputError
from colourize.models.convtranspose import ConvTransposeNet
from colourize.models.poolupsample import PoolUpsampleNet
from colourize.models.unet import UNet

NETWORKS = PoolUpsampleNet, ConvTransposeNet, UNet


def of(network, kernel=3):
    return lambda nic, nf, nc: network(nf, nc, kernel, nic)


@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("network", NETWORKS)
def test_the_polynomials_evaluated_at_numbers_are_the_counts(network, kernel, biases):
    found = polynomials(of(network, kernel), (16, 12), biases)
    for point in ((1, 7, 11), (4, 6, 5)):
        counted = asdict(totals(walk(of(network, kernel)(*point), (point[0], 16, 12))[0], biases))
        assert {name: monomial_at(polynomial, point) for name, polynomial in found.items()} == counted


@pytest.mark.parametrize("network", NETWORKS)
def test_the_weights_are_the_sum_over_the_table_of_the_networks(network):
    back, last = (2 * NF, NC + NIC) if network is UNet else (NF, NC)
    table = [(NIC, NF), (NF, 2 * NF), (2 * NF, NF), (back, NC), (last, NC)]
    expected = sum(9 * before * after for before, after in table)
    assert sympy.expand(polynomials(of(network), (32, 32))["weights"] - expected) == 0


def test_pool_upsample_net_by_hand():
    """Question 4.3 at 32 x 32 and kernel 3: outputs and connections of every layer, added up."""
    found = polynomials(of(PoolUpsampleNet), (32, 32))
    pixels = {1: 32 * 32, 2: 16 * 16, 4: 8 * 8}
    outputs = (pixels[1] + pixels[2]) * NF + (pixels[2] + pixels[4]) * 2 * NF  # the way down: convolution, pooling
    outputs += (pixels[4] + pixels[2]) * NF + (pixels[2] + pixels[1]) * NC + pixels[1] * NC  # and back: upsampling
    convolutions = pixels[1] * NIC * NF + pixels[2] * NF * 2 * NF + pixels[4] * 2 * NF * NF
    convolutions += pixels[2] * NF * NC + pixels[1] * NC * NC
    resizing = 4 * (pixels[2] * NF + pixels[4] * 2 * NF) + pixels[2] * NF + pixels[1] * NC
    assert sympy.expand(found["outputs"] - outputs) == 0
    assert sympy.expand(found["connections"] - 9 * convolutions - resizing) == 0


def test_doubling_the_sides_quadruples_the_polynomials_except_the_weights():
    once, twice = polynomials(of(UNet), (32, 32)), polynomials(of(UNet), (64, 64))
    assert sympy.expand(twice["weights"] - once["weights"]) == 0
    for name in ("outputs", "connections", "multiply_adds"):
        assert sympy.expand(twice[name] - 4 * once[name]) == 0


def test_a_count_of_higher_degree_is_refused():
    with pytest.raises(InputError, match="do not follow a polynomial of degree 2"):
        polynomials(lambda nic, nf, nc: nn.Conv2d(nic, nf * nf * nc, 1), (4, 4))
