"""Answers that count in a network: neurons and weights (3.2, 4.3), receptive fields (3.3)."""

from typing import Any

import sympy

from colourize.course.answers import Answer
from colourize.course.arithmetic.fields import closed_form
from colourize.course.arithmetic.general import H, K, W, general
from colourize.course.arithmetic.layers import BYTES, fully_connected, totals
from colourize.course.arithmetic.nets import sequential
from colourize.course.arithmetic.symbolic import NC, NF, NIC
from colourize.course.arithmetic.walk import walk
from colourize.models.poolupsample import PoolUpsampleNet

CHANNELS = (1, 1, 1), (32, 64, 3)  # output channels of 3.2's convolutions: our version of the handout, a later one
COURSE = {NIC: 1, NF: 32, NC: 24, K: 3}
SIDES = 32, 64  # pixels: the picture, and one with twice the width and height
C, D, DILATION, POOL = sympy.symbols("C D d p", positive=True, integer=True)


def listed(channels: tuple[int, ...] = (1, 1, 1), kernel: int = 3, dilation: int = 1, pool: int = 2) -> dict[str, Any]:
    """The network of 3.2 in the form of ``arithmetic.nets``: convolutions without biases, and poolings between them."""
    made: list[dict[str, Any]] = []
    for number in channels:
        made += [{"max_pool": pool}] if made and pool > 1 else []
        made.append({"convolution": {"channels": number, "kernel": kernel, "dilation": dilation, "bias": False}})
    return {"input": [3, 32, 32], "layers": made}


def connected() -> Answer:
    """3.2."""
    rows = [["channels", "weights", "weights, fully connected", "neurons", "neurons without those of pooling"]]
    memory = []
    for channels in CHANNELS:
        layers = walk(*sequential(listed(channels)))[0]
        small, large = totals(layers), totals(fully_connected(layers))
        unpooled = totals([layer for layer in layers if layer.kind != "pooling"])
        numbers = small.weights, large.weights, small.outputs, unpooled.outputs
        rows.append([", ".join(map(str, channels)), *(f"{number:,}" for number in numbers)])
        memory.append(f"{BYTES * large.weights / 2**20:,.1f} MiB instead of {BYTES * small.weights / 2**10:,.1f} KiB")
    return Answer(
        "Neurons and weights of a small network, convolutional and fully connected",
        [
            "A layer from C to D channels on H x W pixels. A convolution has one weight for each kernel position and "
            "pair of channels, used at every pixel. A fully connected layer has one for each pair of input and output.",
        ],
        {"weights": K**2 * C * D, "weights, fully connected": C * D * H**2 * W**2},
        rows,
        notes=[
            "One disadvantage of more weights is overfitting: the same pictures must determine all of them, and what "
            f"is learned at one position does not help at another. They also take more memory: {' and '.join(memory)}.",
        ],
        more=["colourize describe --layers docs/nets/handout.yaml --fully-connected"],
    )


def fields() -> Answer:
    """3.3."""
    changes: list[tuple[str, dict[str, Any]]] = [
        ("unchanged: k = 3, d = 1, p = 2", {}), ("kernel 5 instead of 3", {"kernel": 5}),
        ("dilation 2 instead of 1", {"dilation": 2}), ("pooling by 4 instead of 2", {"pool": 4}),
        ("no pooling", {"pool": 1}), ("a fourth convolution and pooling", {"channels": (1, 1, 1, 1)}),
    ]  # fmt: skip
    rows = [["network of 3.2", "field"]]
    for name, change in changes:
        found = closed_form(*sequential(listed(**change)))
        rows.append([name, f"{found[0].size} x {found[1].size}" if found else "?"])
    return Answer(
        "The receptive field of a unit, and what changes it",
        [
            "The side of the field is 1, and each layer adds d*(k - 1) times the product of the strides before it. So "
            "it grows with the kernel, the dilation, the stride or pooling, and the depth. For the network of 3.2, "
            "with kernel k, dilation d and pooling by p:",
        ],
        {"field": field_of(len(CHANNELS[0]))},
        rows,
        more=["colourize describe model=unet --field field.png"],
    )


def field_of(depth: int) -> sympy.Expr:
    """The field of ``depth`` convolutions with poolings between them, in k, d and p."""
    grown = sum(POOL**layer for layer in range(depth))  # sum of the products of the strides before each convolution
    return 1 + DILATION * (K - 1) * grown + sympy.expand((POOL - 1) * sum(POOL**layer for layer in range(depth - 1)))


def pool_upsample() -> Answer:
    """4.3."""
    found = general(lambda nic, nf, nc, kernel: PoolUpsampleNet(nf, nc, kernel, nic))
    at = [COURSE | {H: side, W: side} for side in SIDES]
    rows = [[name, *(f"{int(formula.subs(each)):,}" for each in at)] for name, formula in found.items()]
    course = ", ".join(f"{symbol} {value}" for symbol, value in COURSE.items())
    return Answer(
        "Weights, outputs and connections of PoolUpsampleNet",
        [
            "NIC input channels, NF filters, NC colours, kernel k, H x W pixels (multiples of 4), without biases and "
            "batch norm. A convolution has k**2 weights for each pair of channels, and as many connections for each "
            "pixel of its output. Pooling and upsampling layers have outputs and connections but no weights; the "
            "counts of convolutions leave them out.",
        ],
        found,
        [[course, *(f"{side} x {side}" for side in SIDES)], *rows],
        notes=[
            "Twice the width and height leave the weights unchanged, because a convolution uses the same ones at every "
            "pixel. They give four times the outputs and connections, because there are four times as many pixels."
        ],
        more=["colourize describe --symbolic model=poolupsample"],
    )


ANSWERS = {"3.2": connected, "3.3": fields, "4.3": pool_upsample}
