"""Errors on the page name what its visitor or its owner can do."""

import pytest
from PIL import Image

from colourize.app.remedies import on_page
from colourize.data.read import UnreadablePicture
from colourize.errors import InputError
from colourize.inference import opening
from colourize.inference.memory import Budget


def test_a_picture_above_the_limit_names_the_option_of_colourize_app(tmp_path):
    Image.new("1", (60, 60)).save(tmp_path / "a.png")
    with pytest.raises(UnreadablePicture) as raised:
        opening.extent(tmp_path / "a.png", 100)
    assert on_page(str(raised.value)).endswith(
        "; choose a smaller picture, or start colourize app with --max-pixels 3600"
    )


def test_too_little_memory_names_the_option_of_colourize_app():
    with pytest.raises(InputError) as raised:
        Budget(1_000_000_000).check(10**9)
    text = on_page(str(raised.value))
    assert "limit of 1GB" in text and text.endswith("start colourize app with a larger --max-memory")


def test_other_texts_stay():
    assert on_page("a.jpg: not a picture; choose another file") == "a.jpg: not a picture; choose another file"


def test_each_error_says_what_to_do():
    assert on_page("image file is truncated").endswith("; choose another file")
    assert "choose a JPEG" in on_page("not a picture of a known format")
