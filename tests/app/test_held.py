"""Names of uploads stay names, and a photograph's copy for the page is small."""

import pytest
from PIL import Image

from colourize.app.held import SHOWN, SIDE, held, safe_name
from colourize.app.kept import Kept, Store
from colourize.inference import opening
from colourize.inference.memory import Budget
from tests.predictors import Pointwise


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("scan.jpg", "scan.jpg"), ("../../etc/passwd", "passwd"), ("C:\\photos\\me.png", "me.png"),
        ("/a/b.jpg", "b.jpg"),
        ("Gärten 日本.jpg", "Gärten 日本.jpg"), ("a\0b\n.jpg", "ab.jpg"), (SHOWN, SHOWN[1:]), ("..", "photograph"),
        ("", "photograph"), ("folder/", "photograph"), (".jpg", "jpg"),
    ],
)  # fmt: skip
def test_a_name_has_no_folder_no_control_characters_and_no_leading_dot(given, wanted):
    assert safe_name(given) == wanted


def test_a_long_name_keeps_its_suffix_and_fits_a_file_system():
    for letter in ("a", "日", "é"):
        name = safe_name(f"{letter * 500}.jpeg")
        assert name.endswith(".jpeg") and len(name.encode()) < 255


def test_the_copy_that_the_page_shows_is_at_most_its_side(tmp_path):
    Image.new("L", (2 * SIDE, 30), 90).save(tmp_path / "wide.png")
    made = held(tmp_path / "wide.png", Pointwise().card, 0, 10**8, Budget(4 * 10**9), Kept(Store()))
    assert made.grey.shape == (15, SIDE) and made.size == (30, 2 * SIDE)


def test_only_the_first_frame_of_many_is_read(tmp_path, monkeypatch):
    frames = [Image.new("L", (30, 20), level) for level in range(40, 80)]
    frames[0].save(tmp_path / "many.tif", save_all=True, append_images=frames[1:])
    read = []
    monkeypatch.setattr(opening, "_read", lambda image, notes, real=opening._read: read.append(1) or real(image, notes))
    made = held(tmp_path / "many.tif", Pointwise().card, 0, 10**8, Budget(4 * 10**9), Kept(Store()))
    assert made.frames == 40 and len(read) == 1 and (made.grey == 40).all()
