"""Required contents of a checkpoint for resuming; each fault is a one-line error before anything is loaded."""

import copy

import pytest
import torch

from colourize.errors import InputError, OutOfTime
from colourize.runs import checkpoint
from colourize.tasks.chosen import train
from colourize.training.resumption import Resumption
from tests.conftest import QUICK, knobs

pytestmark = pytest.mark.usefixtures("no_figures")


@pytest.fixture(scope="module")
def begun(tmp_path_factory, shared_cache):
    """The contents of a checkpoint after two epochs, and the overrides to continue."""
    folder = tmp_path_factory.mktemp("begun")
    words = [*QUICK, f"cache_dir={shared_cache}"]
    train(knobs(*words), folder / "run")
    return checkpoint.read(folder / "run/checkpoints/last.ckpt"), words


def resumed(begun, folder, change):
    """Trains a third epoch from a changed checkpoint."""
    contents, words = copy.deepcopy(begun[0]), begun[1]
    change(contents)
    (folder / "run/checkpoints").mkdir(parents=True)
    torch.save(contents, folder / "run/checkpoints/last.ckpt")
    return train(knobs(*words, "max_epochs=3"), folder / "run")


def states(contents):
    return contents["optimizer_states"][0]["state"].values()


def epochs(contents):
    return contents["loops"]["fit_loop"]["epoch_progress"]["current"]


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
    "a place too many": lambda c: c["place"].update(device="cpu"),
    "a negative place": lambda c: c["place"].update(skip=-1),
    "no version": lambda c: c.pop("pytorch-lightning_version"),
    "weights of a list": lambda c: c.update(state_dict=[]),
    "nothing in the state": lambda c: [state.update(exp_avg=None) for state in states(c)],
    "a number in the state": lambda c: [state.update(exp_avg=3.0) for state in states(c)],
    "half a state": lambda c: [state.pop("exp_avg") for state in states(c)],
    "a state too many": lambda c: [state.update(more=torch.zeros_like(state["exp_avg"])) for state in states(c)],
    "steps of a shape": lambda c: [state.update(step=torch.zeros_like(state["exp_avg"])) for state in states(c)],
    "steps below zero": lambda c: [state.update(step=torch.tensor(-1.0)) for state in states(c)],
    "no rate": lambda c: group(c).pop("lr"),
    "a rate that is no number": lambda c: group(c).update(lr=float("nan")),
    "a rate below zero": lambda c: group(c).update(lr=-1.0),
    "a rate of a tensor": lambda c: group(c).update(lr=torch.tensor(0.1)),
    "no betas": lambda c: group(c).pop("betas"),
    "betas of one each": lambda c: group(c).update(betas=(1.0, 1.0)),
    "another eps": lambda c: group(c).update(eps=0.0),
    "the loss made larger": lambda c: group(c).update(maximize=True),
    "another optimizer's switch": lambda c: group(c).update(amsgrad=True),
    "a switch of text": lambda c: group(c).update(fused="x"),
    "groups of numbers": lambda c: c["optimizer_states"][0].update(param_groups=[3]),
    "a state of a list": lambda c: c["optimizer_states"][0].update(state=[1]),
    "no schedule's list": lambda c: c.update(lr_schedulers="x"),
    "a schedule too many": lambda c: c.update(lr_schedulers=[{"last_epoch": 1}]),
    "a plateau too many": lambda c: c.update(plateau={"best": 1.0}),
    "half the loops": lambda c: c["loops"]["fit_loop"].pop("epoch_progress"),
    "loops that count in text": lambda c: epochs(c).update(ready="x"),
    "loops with a method's name": lambda c: epochs(c).update(reset=1),
    "loops below zero": lambda c: epochs(c).update(completed=-1),
    "loops elsewhere": lambda c: epochs(c).update(processed=0),
    "a place far away": lambda c: c["place"].update(skip=10**9),
    "a place and loops far away": lambda c: (
        c["place"].update(epoch=1, skip=10**9),
        epochs(c).update(processed=1, completed=1),
        c["loops"]["fit_loop"]["epoch_loop.batch_progress"]["current"].update(processed=10**9, completed=10**9),
        c["callbacks"]["EpochTable"]["rows"].pop(),
    ),
    "a version of text": lambda c: c.update({"pytorch-lightning_version": "x"}),
    "an epoch of text": lambda c: c.update(epoch="x"),
    "rows of nothing": lambda c: c["callbacks"]["EpochTable"].update(rows=[{}, {}]),
    "rows of lists": lambda c: c["callbacks"]["EpochTable"].update(rows=[[], []]),
    "rows that are missing": lambda c: c["callbacks"]["EpochTable"]["rows"].pop(),
    "sums of another shape": lambda c: c["callbacks"]["EpochTable"]["begun"].update(sums=torch.zeros(7)),
    "an epoch under way of text": lambda c: c["callbacks"]["EpochTable"].update(begun="x"),
    "seconds of text": lambda c: c["callbacks"]["EpochTable"].update(seconds="x"),
    "rows before of text": lambda c: c["callbacks"]["EpochTable"].update(num_before="x"),
    "rows before that are not there": lambda c: c["callbacks"]["EpochTable"].update(num_before=7),
    "callbacks of a list": lambda c: c.update(callbacks=[]),
    "whole numbers for weights": lambda c: c["state_dict"].update(
        {"model.network.down1.0.bias": c["state_dict"]["model.network.down1.0.bias"].long()}
    ),
    "another palette": lambda c: c["state_dict"].update(palette=torch.full((4, 3), 0.5)),
    "weights of another shape": lambda c: c["state_dict"].update({"model.network.last.bias": torch.zeros(7)}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_malformed_contents_are_refused_in_one_line(begun, tmp_path, name):
    with pytest.raises(InputError, match=r"last\.ckpt.*; pass another") as caught:
        resumed(begun, tmp_path, CHANGES[name])
    assert "\n" not in str(caught.value)


WIDER = {  # overrides of the run, and the change in its checkpoint
    "ema": (["ema=0.9"], {
        "no average's step": lambda c: c["callbacks"].update(MovingAverage={}),
        "an average's step of text": lambda c: c["callbacks"].update(MovingAverage={"latest_update_step": "x"}),
        "no trained weights beside the average": lambda c: c.pop("current_model_state"),
        "trained weights of another shape": lambda c: c["current_model_state"].update(palette=torch.zeros(1)),
        "another palette that is resumed": lambda c: c["current_model_state"].update(palette=torch.full((4, 3), 0.5)),
        "a count of a shape": lambda c: c["averaging_state"].update(n_averaged=torch.zeros(3)),
        "a count of text": lambda c: c.update(averaging_state="x"),
    }),
    "patience": (["patience=5"], {
        "waited in text": lambda c: stopping(c).update(wait_count="x"),
        "a best of text": lambda c: stopping(c).update(best_score="x"),
        "a best of a shape": lambda c: stopping(c).update(best_score=torch.zeros(3)),
        "no best": lambda c: stopping(c).pop("best_score"),
        "an unknown reason": lambda c: stopping(c).update(stopping_reason=99),
    }),
    "onecycle": (["scheduler=onecycle", "save_every=1"], {
        "no schedule": lambda c: c.update(lr_schedulers=[]),
        "a schedule of text": lambda c: c.update(lr_schedulers=["x"]),
        "a schedule's step of text": lambda c: c["lr_schedulers"][0].update(last_epoch="x"),
        "a schedule's method": lambda c: c["lr_schedulers"][0].update(step=3),
        "a schedule of one step": lambda c: c["lr_schedulers"][0].update(total_steps=1),
        "a schedule of no step": lambda c: c["lr_schedulers"][0].update(total_steps=0),
        "a schedule of other phases": lambda c: c["lr_schedulers"][0]["_schedule_phases"][0].update(start_lr="x"),
        "no first rate": lambda c: group(c).pop("initial_lr"),
        "a first rate of text": lambda c: group(c).update(initial_lr="x"),
    }),
    "cosine": (["scheduler=cosine"], {
        "a schedule of no step": lambda c: c["lr_schedulers"][0].update(T_max=0),
        "rates of no group": lambda c: c["lr_schedulers"][0].update(base_lrs=[]),
    }),
    "warmup": (["scheduler=warmup"], {
        "a schedule of no step": lambda c: c["lr_schedulers"][0].update(total_iters=0),
        "a schedule of a step of text": lambda c: c["lr_schedulers"][0].update(total_iters="x"),
    }),
    "plateau": (["scheduler=plateau"], {
        "no plateau": lambda c: c.update(plateau=None),
        "a plateau of text": lambda c: c.update(plateau="x"),
        "a plateau of other keys": lambda c: c.update(plateau={"a": 1}),
        "a plateau's best of text": lambda c: c["plateau"].update(best="x"),
        "a plateau's method": lambda c: c["plateau"].update(step=3),
    }),
    "hypergradient": (["optimizer=hypergradient"], {
        "steps of text": lambda c: [state.update(steps="x") for state in states(c)],
        "steps of a tensor": lambda c: [state.update(steps=torch.zeros(2)) for state in states(c)],
        "directions of one": lambda c: [state.update(direction=torch.zeros(1)) for state in states(c)],
    }),
    "sgd": (["optimizer=sgd"], {
        "velocities of one": lambda c: [state.update(momentum_buffer=torch.zeros(1)) for state in states(c)],
        "a momentum of text": lambda c: group(c).update(momentum="x"),
    }),
    "lookup": (["model=lookup"], {"an optimizer too many": lambda c: c.update(optimizer_states="x")}),
}  # fmt: skip


def stopping(contents):
    return contents["callbacks"]["EarlyStopping{'monitor': 'val/loss', 'mode': 'min'}"]


@pytest.fixture(scope="module")
def wider(tmp_path_factory, shared_cache):
    """The same for runs with more options, each trained once."""
    made = {}

    def begun_with(words):
        if str(words) not in made:
            folder = tmp_path_factory.mktemp("wider")
            words = [*QUICK, f"cache_dir={shared_cache}", *words, "max_epochs=3"]
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Resumption, "_late", lambda self: self.table.rows[1:] != [])
                with pytest.raises(OutOfTime):
                    train(knobs(*words, "trainer.max_time=01:00:00:00"), folder / "run")
            made[str(words)] = checkpoint.read(folder / "run/checkpoints/last.ckpt"), words
        return made[str(words)]

    return begun_with


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, (_, changes) in WIDER.items() for name in changes])
def test_malformed_contents_of_larger_runs_are_refused_in_one_line(wider, tmp_path, kind, name):
    words, changes = WIDER[kind]
    with pytest.raises(InputError, match=r"last\.ckpt.*; pass another") as caught:
        resumed(wider(words), tmp_path, changes[name])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", WIDER)
def test_checkpoints_of_larger_runs_are_resumed(wider, tmp_path, kind):
    assert resumed(wider(WIDER[kind][0]), tmp_path, lambda contents: None)["epoch"] == 2


def test_the_checkpoint_of_a_run_is_resumed(begun, tmp_path):
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


OTHERS = "sgd", "adamw", "rmsprop", "sgdw", "rmspropw", "muon", "hypergradient"


@pytest.mark.parametrize("words", [*([f"optimizer={name}"] for name in OTHERS), ["ema=0.9"], ["model=lookup"],
                                   ["scheduler=plateau"], ["precision=64-true"]])  # fmt: skip
def test_every_optimizer_s_state_is_accepted(words, quick, tmp_path):
    train(quick(*words), tmp_path / "run")
    assert train(quick(*words, "max_epochs=3"), tmp_path / "run")["epoch"] == 2
