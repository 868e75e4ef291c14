"""What a checkpoint must hold for training to continue; each fault is one line, before anything is loaded."""

import copy

import pytest
import torch

from colourize import checkpoint
from colourize.errors import InputError
from colourize.train import train
from tests.conftest import QUICK, knobs


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """The contents of a checkpoint after two epochs, and the words to train on with."""
    folder = tmp_path_factory.mktemp("begun")
    words = [*QUICK, f"cache_dir={folder / 'cache'}"]
    train(knobs(*words), folder / "run")
    return checkpoint.read(folder / "run/checkpoints/last.ckpt"), words


def resumed(begun, folder, change):
    """Training for a third epoch from the checkpoint as it was changed."""
    contents, words = copy.deepcopy(begun[0]), begun[1]
    change(contents)
    (folder / "run/checkpoints").mkdir(parents=True)
    torch.save(contents, folder / "run/checkpoints/last.ckpt")
    return train(knobs(*words, "max_epochs=3"), folder / "run")


def states(contents):
    return contents["optimizer_states"][0]["state"].values()


def group(contents):
    return contents["optimizer_states"][0]["param_groups"][0]


CHANGES = {
    "short buffers": lambda c: [state.update(exp_avg=torch.zeros(1)) for state in states(c)],
    "buffers of integers": lambda c: [state.update(exp_avg=state["exp_avg"].long()) for state in states(c)],
    "text in the state": lambda c: [state.update(exp_avg="x") for state in states(c)],
    "a rate of text": lambda c: group(c).update(lr="x"),
    "betas of one": lambda c: group(c).update(betas=3),
    "no group": lambda c: c["optimizer_states"][0].update(param_groups=[]),
    "a list of other parameters": lambda c: group(c).update(params=[7]),
    "a parameter that is not there": lambda c: c["optimizer_states"][0]["state"].update(
        {99: {"exp_avg": torch.ones(1)}}
    ),
    "optimizer of text": lambda c: c.update(optimizer_states="x"),
    "no optimizer": lambda c: c.update(optimizer_states=[]),
    "no loops": lambda c: c.update(loops={}),
    "loops of a list": lambda c: c.update(loops=[]),
    "a step of text": lambda c: c.update(global_step="x"),
    "a row of numbers": lambda c: c["callbacks"]["EpochTable"].update(rows=[1]),
    "a row of text": lambda c: c["callbacks"]["EpochTable"].update(rows=[{"x": "y"}]),
    "no best": lambda c: c["callbacks"].update(Resumption={"stopped": False}),
    "a place too many": lambda c: c["ColourData"].update(device="cpu"),
    "a negative place": lambda c: c["ColourData"].update(skip=-1),
    "no version": lambda c: c.pop("pytorch-lightning_version"),
    "weights of a list": lambda c: c.update(state_dict=[]),
    "another palette": lambda c: c["state_dict"].update(palette=torch.full((4, 3), 0.5)),
    "weights of another shape": lambda c: c["state_dict"].update({"network.last.bias": torch.zeros(7)}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_no_run_writes_is_refused_in_one_line(begun, tmp_path, name):
    with pytest.raises(InputError, match=r"last\.ckpt.*; pass another") as caught:
        resumed(begun, tmp_path, CHANGES[name])
    assert "\n" not in str(caught.value)


def test_what_a_run_writes_is_resumed(begun, tmp_path):
    assert resumed(begun, tmp_path, lambda contents: None)["epoch"] == 2


@pytest.mark.parametrize(
    "damage", [lambda c: c.pop("callbacks"), lambda c: c["callbacks"]["Resumption"].update(best="x")]
)
def test_a_best_checkpoint_without_its_loss_is_replaced(begun, tmp_path, damage):
    contents = copy.deepcopy(begun[0])
    damage(contents)
    (tmp_path / "run/checkpoints").mkdir(parents=True)
    torch.save(contents, tmp_path / "run/checkpoints/best.ckpt")
    torch.save(begun[0], tmp_path / "run/checkpoints/last.ckpt")
    assert train(knobs(*begun[1], "max_epochs=3"), tmp_path / "run")["epoch"] == 2


OTHERS = "sgd", "adamw", "rmsprop", "sgdw", "rmspropw", "hypergradient"


@pytest.mark.parametrize("words", [*([f"optimizer={name}"] for name in OTHERS), ["ema=0.9"], ["model=lookup"],
                                   ["scheduler=plateau"], ["precision=64-true"]])  # fmt: skip
def test_every_optimizer_s_own_state_fits(words, quick, tmp_path):
    train(quick(*words), tmp_path / "run")
    assert train(quick(*words, "max_epochs=3"), tmp_path / "run")["epoch"] == 2
