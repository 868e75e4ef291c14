"""Writes and reads the card of an exported file, its description of the network. No torch is needed.

An exported file holds the card as JSON under the key ``colourize``. The file may come from a stranger: all values are
checked here, and the configuration is only displayed.
"""

import json
import math
from typing import Any, TypeGuard

import numpy as np

from colourize import files
from colourize.errors import InputError, shown
from colourize.inference.predictor import Card, Floats

KEY, FORMAT = "colourize", 1
WHOLE = "colourize whole"  # the key in a graph from grey pictures to coloured ones, which is not opened
RANGES = {"rgb": (3, 0.0, 1.0), "lab": (2, -128.0, 128.0), "oklab": (2, -0.4, 0.4)}
"""For each colour space: the channels of its palettes, their smallest and largest value (``colour.spaces``)."""
MOST_COLOURS, LARGEST_SIDE, LONGEST_NAME = 32_768, 8192, 120
GREY = {
    "rgb": "mean(R, G, B) / 256 of 8-bit sRGB",
    "lab": "CIELAB lightness L / 100 * 255/256 (D65)",
    "oklab": "OKLab lightness L * 255/256",
}
COLOURS = {
    "rgb": "sRGB in [0, 1]",
    "lab": "CIELAB (a, b); the picture keeps the lightness of the input",
    "oklab": "OKLab (a, b); the picture keeps the lightness of the input",
}


def text(card: Card) -> str:
    """The card as JSON. Besides the values that ``parsed`` reads, it holds two sentences for other programs."""
    return json.dumps(
        {
            "format": FORMAT,
            "name": card.name,
            "space": card.space,
            "size": card.size,
            "multiple": card.multiple,
            "temperature": card.temperature,
            "hints": card.hints,
            "input": expects(card),
            "output": gives(card),
            "palette": card.palette.tolist(),
            "config": card.config,
        },
        allow_nan=False,
    )


def expects(card: Card) -> str:
    """A sentence that describes the network's input."""
    channels, hints = (5, ", and 4 channels of hints, zero for none") if card.hints else (1, "")
    return (
        f"grey, float32 [N, {channels}, h, w] in [0, 255/256]: {GREY[card.space]}{hints}; h and w are multiples of "
        f"{card.multiple}; trained at {card.size} pixels"
    )


def gives(card: Card) -> str:
    """A sentence that describes the network's output, and how colours are computed from it."""
    return (
        "logits, float32 [N, K, h / s, w / s], s >= 1; the colour of a pixel is the mean of the palette under "
        f"softmax(logits / {card.temperature:g}), or its most probable entry; the palette holds {COLOURS[card.space]}"
    )


def parsed(content: str | bytes, file: Any) -> Card:
    """Reads the card of a file and checks the type and range of every value.

    Args:
        content: JSON, as ``text`` writes it.
        file: its name, for the message.

    Raises:
        InputError: the card is not valid.
    """
    try:
        if len(content) > files.LARGEST:
            raise ValueError(f"it must have <= {files.LARGEST:,} characters, got {len(content):,}")
        stored = files.json_value(content, "it")
        if not isinstance(stored, dict):
            raise ValueError("it must be a dictionary")
        return _card(stored)
    except ValueError as error:
        cause = " ".join(str(error).split())
        raise InputError(f"{file}: its card of the network is not valid ({cause}); export it again") from error


def _card(stored: dict[str, Any]) -> Card:
    if stored.get("format") != FORMAT:
        raise ValueError(f"format must be {FORMAT}, got {shown(stored.get('format'))}; install a newer colourize")
    name, space, config = stored.get("name"), stored.get("space"), stored.get("config")
    if not isinstance(name, str) or not name.isprintable() or not 1 <= len(name) <= LONGEST_NAME:
        raise ValueError(f"name must be a text of 1 to {LONGEST_NAME} printable characters, got {shown(name)}")
    if not isinstance(space, str) or space not in RANGES:
        raise ValueError(f"space must be one of {', '.join(RANGES)}, got {shown(space)}")
    if not isinstance(config, dict) or not isinstance(stored.get("hints"), bool):
        raise ValueError("config must be a dictionary, and hints true or false")
    size, multiple = (_side(stored, key) for key in ("size", "multiple"))
    temperature = stored.get("temperature")
    if not _is_number(temperature) or not 0.01 <= temperature <= 100:
        raise ValueError(f"temperature must be in [0.01, 100], got {shown(temperature)}")
    palette = _palette(stored.get("palette"), space)
    return Card(name, space, palette, size, multiple, float(temperature), stored["hints"], config)


def _side(stored: dict[str, Any], key: str) -> int:
    value = stored.get(key)
    if type(value) is not int or not 1 <= value <= LARGEST_SIDE:
        raise ValueError(f"{key} must be a whole number in [1, {LARGEST_SIDE}], got {shown(value)}")
    return value


def _palette(rows: Any, space: str) -> Floats:
    """The palette, float32 [K, C]; ValueError where it does not fit the colour space."""
    channels, low, high = RANGES[space]
    if not isinstance(rows, list) or not 2 <= len(rows) <= MOST_COLOURS:
        raise ValueError(f"palette must be a list of 2 to {MOST_COLOURS} colours")
    for row in rows:
        if not isinstance(row, list) or len(row) != channels or not all(_is_number(value) for value in row):
            raise ValueError(f"each colour of the palette must be {channels} numbers, got {shown(row)}")
        if not all(low <= value <= high for value in row):
            raise ValueError(f"the palette must be in [{low:g}, {high:g}], got {shown(max(row, key=abs))}")
    return np.array(rows, np.float32)


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
