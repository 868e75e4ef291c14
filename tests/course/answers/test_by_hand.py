"""Answers 5: paddings, compared with torch."""

from itertools import product

import pytest
import torch
from torch import nn

from tests.printed_answers import at, formulas, printed, table


@pytest.mark.parametrize(("k", "s", "d"), list(product(range(1, 8), range(1, 5), range(1, 4))))
def test_5_4_the_printed_paddings_keep_every_shape_in_torch(k, s, d):
    output = formulas(printed("5.4"))
    p = int(at(output["padding"], k=k, s=s, d=d))
    q = int(at(output["output_padding"], k=k, s=s, d=d, padding=p))
    size, odd = 12 * s, d * (k - 1) % 2
    x, small, weight = torch.zeros(1, 1, size), torch.zeros(1, 1, size // s), torch.zeros(1, 1, k)
    made = nn.functional.conv1d(x, weight, None, s, p, d).shape[-1]
    assert (made == size // s) is not (s == 1 and odd == 1)
    if s == d == 1 and odd:
        assert q == 1  # which torch refuses: an output padding is smaller than the stride or the dilation
    else:
        assert nn.functional.conv_transpose1d(small, weight, None, s, p, q, 1, d).shape[-1] == size


def test_5_4_prints_the_paddings_of_kernels_3_4_and_5():
    assert table(printed("5.4")) == {str(k): [str((k - 1) // 2), str(k % 2)] for k in (3, 4, 5)}
