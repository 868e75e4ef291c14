"""One visitor's desk: the network runs once for an input, and files live as long as their photograph."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from colourize.app import rendered
from colourize.data.read import UnreadablePicture
from colourize.errors import InputError
from colourize.inference.colouring import Choices, coloured
from colourize.inference.decoded import Decoding
from colourize.inference.hinted import Hint
from tests.desks import Made, add, desk
from tests.drawn_pictures import landscape
from tests.predictors import Pointwise


@pytest.fixture
def photo(tmp_path):
    landscape(120, 90).convert("L").save(tmp_path / "garden.png")
    return tmp_path / "garden.png"


@pytest.fixture
def one(tmp_path, photo):
    made = desk(tmp_path / "desk", Made(first=Pointwise(), second=Pointwise(sharp=5.0)))
    add(made, photo)
    return made


def pixels(desk, name="colour"):
    return np.asarray(Image.open(io.BytesIO(rendered.picture(desk, name)[0])).convert("RGB")).astype(int)


def calls(desk, name="first"):
    return desk.networks.get(name).calls


def test_the_network_runs_once_however_often_decoding_temperature_and_saturation_change(one):
    rendered.colour(one)
    before = pixels(one)
    for changes in ({"temperature": 1.5}, {"saturation": 2.0}, {"decoding": "argmax"}, {"decoding": "sample"}):
        one.steer(replace(one.steering, **changes))
        for name in ("colour", "sample0", "sample3", "unsure"):
            rendered.picture(one, name)
    assert calls(one) == 1
    assert np.abs(pixels(one) - before).max() > 5


def test_the_picture_is_that_of_colouring(one, photo):
    one.steer(replace(one.steering, temperature=0.7, saturation=1.3))
    grey = np.asarray(Image.open(photo))
    wanted = coloured(Pointwise(), grey, Choices(Decoding("mean", 0.7), saturation=1.3)).pictures[0].astype(int)
    assert np.abs(pixels(one) - wanted).mean() < 2  # JPEG


def test_another_network_and_another_size_run_the_network_again_and_coming_back_does_not(one):
    rendered.colour(one)
    for changes in ({"model": "second"}, {"model": "first"}, {"size": 64}, {"size": 0}):
        one.steer(replace(one.steering, **changes))
        rendered.colour(one)
    assert (calls(one, "first"), calls(one, "second")) == (2, 1)


def test_a_colour_at_a_place_spreads_there_and_not_elsewhere_and_can_be_taken_back(one):
    before = pixels(one)
    one.hint(Hint(10, 80, (200, 30, 30)))
    after = np.abs(pixels(one) - before).sum(2)
    assert after[78:83, 8:13].mean() > 60 and after[:20, -20:].mean() < 6
    one.hint(Hint(100, 10, (30, 30, 200)))
    one.unhint()
    assert [hint.x for hint in one.held.hints] == [10]
    one.unhint(everything=True)
    assert np.array_equal(pixels(one), before) and calls(one) == 1


@pytest.mark.parametrize("place", [(-1, 0), (120, 0), (0, 90)])
def test_a_place_outside_of_the_picture_is_refused(one, place):
    with pytest.raises(InputError, match="120 x 90"):
        one.hint(Hint(*place, (1, 2, 3)))


def test_a_reference_changes_the_colours_and_its_file_goes_when_it_is_left_out(one, tmp_path):
    before = pixels(one)
    _number, place = one.place("sunset.png")
    Image.new("RGB", (60, 40), (200, 80, 20)).save(place)
    one.refer(place)
    assert np.abs(pixels(one) - before).max() > 20
    one.refer(None)
    assert not place.exists() and np.array_equal(pixels(one), before)


def test_a_grey_reference_is_refused_and_its_file_goes(one, photo):
    _number, place = one.place("grey.png")
    place.write_bytes(photo.read_bytes())
    with pytest.raises(InputError, match="is grey"):
        one.refer(place)
    assert one.reference is None and not place.exists()


def test_what_is_not_a_picture_is_refused_and_its_file_goes(one):
    number, place = one.place("notes.jpg")
    place.write_bytes(b"no picture")
    with pytest.raises(UnreadablePicture):
        one.add(number, place)
    assert not place.exists() and len(one.photographs) == 1


def test_files_go_with_their_photograph_and_with_the_desk(one, photo):
    second = add(one, photo)
    place = one.held.path
    one.remove(second)
    assert not place.exists() and one.held is not None
    one.close()
    assert not one.folder.exists()


def test_a_picture_of_another_photograph_leaves_the_shown_one_and_a_removed_one_is_refused(one, tmp_path):
    landscape(40, 30).convert("L").save(tmp_path / "small.png")
    first, second = one.current, add(one, tmp_path / "small.png")
    version = one.version
    assert (
        rendered.picture(one, "grey", first) != rendered.picture(one, "grey") == rendered.picture(one, "grey", second)
    )
    one.show(second)
    assert (one.current, one.version) == (second, version)
    one.show(first)
    assert one.current == first and one.version > version
    one.remove(second)
    for refused in (one.show, lambda number: rendered.picture(one, "grey", number)):
        with pytest.raises(InputError, match="no longer open"):
            refused(second)


def test_a_photograph_in_colour_is_made_grey_first(tmp_path):
    landscape(60, 40).save(tmp_path / "colours.png")
    made = desk(tmp_path / "desk")
    add(made, tmp_path / "colours.png")
    assert made.held.kind == "coloured" and np.ptp(pixels(made, "grey"), axis=2).max() == 0
