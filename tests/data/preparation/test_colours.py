"""The amount of colour in a picture, compared with scikit-image."""

import numpy as np
import pytest
from PIL import Image, ImageOps
from skimage.color import rgb2lab

from colourize.data.preparation.colours import TINT, colours_of
from tests.textured import textured


def test_the_chroma_is_the_99th_percentile_of_scikit_image():
    image = textured(3, 64, 50)
    a, b = np.moveaxis(rgb2lab(np.asarray(image)), 2, 0)[1:]
    assert colours_of(image).chroma == pytest.approx(np.percentile(np.hypot(a, b), 99), abs=0.05)


def test_a_grey_picture_has_no_colour():
    colours = colours_of(textured(1).convert("L").convert("RGB"))
    assert max(colours.chroma, colours.beyond_tint, colours.colourfulness) < 0.05


@pytest.mark.parametrize("white", ["#fbe7c0", "#cfe8ff"])
def test_a_toned_picture_is_a_function_of_its_lightness(white):
    toned = ImageOps.colorize(textured(1, 96, 80).convert("L"), "#20120a", white)
    colours = colours_of(toned)
    assert colours.chroma > 6
    assert colours.beyond_tint < TINT / 2


def test_a_small_red_flower_makes_a_grey_picture_coloured():
    image = textured(2, 100, 100).convert("L").convert("RGB")
    image.paste("red", (40, 40, 55, 55))  # 2 % of the pixels
    colours = colours_of(image)
    assert colours.chroma > 50
    assert colours.beyond_tint > TINT


def test_a_picture_of_one_pixel_has_colours():
    assert colours_of(Image.new("RGB", (1, 1), "red")).beyond_tint == pytest.approx(0, abs=1e-6)
