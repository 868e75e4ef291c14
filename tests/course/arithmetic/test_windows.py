"""Fields by index sets, compared with closed forms and with torch's convolutions of ones."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from colourize.course.arithmetic.windows import Border, Plane, Window, chain, extent

convolutions = st.builds(
    Window, kernel=st.integers(1, 5), stride=st.integers(1, 3), padding=st.integers(0, 3), dilation=st.integers(1, 3)
)
layers = convolutions | st.builds(
    Window, kernel=st.integers(1, 5), stride=st.integers(1, 3), padding=st.integers(0, 2), dilation=st.integers(1, 2),
    kind=st.sampled_from(["transposed", "repetition"]),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(convolutions, max_size=5))
def test_a_chain_of_convolutions_has_the_field_of_the_closed_form(windows):
    plane = Plane()
    for window in windows:
        plane = plane.through(window, 0, 0)
    assert extent([plane]) == chain(windows)


def test_the_closed_form_at_a_case_worked_out_by_hand():
    """3x3, pool 2, 3x3, pool 2, 3x3: 1, 3, 4, 8, 10, 18 pixels."""
    net = [Window(3, 1, 1), Window(2, 2), Window(3, 1, 1), Window(2, 2), Window(3, 1, 1)]
    assert [chain(net[:depth]).size for depth in range(6)] == [1, 3, 4, 8, 10, 18]
    assert chain(net).stride == 4
    assert chain(net).start == -7


def ones(window, num_inputs):
    """Torch's outputs for each single pixel: [outputs, inputs]."""
    x, weight = torch.eye(num_inputs)[:, None], torch.ones(1, 1, window.kernel)
    if window.kind == "repetition":
        return F.interpolate(x, scale_factor=window.stride)[:, 0].T
    if window.kind == "transposed":
        return F.conv_transpose1d(x, weight, None, window.stride, window.padding, 0, 1, window.dilation)[:, 0].T
    return F.conv1d(x, weight, None, window.stride, window.padding, window.dilation)[:, 0].T


@settings(deadline=None)
@given(layers)
def test_a_window_equals_the_support_in_torch(window):
    if window.kind == "transposed" and 2 * window.padding > window.dilation * (window.kernel - 1):
        return
    seen = ones(window, 20)  # wider than any window
    assert np.array_equal(window.pairs(20, len(seen)), seen.numpy() > 0)


small = st.builds(
    Window, kernel=st.integers(1, 3), stride=st.integers(1, 2), padding=st.integers(0, 2), dilation=st.integers(1, 2),
    kind=st.sampled_from(["convolution", "transposed", "repetition"]),
)  # fmt: skip


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(small, min_size=1, max_size=3))
def test_far_from_the_border_the_plane_and_the_picture_agree(windows):
    """The plane's offsets, compared with a picture so large that its middle output does not see the border."""
    plane, sides = Plane(), [160]
    for window in windows:
        plane = plane.through(window, 0, 0)
        sides.append(int(sides[-1] / window.ratio))
    border = Border(np.eye(160, dtype=bool))
    for window, before, after in zip(windows, sides, sides[1:], strict=False):
        border = border.through(window, before, after)
    stride = Fraction(plane.step, len(plane.offsets))
    for output in range(int(80 / stride), int(80 / stride) + len(plane.offsets)):
        assert set(np.flatnonzero(border.seen[output])) == plane.pixels(output)


def test_with_kernel_1_a_transposed_convolution_leaves_every_other_output_blind():
    assert extent([Plane().through(Window(1, 2, 0, 1, "transposed"), 0, 0)]).sizes == (1, 0)


@pytest.mark.parametrize("padding", [0, 2])
def test_padding_moves_the_start_and_not_the_size(padding):
    assert chain([Window(5, 2, padding)]).start == -padding
    assert chain([Window(5, 2, padding)]).size == 5


@pytest.mark.parametrize("kind", ["convolution", "transposed", "repetition"])
def test_the_number_of_pairs_is_their_sum(kind):
    for kernel, stride, padding, dilation in itertools.product((1, 2, 5), (1, 2, 3), (0, 1, 4), (1, 2)):
        window = Window(kernel, stride, padding, dilation, kind)
        for num_inputs, num_outputs in ((1, 1), (7, 4), (4, 9), (6, 12)):
            if kind != "repetition" or num_outputs <= num_inputs * stride:
                assert window.count(num_inputs, num_outputs) == window.pairs(num_inputs, num_outputs).sum()
