"""Cards as text: what goes out comes back, and what a stranger may have written is refused."""

import json

import numpy as np
import pytest

from colourize.colour.spaces import SPACES
from colourize.errors import InputError
from colourize.inference import cards
from colourize.inference.predictor import Card

PALETTE = np.array([[0.1, -0.2], [0.30000001, 0.25]], np.float32)
CARD = Card("a.onnx", "oklab", PALETTE, 128, 16, 1.25, True, {"kernel": 3, "data": {"name": "scenes"}})


def stored_card(**values):
    return json.dumps(json.loads(cards.text(CARD)) | values)


def test_a_card_comes_back_to_the_bit():
    found = cards.parsed(cards.text(CARD), "a.onnx")
    assert found.palette.dtype == np.float32 and found.palette.tobytes() == PALETTE.tobytes()
    kept = {name: value for name, value in vars(found).items() if name != "palette"}
    assert kept == {name: value for name, value in vars(CARD).items() if name != "palette"}


def test_ranges_are_those_of_the_colour_spaces():
    assert {name: (space.channels, space.low, space.high) for name, space in SPACES.items()} == cards.RANGES
    assert cards.GREY.keys() == cards.COLOURS.keys() == SPACES.keys()


def test_two_sentences_say_how_grey_is_made_and_colours_are_decoded():
    values = json.loads(cards.text(CARD))
    assert values["input"] == (
        "grey, float32 [N, 5, h, w] in [0, 255/256]: OKLab lightness L * 255/256, and 4 channels of hints, zero for "
        "none; h and w are multiples of 16; trained at 128 pixels"
    )
    assert "softmax(logits / 1.25)" in values["output"] and "OKLab (a, b)" in values["output"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"format": 2}, "format must be 1, got 2; install a newer colourize"),
        ({"name": ""}, "name must be a text of 1 to 120 printable characters"),
        ({"name": "x" * 121}, "name must be a text of 1 to 120 printable characters"),
        ({"name": "\x1b[2J"}, "name must be a text of 1 to 120 printable characters"),
        ({"space": "hsv"}, "space must be one of rgb, lab, oklab, got hsv"),
        ({"space": ["rgb"]}, "space must be one of rgb, lab, oklab, got a list"),
        ({"size": 0}, r"size must be a whole number in \[1, 8192\], got 0"),
        ({"size": True}, "size must be a whole number"),
        ({"multiple": 10**12}, "multiple must be a whole number"),
        ({"multiple": 2.5}, "multiple must be a whole number"),
        ({"temperature": 0}, r"temperature must be in \[0.01, 100\], got 0"),
        ({"temperature": float("nan")}, "temperature must be in"),
        ({"hints": 1}, "hints true or false"),
        ({"config": []}, "config must be a dictionary"),
        ({"palette": None}, "palette must be a list of 2 to 32768 colours"),
        ({"palette": [[0, 0]]}, "palette must be a list of 2 to 32768 colours"),
        ({"palette": [[0, 0]] * 32769}, "palette must be a list of 2 to 32768 colours"),
        ({"palette": [[0, 0], [0, 0, 0]]}, "each colour of the palette must be 2 numbers"),
        ({"palette": [[0, 0], [0, "a"]]}, "each colour of the palette must be 2 numbers"),
        ({"palette": [[0, 0], [0, float("inf")]]}, "each colour of the palette must be 2 numbers"),
        ({"palette": [[0, 0], [0, 0.5]]}, r"the palette must be in \[-0.4, 0.4\], got 0.5"),
    ],
)
def test_what_is_wrong_is_named(values, message):
    with pytest.raises(InputError, match=message) as caught:
        cards.parsed(stored_card(**values), "x.onnx")
    assert str(caught.value).startswith("x.onnx: its card of the network is not valid (")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "[" * 10_000, '{"a":' * 60 + "1" + "}" * 60, b"\xff\xfe\xfd", "1" * 99]
)
def test_an_invalid_card_is_refused(text):
    with pytest.raises(InputError, match="its card of the network is not valid"):
        cards.parsed(text, "x.onnx")


def test_a_huge_card_is_refused_before_it_is_parsed():
    with pytest.raises(InputError, match="it must have <= 4,194,304 characters"):
        cards.parsed(" " * ((4 << 20) + 1), "x.onnx")
