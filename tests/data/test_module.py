import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from colourize.colour.spaces import SPACES
from colourize.data.module import Batches, ColourData, LabelledPictures
from colourize.data.pictures import Pictures, held_out
from colourize.data.scenes import load
from colourize.errors import InputError
from colourize.tasks.colourization.train import train
from tests.conftest import knobs


@given(st.integers(1, 300), st.integers(1, 40), st.one_of(st.none(), st.integers(0, 2**32 - 1)), st.integers(0, 50))
def test_an_epoch_s_batches_hold_every_picture_once(num_pictures, batch_size, seed, epoch):
    batches = Batches(num_pictures, batch_size, seed)
    batches.set_epoch(epoch)
    drawn = list(batches)
    assert len(drawn) == len(batches)
    assert all(len(batch) == batch_size for batch in drawn[:-1])
    assert torch.cat(drawn).sort().values.tolist() == list(range(num_pictures))


def test_the_order_depends_on_seed_and_epoch_alone():
    def order(seed, epoch):
        batches = Batches(1000, 100, seed)
        batches.set_epoch(epoch)
        torch.manual_seed(np.random.randint(1000))
        return torch.cat(list(batches)).tolist()

    assert order(3, 5) == order(3, 5)
    assert len({tuple(order(seed, epoch)) for seed in range(3) for epoch in range(3)}) == 9


@pytest.mark.parametrize("word", ["data.mapped=true", "precision=bf16-mixed", "save_every=1", "model=unet"])
def test_the_order_of_the_batches_does_not_depend_on_the_path(word, picture_folder, tmp_path, monkeypatch):
    orders, original = [], LabelledPictures.__getitem__

    def noted(self, index):
        orders[-1].append(index.tolist())
        return original(self, index)

    monkeypatch.setattr(LabelledPictures, "__getitem__", noted)
    small = "image_size=8", "num_colours=4", "num_filters=2", "batch_size=5", "max_epochs=2", f"cache_dir={tmp_path}"
    for number, words in enumerate(([], [word])):
        orders.append([])
        train(knobs("data=folder", f"data.root={picture_folder}", *small, *words), tmp_path / str(number))
    assert orders[0] == orders[1]


def test_batches_are_grey_floats_and_integer_labels(tmp_path):
    data = ColourData(lambda: load(30, 10), num_colours=6, batch_size=8, cache_dir=tmp_path)
    data.setup()
    for loader, count in ((data.train_dataloader(), 30), (data.val_dataloader(), 10)):
        batches = list(loader)
        assert sum(len(labels) for _, labels in batches) == count
        grey, labels = batches[0]
        assert grey.shape == (8, 1, 32, 32)
        assert grey.dtype == torch.float32
        assert labels.shape == (8, 32, 32)
        assert labels.dtype == torch.int64
        assert 0 <= labels.min() <= labels.max() < 6


def test_the_palette_comes_from_the_training_pictures_alone(tmp_path):
    pictures = load(30, 10)
    other = Pictures(pictures.train, 255 - pictures.validation)
    palettes = []
    for source in (pictures, other):
        data = ColourData(lambda source=source: source, num_colours=6, cache_dir=tmp_path / str(len(palettes)))
        data.setup()
        palettes.append(data.palette)
    assert torch.equal(*palettes)


def test_a_fitted_palette_is_kept_as_a_plain_array(tmp_path):
    data = ColourData(lambda: load(30, 10), num_colours=6, cache_dir=tmp_path)
    data.setup()
    (file,) = tmp_path.glob("palette-6-*.npy")
    np.testing.assert_array_equal(np.load(file, allow_pickle=False), data.palette.numpy())


def test_a_loaded_palette_is_used_as_it_is(tmp_path):
    colours = np.random.default_rng(0).random((5, 3)).astype(np.float32)
    np.save(tmp_path / "mine.npy", colours)
    data = ColourData(lambda: load(30, 10), num_colours=5, palette=str(tmp_path / "mine.npy"), cache_dir=tmp_path)
    data.setup()
    np.testing.assert_array_equal(data.palette.numpy(), colours)


def test_a_palette_s_space_is_part_of_its_name_and_of_the_fingerprint(tmp_path):
    found = {}
    for space in ("rgb", "lab", "oklab"):
        data = ColourData(lambda: load(30, 10), num_colours=6, colour_space=space, cache_dir=tmp_path)
        data.setup()
        assert data.palette.shape == (6, data.space.channels)
        assert data.train.grey.equal(data.space.lightness(data.pictures.train))
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


def test_about_the_share_is_held_out_and_a_picture_keeps_its_side():
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
    with pytest.raises(InputError, match="is no share"):
        held_out([b"a", b"b"], share)
