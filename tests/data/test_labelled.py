import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from colourize.colour.spaces import SPACES
from colourize.data.labelled import LabelledPictures, labelled, palette_of, prepared
from colourize.data.pictures import Pictures, held_out
from colourize.data.scenes import load
from colourize.errors import InputError
from tests.colour_data import colour_data
from tests.conftest import QUICK, knobs


def test_batches_are_grey_floats_and_integer_labels(tmp_path):
    data = colour_data(load(30, 10), tmp_path, num_colours=6, batch_size=8)
    for loader, count in ((data.train_dataloader(), 30), (data.val_dataloader(), 10)):
        batches = list(loader)
        assert sum(len(labels) for _, labels in batches) == count
        grey, labels = batches[0]
        assert grey.shape == (8, 1, 32, 32)
        assert grey.dtype == torch.float32
        assert labels.shape == (8, 32, 32)
        assert labels.dtype == torch.int64
        assert 0 <= labels.min() <= labels.max() < 6


def test_the_palette_comes_only_from_the_training_pictures(tmp_path):
    pictures = load(30, 10)
    other = Pictures(pictures.train, 255 - pictures.validation)
    settings = {**knobs(*QUICK), "num_colours": 6}
    first, second = (
        prepared({**settings, "cache_dir": tmp_path / str(number)}, source)
        for number, source in enumerate((pictures, other))
    )
    assert torch.equal(first.palette, second.palette)


def test_a_fitted_palette_is_kept_as_a_plain_array(tmp_path):
    palette = palette_of(load(30, 10).train, 6, tmp_path)
    (file,) = tmp_path.glob("palette-6-*.npy")
    np.testing.assert_array_equal(np.load(file, allow_pickle=False), palette.numpy())


def test_a_loaded_palette_is_used_unchanged(tmp_path):
    colours = np.random.default_rng(0).random((5, 3)).astype(np.float32)
    np.save(tmp_path / "mine.npy", colours)
    palette = palette_of(load(30, 10).train, 5, tmp_path, str(tmp_path / "mine.npy"))
    np.testing.assert_array_equal(palette.numpy(), colours)


def test_a_palette_s_space_is_part_of_its_name_and_of_the_fingerprint(tmp_path):
    found, pictures = {}, load(30, 10)
    for space in map(SPACES.get, ("rgb", "lab", "oklab")):
        palette = palette_of(pictures.train, 6, tmp_path, space=space)
        data = labelled(pictures, palette, tmp_path, space)
        assert palette.shape == (6, space.channels)
        assert data.train.grey.equal(space.lightness(pictures.train))
        found[data.fingerprint()] = len(list(tmp_path.glob("palette-6-*.npy")))
    assert list(found.values()) == [1, 2, 3]


@pytest.mark.parametrize("space", ["rgb", "lab"])
def test_labels_and_inputs_on_disk_are_those_in_memory(space, tmp_path):
    pictures, space = load(20, 4), SPACES[space]
    palette = space.high * torch.rand(5, space.channels)
    memory = LabelledPictures(pictures.train, palette, space=space)
    disk = LabelledPictures(pictures.train, palette, tmp_path, space)
    index = torch.tensor([3, 17, 4])
    for ours, theirs in zip(memory[index], disk[index], strict=True):
        assert ours.equal(theirs)


def test_about_the_given_share_is_held_out_and_a_picture_keeps_its_side():
    contents = [str(number).encode() for number in range(4000)]
    validates = held_out(contents, 0.2)
    assert validates.mean() == pytest.approx(0.2, abs=0.03)
    np.testing.assert_array_equal(held_out(contents[1000:], 0.2), validates[1000:])


@given(st.lists(st.binary(max_size=3), min_size=2), st.floats(0.001, 0.999))
def test_neither_side_is_empty_and_duplicates_stay_together(contents, share):
    if len(set(contents)) < 2:
        with pytest.raises(InputError, match="fewer than two distinct"):
            held_out(contents, share)
        return
    validates = held_out(contents, share)
    assert 0 < validates.sum() < len(contents)
    sides = {}
    assert all(sides.setdefault(content, side) == side for content, side in zip(contents, validates, strict=True))


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_a_share_outside_the_open_interval_is_refused(share):
    with pytest.raises(InputError, match=f"^holdout must be .*, got {share}; pass holdout=0.1$"):
        held_out([b"a", b"b"], share)
