"""Pictures on which an export is checked."""

import numpy as np
import pytest
import torch
from PIL import Image

from colourize.colour.spaces import SPACES
from colourize.errors import InputError
from colourize.inference.export import pictures
from colourize.inference.predictor import Card
from tests.conftest import knobs


def card(multiple, space="lab"):
    return Card("a", space, np.zeros((2, 2), np.float32), 8, multiple)


def folder(root, size=8):
    return {"data": {"_target_": "colourize.data.folder.load", "root": str(root), "image_size": size}}


def test_a_folder_gives_its_test_pictures_with_a_shorter_side_of_the_size(picture_folder):
    Image.new("RGB", (64, 16), "red").save(picture_folder / "test/cat/wide.png")
    (picture_folder / "test/cat/broken.png").write_bytes(b"no picture")
    chosen = pictures.chosen(folder(picture_folder), 8)
    assert chosen.words == "pictures of pictures"
    assert len(chosen.pictures) == 7  # of 18 in train/ none
    assert {picture.shape[1] for picture in chosen.pictures} == {8, 16}
    assert {picture.shape[0] for picture in chosen.pictures} == {8, 6}


def test_without_the_pictures_of_the_run_some_are_drawn_and_that_is_said(tmp_path):
    chosen = pictures.chosen(folder(tmp_path / "absent"), 16)
    assert chosen.words.startswith("drawn pictures, because those of the run were not found")
    assert len(chosen.pictures) == pictures.MOST
    with pytest.raises(InputError, match="absent holds no picture that can be read; pass another folder"):
        pictures.chosen(folder(tmp_path / "absent"), 16, given=True)


def test_other_sources_give_what_validates():
    config = knobs("data=scenes", "data.num_train=2", "data.num_validation=30", "image_size=8")
    chosen = pictures.chosen(config, 8)
    assert chosen.words == "pictures of scenes" and len(chosen.pictures) == pictures.MOST


def test_nothing_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.setattr("urllib.request.urlopen", lambda *given, **more: pytest.fail("a download"))
    assert "drawn" in pictures.chosen(knobs(f"data.root={tmp_path / 'cifar'}"), 32).words


@pytest.mark.parametrize("multiple", [1, 4, 16])
@pytest.mark.parametrize("space", SPACES)
def test_batches_hold_every_picture_with_sides_of_the_multiple(multiple, space):
    rng = np.random.default_rng(0)
    shapes = (9, 20), (33, 17), (9, 20), (1, 50)
    found = pictures.batches([rng.integers(0, 256, (*shape, 3), np.uint8) for shape in shapes], card(multiple, space))
    assert sum(map(len, found)) == 4 and max(map(len, found)) >= 2
    for batch in found:
        assert batch.dtype == np.float32 and batch.shape[1] == 1
        assert batch.shape[2] % multiple == batch.shape[3] % multiple == 0
        assert batch.min() >= 0 and batch.max() <= 255 / 256


def test_a_batch_is_the_grey_of_its_space():
    picture = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
    (batch,) = pictures.batches([picture], card(4, "oklab"))
    assert np.array_equal(batch, SPACES["oklab"].lightness(torch.from_numpy(picture)[None]).numpy())
