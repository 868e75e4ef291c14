"""Downloads are, byte for byte, what ``colourize photo`` writes."""

import shlex
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from colourize.app import download, rendered
from colourize.app.networks import Networks
from colourize.cli.main import main
from colourize.errors import InputError
from colourize.inference.hinted import Hint
from tests.desks import add, desk
from tests.drawn_pictures import landscape

HINTS = [Hint(30, 50, (200, 30, 30)), Hint(5, 4, (30, 60, 200))]
CASES = {
    "as it opens": ("scan.jpg", {}, []),
    "vivid, saturated, as PNG": ("scan.jpg", {"decoding": "argmax", "saturation": 1.4, "format": ".png"}, []),
    "a sample": ("scan.jpg", {"decoding": "sample", "seed": 3, "temperature": 0.7}, []),
    "colours at places, without metadata": ("scan.jpg", {"metadata": False, "temperature": 1.0}, HINTS),
    "16 bits, another size": ("deep.png", {"size": 64}, []),
    "in colour, as WebP": ("colours.bmp", {"format": ".webp"}, []),
}


@pytest.fixture(scope="module")
def networks():
    return Networks(["shipped"], "cpu")


@pytest.fixture
def folder(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    landscape(80, 60).convert("L").save(tmp_path / "scan.jpg", exif=exif)
    landscape(80, 60).save(tmp_path / "colours.bmp")
    levels = np.tile(np.linspace(0, 65535, 80).astype(np.uint16), (60, 1))
    Image.fromarray(levels).save(tmp_path / "deep.png")
    return tmp_path


@pytest.mark.parametrize("case", CASES)
def test_a_download_equals_the_file_of_the_command_that_the_page_shows(case, networks, folder, monkeypatch):
    name, changes, hints = CASES[case]
    made = desk(folder / "desk", networks)
    add(made, folder / name)
    made.steer(replace(made.steering, **changes))
    for hint in hints:
        made.hint(hint)
    rendered.colour(made)
    with download.written(made, "coloured") as place:
        found, content = place.name, place.read_bytes()
    monkeypatch.chdir(folder)
    words = shlex.split(download.command(made))
    monkeypatch.setattr(sys, "argv", words)
    main()
    assert words[words.index("-o") + 1] == found and (folder / found).read_bytes() == content
    assert not list(made.folder.glob("download*"))


def test_a_download_does_not_run_the_network_again(folder):
    made = desk(folder / "desk")
    add(made, folder / "scan.jpg")
    rendered.colour(made)
    for kind in download.KINDS:
        with download.written(made, kind):
            pass
    assert made.networks.get("first").calls == 1


def test_side_by_side_and_uncertainty_are_those_of_the_command(networks, folder, monkeypatch):
    made = desk(folder / "desk", networks)
    add(made, folder / "scan.jpg")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", [*shlex.split(download.command(made)), "--side-by-side", "--uncertainty"])
    main()
    for kind in ("side-by-side", "uncertainty"):
        with download.written(made, kind) as place:
            assert (folder / place.name).read_bytes() == place.read_bytes()


def test_a_download_is_of_the_photograph_that_is_named(folder):
    made = desk(folder / "desk")
    first = add(made, folder / "scan.jpg")
    add(made, folder / "deep.png")
    with download.written(made, "coloured", first) as place:
        assert place.name == "scan-coloured.jpg"


def test_without_a_photograph_there_is_no_download(tmp_path):
    with pytest.raises(InputError, match="drop one"), download.written(desk(tmp_path / "desk"), "coloured"):
        pass
