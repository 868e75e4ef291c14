"""The tab of photographs in a browser: upload, comparison, and where the page's requests go."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.drawn_pictures import landscape


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "garden.jpg"
    landscape(320, 240).convert("L").save(path)
    return path


def upload(page, *paths):
    page.set_input_files(".view .start .file", [str(path) for path in paths])
    coloured(page)


def coloured(page, version=None):
    page.wait_for_selector(".frame[data-version]" if version is None else f'.frame[data-version="{version}"]')


def picture(page, name="colour"):
    answer = page.request.get(page.locator(f".view img.{name}").evaluate("image => image.src"))
    return np.asarray(Image.open(io.BytesIO(answer.body())).convert("RGB")).astype(int)


def test_an_upload_is_shown_in_colour_and_every_request_goes_to_this_machine(page, photo, address):
    upload(page, photo)
    assert np.ptp(picture(page), axis=2).max() > 15
    assert np.ptp(picture(page, "grey"), axis=2).max() == 0
    assert page.asked and all(url.startswith((address, "data:", "blob:")) for url in page.asked)


def test_the_slider_moves_the_border_between_grey_and_coloured(page, photo):
    upload(page, photo)
    page.locator(".view .split").focus()
    for key, share in (("Home", "0%"), ("End", "100%")):
        page.keyboard.press(key)
        assert page.locator(".view .frame").evaluate("frame => frame.style.getPropertyValue('--at')") == share
