"""``freeze``, ``unfreeze_every`` and ``lr_scale`` in the whole stack: bits, optimizer states, resumed runs."""

import signal

import pytest
import torch
from torch import nn

from colourize.errors import InputError, Interrupted
from colourize.runs import checkpoint
from colourize.runs.trained import load
from colourize.tasks.chosen import train
from colourize.training.freezing import Freezing
from colourize.training.groups import groups
from tests.faults.states import assert_identical
from tests.interrupting import in_step
from tests.trained import weights

pytestmark = pytest.mark.usefixtures("no_figures")


@pytest.fixture(scope="module")
def first(tmp_path_factory, shared_cache):
    """A checkpoint of a trained network."""
    from tests.conftest import QUICK, knobs

    folder = tmp_path_factory.mktemp("first")
    train(knobs(*QUICK, "model=unet", f"cache_dir={shared_cache}"), folder / "run")
    return folder / "run/checkpoints/last.ckpt"


def bits(tensor):
    return tensor.numpy().tobytes()


def changed(folder, first):
    before, after = weights(first.parent.parent), weights(folder)
    return {name.removeprefix("model.network.") for name in before if bits(before[name]) != bits(after[name])}


def states(folder):
    """Names of the parameters for which the optimizer has a state."""
    contents = checkpoint.read(folder / "checkpoints/last.ckpt")
    (found,) = contents["optimizer_states"]
    groups = [index for group in found["param_groups"] for index in group["params"]]
    assert groups == list(range(len(groups)))
    return set(found["state"])


OPTIMIZERS = [
    ["optimizer=adamw", "optimizer.weight_decay=0.1"],
    ["optimizer=sgdw"],
    ["optimizer=muon", "optimizer.weight_decay=0.1"],
    ["optimizer=rmspropw", "ema=0.9"],
    ["optimizer=hypergradient", "optimizer.weight_decay=0.1"],
    ["optimizer=sgd", "precision=bf16-mixed"],
]


@pytest.mark.parametrize("words", OPTIMIZERS, ids=lambda words: words[0])
def test_not_one_bit_of_a_frozen_part_changes_and_it_has_no_optimizer_state(words, quick, first, tmp_path):
    train(quick("model=unet", f"init_from={first}", "freeze=[down*,up1.0.weight]", *words), tmp_path / "run")
    names = [name.removeprefix("model.network.") for name in weights(tmp_path / "run")]
    frozen = {name for name in names if name.startswith("down") or name == "up1.0.weight"}
    statistics = {name for name in names if name.endswith(("running_mean", "running_var", "num_batches_tracked"))}
    assert changed(tmp_path / "run", first) == {*names} - frozen - statistics - {"model.palette"}
    parameters = [name for name, _ in load(first).model.network.named_parameters()]
    assert states(tmp_path / "run") == {place for place, name in enumerate(parameters) if name not in frozen}


def test_batch_norms_of_frozen_parts_stay_unless_asked_to_move(quick, first, tmp_path):
    """Without init_from, whose batch norms all stay."""
    ended = {}
    for moving in ("false", "true"):
        train(quick("model=unet", "freeze=[down*]", f"moving_norms={moving}"), tmp_path / moving)
        ended[moving] = weights(tmp_path / moving)
    for part, still in (("down1", True), ("up1", False)):
        assert (int(ended["false"][f"model.network.{part}.1.num_batches_tracked"]) == 0) is still
        assert int(ended["true"][f"model.network.{part}.1.num_batches_tracked"]) == 6
    train(quick("model=unet", f"init_from={first}", "moving_norms=true"), tmp_path / "started")
    assert int(weights(tmp_path / "started")["model.network.up1.1.num_batches_tracked"]) == 12


def test_parts_are_trained_from_the_epoch_on_that_was_asked_for(quick, first, tmp_path):
    words = "model=unet", f"init_from={first}", "freeze=3", "unfreeze_every=1"
    expected = [{"down1", "down2", "up1"}, {"down1", "down2"}, {"down1"}, set()]
    for epochs, still in enumerate(expected, start=1):
        train(quick(*words, f"max_epochs={epochs}"), tmp_path / str(epochs))
        moved = {name.partition(".")[0] for name in changed(tmp_path / str(epochs), first)}
        assert moved == {"down1", "down2", "up1", "up2", "scores"} - still
    train(quick("model=unet", f"init_from={first}", "freeze={down1: 1}"), tmp_path / "named")
    assert "down1.0.weight" in changed(tmp_path / "named", first)


WORDS = [
    ["freeze=3", "unfreeze_every=1", "optimizer=adamw", "scheduler=onecycle", "lr_scale={down*: 0.1, scores: 3}"],
    ["freeze={down1: 1, up*: 2}", "ema=0.9", "save_every=1"],
    ["freeze=[down1]", "moving_norms=true", "lr_scale={up1.0: 0.5}", "optimizer=sgd"],
    ["lr=auto", "freeze=1"],
    ["init_from=null", "freeze={down1: 1}"],  # without it, all batch norms stay
]


@pytest.mark.parametrize("words", WORDS, ids=lambda words: words[0])
def test_a_run_interrupted_at_any_batch_ends_in_the_same_bits(words, quick, first, tmp_path):
    options = quick("model=unet", f"init_from={first}", "max_epochs=3", "save_every=2", *words)
    train(options, tmp_path / "whole")
    for step in (0, 4, 7):
        with pytest.MonkeyPatch.context() as patch:
            in_step(patch, step, lambda: signal.raise_signal(signal.SIGTERM))
            with pytest.raises(Interrupted):
                train(options, tmp_path / str(step))
        train(options, tmp_path / str(step))
        assert_identical(tmp_path / "whole", tmp_path / str(step))


def test_a_part_with_a_scale_moves_as_with_a_rate_of_that_size(quick, first, tmp_path):
    """SGD without momentum, one step: the change of a weight is proportional to its rate."""
    one = (
        "max_epochs=1",
        "trainer.limit_train_batches=1",
        "optimizer=sgd",
        "optimizer.momentum=0",
    )
    one = *one, "optimizer.nesterov=false", "model=unet", f"init_from={first}", "lr=0.5"
    for name, more in (("plain", []), ("scaled", ["lr_scale={up*: 0.5, up1.0: 0.25}"])):
        train(quick(*one, *more), tmp_path / name)
    start, plain, scaled = (
        weights(folder) for folder in (first.parent.parent, tmp_path / "plain", tmp_path / "scaled")
    )
    for name, factor in (("up1.0.weight", 0.125), ("up2.0.weight", 0.5), ("down1.0.weight", 1)):
        key = f"model.network.{name}"
        torch.testing.assert_close(scaled[key] - start[key], factor * (plain[key] - start[key]), rtol=1e-3, atol=1e-7)


def test_one_factor_for_all_parts_lowers_the_peak_of_onecycle(quick, tmp_path):
    train(quick("model=unet", "lr_scale={*: 0.1}", "scheduler=onecycle", "lr=0.01"), tmp_path / "run")
    (state,) = checkpoint.read(tmp_path / "run/checkpoints/last.ckpt")["optimizer_states"]
    assert [group["max_lr"] for group in state["param_groups"]] == pytest.approx([0.001])


def test_schedules_keep_the_ratios_of_the_rates(quick, first, tmp_path):
    train(quick("model=unet", "lr_scale={*: 0.5, up*: 0.2}", "scheduler=onecycle", "lr=0.01"), tmp_path / "run")
    contents = checkpoint.read(tmp_path / "run/checkpoints/last.ckpt")
    rates = [group["max_lr"] for group in contents["optimizer_states"][0]["param_groups"]]
    assert rates == pytest.approx([0.005, 0.001])


def test_freezing_everything_or_a_part_that_is_not_there_is_refused(quick, tmp_path):
    with pytest.raises(
        InputError, match="freeze leaves nothing to train in epoch 1, got down1, down2, scores, up1, up2"
    ):
        train(quick("model=unet", "freeze=[*]"), tmp_path / "all")
    with pytest.raises(InputError, match="freeze: the network has no part encoder; its modules are down1, down2, up1"):
        train(quick("model=unet", "freeze=encoder"), tmp_path / "none")
    with pytest.raises(InputError, match="lr_scale: the network has no part encoder; its modules are"):
        train(quick("model=unet", "lr_scale={encoder: 0.1}"), tmp_path / "scale")


def test_a_resumed_run_with_other_frozen_parts_is_refused(quick, tmp_path):
    train(quick("model=unet", "freeze=1", "max_epochs=1"), tmp_path / "run")
    with pytest.raises(InputError, match="was trained with freeze=1, not 2; pass freeze=1"):
        train(quick("model=unet", "freeze=2"), tmp_path / "run")


def test_a_weight_without_gradient_in_the_network_itself_stays_so_and_modes_follow_the_epoch():
    network = nn.Sequential(
        nn.Linear(2, 2), nn.BatchNorm1d(2, affine=False), nn.Sequential(nn.Linear(2, 2), nn.Dropout())
    )
    network[0].bias.requires_grad_(False)
    freezing = Freezing(network, {"2": 1})
    freezing.apply(0)
    assert [p.requires_grad for p in network.parameters()] == [True, False, False, False]
    assert not network[2][1].training and network[1].training
    freezing.apply(1)
    assert [p.requires_grad for p in network.parameters()] == [True, False, True, True] and network[2][1].training


def test_equal_factors_are_one_group_and_the_factor_one_comes_first():
    assert groups("abc", [1, 1.0, 1], 0.1) == ["a", "b", "c"]
    assert groups("abc", [0.5, 1, 0.5], 0.1) == [{"params": ["b"]}, {"params": ["a", "c"], "lr": 0.05}]
    assert groups("ab", [2, 2], 0.1) == [{"params": ["a", "b"], "lr": 0.2}]
