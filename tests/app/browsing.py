"""What the tests in a browser do on the page."""

import io
from pathlib import Path

import numpy as np
from PIL import Image


def upload(page, *paths):
    page.set_input_files(".view .start .file", [str(path) for path in paths])
    page.wait_for_selector(".frame[data-version]")


def changed(page, do):
    """Does something that changes the picture, and waits until the page shows it."""
    before = int(page.locator(".frame").get_attribute("data-version"))
    do()
    page.wait_for_function("before => Number(document.querySelector('.frame').dataset.version) > before", arg=before)


def picture(page, name="colour"):
    source = page.locator(f".view img.{name}").evaluate("image => image.src")
    return np.asarray(Image.open(io.BytesIO(page.request.get(source).body())).convert("RGB")).astype(int)


def saved(page, selector):
    with page.expect_download() as waiting:
        page.click(selector)
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()
