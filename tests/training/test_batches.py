import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from colourize.data.labelled import LabelledPictures
from colourize.tasks.chosen import train
from colourize.training.batches import BatchedData, Batches
from tests.conftest import knobs

pytestmark = pytest.mark.usefixtures("no_figures")


@given(st.integers(1, 300), st.integers(1, 40), st.one_of(st.none(), st.integers(0, 2**32 - 1)), st.integers(0, 50))
def test_an_epoch_s_batches_contain_every_picture_once(num_pictures, batch_size, seed, epoch):
    batches = Batches(num_pictures, batch_size, seed)
    batches.set_epoch(epoch)
    drawn = list(batches)
    assert len(drawn) == len(batches)
    assert all(len(batch) == batch_size for batch in drawn[:-1])
    assert torch.cat(drawn).sort().values.tolist() == list(range(num_pictures))


def test_the_order_depends_only_on_seed_and_epoch():
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


def test_loaders_start_at_the_given_place_once():
    examples = torch.utils.data.TensorDataset(torch.arange(20), torch.arange(20) ** 2)
    data = BatchedData(examples, examples, batch_size=6, seed=3)
    whole = [batch[0].tolist() for batch in data.train_dataloader()]
    assert data.num_batches == len(whole) == 4
    data.start_at(0, 3)
    assert [batch[0].tolist() for batch in data.train_dataloader()] == whole[3:]
    assert [batch[0].tolist() for batch in data.train_dataloader()] == whole
    assert torch.cat([batch[1] for batch in data.val_dataloader()]).tolist() == [n**2 for n in range(20)]
