import itertools

import pytest
import torch
from torch.nn import functional as F

from colourize.errors import InputError
from colourize.models.padding import around, down, up

RULES = list(itertools.product(range(1, 8), range(1, 5), range(1, 4)))  # kernel, stride, dilation


def made_by_torch(rule, name, size, kernel, stride, dilation):
    x, weight = torch.zeros(1, 1, size), torch.zeros(1, 1, kernel)
    if name == "down":
        return F.conv1d(x, weight, None, stride, rule.padding, dilation).shape[-1]
    return F.conv_transpose1d(x, weight, None, stride, rule.padding, rule.output_padding, 1, dilation).shape[-1]


@pytest.mark.parametrize(("kernel", "stride", "dilation"), RULES)
def test_the_rule_divides_and_multiplies_every_side_by_the_stride_in_torch(kernel, stride, dilation):
    shrinks, grows = down(kernel, stride, dilation), up(kernel, stride, dilation)
    sizes = range(stride, 9 * stride, stride)
    taken = [size for size in sizes if size + 2 * shrinks.padding > dilation * (kernel - 1)]  # else torch refuses it
    assert len(taken) >= 7
    for size in taken if shrinks.exact else ():
        assert made_by_torch(shrinks, "down", size, kernel, stride, dilation) == size // stride
    for size in sizes if grows.exact else ():
        assert made_by_torch(grows, "up", size, kernel, stride, dilation) == size * stride


@pytest.mark.parametrize(("kernel", "stride", "dilation"), RULES)
def test_if_no_padding_is_found_none_exists_and_the_nearest_is_off_by_one(kernel, stride, dilation):
    """Compared with a search over many more paddings than could fit."""
    size = 8 * stride
    for name, rule, wanted in (
        ("down", down(kernel, stride, dilation), 8),
        ("up", up(kernel, stride, dilation), size * stride),
    ):
        paddings = range(30) if name == "down" else itertools.product(range(30), range(max(stride, dilation)))
        errors = []
        for tried in paddings:
            p, q = (tried, 0) if name == "down" else tried
            extent = dilation * (kernel - 1)
            made = (
                (size + 2 * p - extent - 1) // stride + 1 if name == "down"
                else (size - 1) * stride - 2 * p + extent + 1 + q
            )  # fmt: skip
            errors.append(abs(made - wanted))
        assert rule.exact is (min(errors) == 0)
        assert abs(rule.produced - rule.wanted) == min(errors) <= 1


def test_a_padding_exists_for_every_kernel_of_stride_2():
    assert all(
        rule(kernel, 2, dilation).exact for rule in (down, up) for kernel in range(1, 12) for dilation in range(1, 5)
    )


def test_an_even_kernel_of_stride_1_has_no_padding_and_needs_one_more_zero_at_the_end():
    assert not down(4, stride=1).exact
    assert not up(4, stride=1).exact
    assert up(4, stride=1, dilation=2).exact
    assert around(4) == (1, 2)
    assert around(4, 2) == (3, 3)


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "size"), [(3, 3, 1, 32), (5, 1, 1, 32), (4, 3, 2, 16), (3, 4, 1, 8)]
)
def test_another_factor_than_the_stride_is_possible_at_one_size(kernel, stride, dilation, size):
    halved, doubled = down(kernel, stride, dilation, 2, size), up(kernel, stride, dilation, 2, size)
    assert made_by_torch(halved, "down", size, kernel, stride, dilation) == halved.produced
    assert made_by_torch(doubled, "up", size, kernel, stride, dilation) == doubled.produced
    errors = [
        abs((size + 2 * p - dilation * (kernel - 1) - 1) // stride + 1 - size // 2) for p in range(200)
        if size + 2 * p > dilation * (kernel - 1)
    ]  # fmt: skip
    assert abs(halved.produced - size // 2) == min(errors)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel": 0}, "kernel must be >= 1, got 0; pass kernel=1 or more"),
        ({"kernel": 3, "stride": 3, "factor": 2}, "factor must be stride=3 .* got 2; pass stride=2 or a size"),
        ({"kernel": 3, "size": 7}, "size must be a multiple of 2, got 7"),
        ({"kernel": 3, "factor": 0}, "factor and size must be >= 1, got 0"),
    ],
)
def test_an_impossible_request_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        down(**arguments)
