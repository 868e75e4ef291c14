"""Two ranks with b pictures each train as one process with 2b does."""

import pytest
import torch

from tests.faults.states import saved, untimed_rows
from tests.ranks import settings, together, trained

pytestmark = pytest.mark.slow
RUNS = {
    "plain": (True, []),
    "clipped": (True, ["trainer.gradient_clip_val=0.1", "optimizer=sgd", "lr=0.1"]),
    "accumulated": (True, ["trainer.accumulate_grad_batches=4", "scheduler=cosine"]),
    "averaged": (True, ["ema=0.9"]),
    "synced": (False, ["sync_batchnorm=true", "precision=64-true", "optimizer=sgd", "lr=0.1"]),
    "hypergradient": (True, ["optimizer=hypergradient"]),
    "muon": (True, ["optimizer=muon", "scheduler=onecycle"]),
    "local": (False, []),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    home = tmp_path_factory.mktemp("ranks")
    pairs = {name: settings(home / "cache", "batch_size=4", "devices=2", *words, plain=plain)
             for name, (plain, words) in RUNS.items()}  # fmt: skip
    for name, (plain, words) in RUNS.items():
        trained(settings(home / "cache", "batch_size=8", *words, plain=plain), home / "one" / name)
    again = settings(home / "cache", "batch_size=4", "devices=2", plain=True)
    together(*((own, home / "two" / name) for name, own in pairs.items()), (again, home / "two/again"))
    return home


def largest_difference(folder, name):
    """The largest difference of a weight or a running mean."""
    one, two = (saved(folder / each / name)["state_dict"] for each in ("one", "two"))
    return max(float((one[key] - two[key]).abs().max()) for key in one if one[key].is_floating_point())


@pytest.mark.parametrize("name", ["plain", "clipped", "accumulated", "averaged", "hypergradient", "muon"])
def test_without_batch_norm_two_ranks_equal_one_process_with_the_doubled_batch(folder, name):
    assert saved(folder / "two" / name)["global_step"] == saved(folder / "one" / name)["global_step"]
    assert largest_difference(folder, name) < 1e-6


def test_with_batch_norm_over_the_ranks_they_do_too(folder):
    assert saved(folder / "two/synced")["global_step"] == 12
    assert largest_difference(folder, "synced") < 1e-12


def test_with_batch_norm_of_each_rank_they_do_not(folder):
    assert largest_difference(folder, "local") > 1e-4


@pytest.mark.parametrize("name", ["plain", "synced"])
def test_the_metrics_count_each_picture_once(folder, name):
    for one, two in zip(*(untimed_rows(folder / each / name) for each in ("one", "two")), strict=True):
        assert one.keys() == two.keys()
        assert [float(one[key]) for key in one] == pytest.approx([float(two[key]) for key in two], abs=1e-6)


def test_the_same_ranks_give_the_same_bits(folder):
    first, second = (saved(folder / "two" / name)["state_dict"] for name in ("plain", "again"))
    assert all(torch.equal(first[key], second[key]) for key in first)
