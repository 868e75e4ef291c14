"""Pictures with boxes drawn on them. H height, W width, n boxes."""

import colorsys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

FOUND, TRUE, MISSED, FALSE = (60, 200, 80), (60, 120, 240), (245, 150, 30), (230, 50, 60)
"""Colours of a true box found, a true box, a true box that was missed, and a box found that is false."""
SMALLEST = 9  # points: height of the smallest text
LINES = 400  # pixels of the picture's shorter side for each pixel of a line's width, above the first
Colour = tuple[int, int, int]


class Drawn(NamedTuple):
    """One box to draw: x1, y1, x2, y2 in pixels, its colour, 0 to 255, and its text."""

    box: Sequence[float]
    colour: Colour
    text: str = ""


def hue(position: float) -> Colour:
    """A strong colour at a position of the colour circle, in [0, 1)."""
    red, green, blue = colorsys.hsv_to_rgb(position, 0.85, 0.85)
    return round(255 * red), round(255 * green), round(255 * blue)


def drawn(picture: NDArray[np.uint8], boxes: Sequence[Drawn]) -> NDArray[np.uint8]:
    """A copy of a picture with boxes: uint8 [H, W, 3]. Text stands above its box, or within at the upper border."""
    image = Image.fromarray(picture).copy()
    canvas = ImageDraw.Draw(image)
    short = min(image.size)
    width = 1 + short // LINES
    font = ImageFont.load_default(max(SMALLEST, short // 30))
    for each in boxes:
        x1, y1, x2, y2 = (round(value) for value in each.box)
        right, bottom = max(x2 - 1, x1), max(y2 - 1, y1)  # x2 and y2 are the borders after the last pixels
        canvas.rectangle((x1, y1, right, bottom), outline=each.colour, width=width)
        if each.text:
            _write(canvas, each, (x1, y1), font)
    return np.asarray(image)


def _write(
    canvas: ImageDraw.ImageDraw,
    each: Drawn,
    corner: tuple[int, int],
    font: "ImageFont.ImageFont | ImageFont.FreeTypeFont",
) -> None:
    _, _, right, bottom = canvas.textbbox((0, 0), each.text, font=font)
    x, y = corner[0], max(0, corner[1] - round(bottom) - 1)
    canvas.rectangle((x, y, x + round(right) + 1, y + round(bottom) + 1), fill=each.colour)
    canvas.text((x + 1, y), each.text, fill="white", font=font)


def sheet(pictures: Sequence[NDArray[np.uint8]], side: int = 256, columns: int = 5) -> NDArray[np.uint8]:
    """Pictures of any size on one sheet, each fitted into a square of ``side`` pixels: uint8 [H, W, 3].

    Raises:
        ValueError: no pictures.
    """
    if not pictures:
        raise ValueError("a sheet must have at least one picture, got 0")
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    page = Image.new("RGB", (columns * side, rows * side), "white")
    for index, picture in enumerate(pictures):
        image = ImageOps.contain(Image.fromarray(picture), (side, side))
        row, column = divmod(index, columns)
        page.paste(image, (column * side + (side - image.width) // 2, row * side + (side - image.height) // 2))
    return np.asarray(page)
