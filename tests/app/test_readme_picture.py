"""The README's picture of the page is what its script takes today."""

import io

import numpy as np
import pytest
from PIL import Image

from benchmarks import app_picture
from benchmarks.turns import ROOT
from tests.drawn_pictures import landscape

pytestmark = pytest.mark.slow


def test_the_readme_s_picture_shows_the_page_as_it_is(browser, address, tmp_path):
    path = tmp_path / "garden.jpg"
    landscape(384, 256).convert("L").save(path)
    png = app_picture.taken_by(browser, address, path)
    today = Image.open(io.BytesIO(app_picture.small(png)))
    committed = Image.open(ROOT / "docs/app.jpg")
    assert today.size == committed.size and today.format == committed.format == "JPEG"
    assert np.ptp(np.asarray(today).astype(int), axis=2).max() > 30  # in colour
    shades = [np.asarray(each.convert("L").resize((50, 45))).astype(float) for each in (today, committed)]
    below = [each[-10:].ravel() for each in shades]  # the controls, without the photograph
    assert np.corrcoef(*below)[0, 1] > 0.5
