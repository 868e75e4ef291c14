"""Worked convolutions against torch and scipy."""

import numpy as np
import pytest
import torch
from scipy import signal

from colourize.course.arithmetic.convolution import FILTERS, HANDOUT, meaning, rendered, result, steps
from colourize.errors import InputError


@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (3, 5), (5, 1), (2, 2), (4, 3)])
def test_the_output_equals_torch_s_and_scipy_s(shape, flip):
    rng = np.random.default_rng(0)
    image, kernel = rng.integers(-5, 6, (6, 7)), rng.integers(-5, 6, shape)
    ours = np.array(result(steps(image.tolist(), kernel.tolist(), flip)))
    before = [(side - 1) // 2 for side in shape]
    full = (signal.convolve2d if flip else signal.correlate2d)(image, kernel, "full")
    top, left = (side - 1 - padding for side, padding in zip(shape, before, strict=True))
    assert np.array_equal(ours, full[top : top + 6, left : left + 7])
    if all(side % 2 for side in shape):
        assert np.array_equal(ours, (signal.convolve2d if flip else signal.correlate2d)(image, kernel, "same"))
    weights = torch.tensor(kernel).double()[None, None]
    padded = torch.nn.functional.pad(
        torch.tensor(image).double(), (before[1], shape[1] // 2, before[0], shape[0] // 2)
    )[None, None]  # fmt: skip
    torch_s = torch.nn.functional.conv2d(padded, weights.flip(2, 3) if flip else weights)
    assert np.array_equal(ours, torch_s[0, 0].numpy())


def test_the_handout_s_convolution():
    expected = [[0, 0, -1, -1, -1], [-1, -2, 3, 2, 4], [4, 2, 1, 2, -2], [-2, 3, 1, 3, -1], [0, -2, 4, -2, 0]]
    assert np.array_equal(signal.convolve2d(HANDOUT, FILTERS["sharpen"], "same"), expected)
    assert result(steps(HANDOUT, FILTERS["sharpen"])) == expected == result(steps(HANDOUT, FILTERS["sharpen"], False))


def test_every_step_contains_the_window_the_weights_and_their_sum_of_products():
    for step in steps(HANDOUT, [[1, 2, 3], [4, 5, 6], [7, 8, 9]]):
        assert step.weights == [[9, 8, 7], [6, 5, 4], [3, 2, 1]]
        padded = np.pad(HANDOUT, 1)
        assert step.window == padded[step.row : step.row + 3, step.column : step.column + 3].tolist()
        assert step.total == (np.array(step.weights) * step.window).sum()


@pytest.mark.parametrize(
    ("kernel", "begins"),
    [
        (FILTERS["identity"], "identity"), (FILTERS["blur"], "blur"), (FILTERS["sharpen"], "sharpen"),
        (FILTERS["edges"], "edges"), (FILTERS["vertical_edges"], "edges"), (FILTERS["horizontal_edges"], "edges"),
        ([[1, 1], [1, 1]], "blur: every pixel becomes a weighted mean of its neighbourhood, times 4"),
        ([[0, 0, 1], [0, 0, 0], [0, 0, 0]], "moves the picture"), ([[0]], "nothing"), ([[2]], "scales"),
        ([[0, 3, 0], [-1, 1, 0], [0, 0, 0]], "none"),
    ],
)  # fmt: skip
def test_the_effect_of_a_filter_is_described_in_words(kernel, begins):
    assert meaning(kernel).startswith(begins)


@pytest.mark.parametrize(
    ("kernel", "printed"),
    [
        ([[0, 0, 2], [0, 0, 0], [0, 0, 0]], "moves the picture: 1 up and 1 right, times 2"),
        ([[0, 0], [0, 1]], "identity: no pixel changes"),  # the centre of an even filter that is turned
        ([[0.5]], "scales the picture: times 0.5"),
        ([[0, -1, 0], [-1, 6, -1], [0, -1, 0]], "sharpen: a pixel's difference from its neighbours is added to it, "
         "constant areas become 2 times as bright"),
        ([[0, 1, 0], [1, -3, 1], [0, 1, 0]], "none of the usual filters"),
        ([[1e-12, -1e-12]], "edges: 0 where the picture is constant, large where it changes"),
        ([[1e-12, 1e-12], [0, 1e-12]], "blur: every pixel becomes a weighted mean of its neighbourhood, times 3e-12"),
    ],
)  # fmt: skip
def test_the_effect_of_a_filter_is_described_exactly(kernel, printed):
    assert meaning(kernel) == printed


@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize("shape", [(3, 3), (2, 2), (4, 3), (1, 5)])
def test_a_filter_of_one_weight_moves_the_picture_as_described(shape, flip):
    picture = np.zeros((11, 11))
    picture[5, 5] = 1
    for place in np.ndindex(shape):
        kernel = np.zeros(shape)
        kernel[place] = 1
        ((row, column),) = np.argwhere(np.array(result(steps(picture.tolist(), kernel.tolist(), flip))))
        steps_down, steps_right = row - 5, column - 5
        words = [f"{abs(by)} {one if by > 0 else other}"
                 for by, one, other in ((steps_down, "down", "up"), (steps_right, "right", "left")) if by]  # fmt: skip
        printed = f"moves the picture: {' and '.join(words)}" if words else "identity: no pixel changes"
        assert meaning(kernel.tolist(), flip) == printed


@pytest.mark.parametrize("name", FILTERS)
def test_the_described_effect_of_a_filter_is_seen_on_a_picture(name):
    """Identity changes nothing; a blur lowers, sharpening raises the contrast; edges are 0 on a constant picture."""
    rng = np.random.default_rng(1)
    picture, flat = rng.random((20, 20)), np.ones((20, 20))
    inside = (slice(2, -2), slice(2, -2))
    made, constant = (np.array(result(steps(x.tolist(), FILTERS[name])))[inside] for x in (picture, flat))
    match meaning(FILTERS[name]).split(":")[0]:
        case "identity":
            assert np.array_equal(made, picture[inside])
        case "blur":
            assert made.std() < picture[inside].std()
        case "sharpen":
            assert made.std() > picture[inside].std() and np.allclose(constant, 1)
        case "edges":
            assert np.allclose(constant, 0) and made.std() > 0


def test_the_text_contains_every_step_and_the_output():
    text = rendered(HANDOUT, FILTERS["sharpen"])
    assert text.count(" = ") == 25
    assert "(1, 4)  (-1)x0 + (-1)x1 + 5x1 + (-1)x0 + (-1)x0 = 4" in text
    assert "J turned by 180 degrees is J" in text
    assert "J turned by 180 degrees =" in rendered(HANDOUT, FILTERS["vertical_edges"])
    assert "cross-correlation" in rendered(HANDOUT, FILTERS["vertical_edges"], flip=False)


@pytest.mark.parametrize("kernel", [[], [[]], [[1, 2], [3]]])
def test_values_that_are_not_a_matrix_are_an_error(kernel):
    with pytest.raises(InputError, match="must be a matrix, got .*; pass rows of equal length"):
        steps(HANDOUT, kernel)
