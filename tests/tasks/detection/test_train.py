"""Training runs of detection: the same bits after an interruption, frozen parts, a head that learns one picture."""

import signal

import pytest
import torch

from colourize.config.compose import plain
from colourize.errors import InputError, Interrupted
from colourize.models.yolox import YOLOX
from colourize.models.yolox_weights import read
from colourize.runs import checkpoint
from colourize.runs.trained import load
from colourize.tasks.chosen import task, train
from colourize.tasks.detection import starting
from colourize.tasks.detection.module import Detector
from colourize.training import range_test
from tests.conftest import composed
from tests.detection_runs import SMALL
from tests.faults.states import assert_identical
from tests.interrupting import in_step
from tests.trained import rows, weights


def knobs(*words):
    return plain(composed(*SMALL, *words))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    train(knobs(), folder)
    return folder


def test_the_table_has_the_parts_of_the_loss_and_average_precision(whole):
    found = rows(whole)
    assert list(found[0])[2:9] == [
        "train/loss", "train/box", "train/object", "train/class", "val/loss", "val/AP", "val/AP50",
    ]  # fmt: skip
    for row in found:
        parts = [float(row[f"train/{name}"]) for name in ("box", "object", "class")]
        assert sum(parts) == pytest.approx(float(row["train/loss"]), rel=1e-5)


slow = pytest.mark.slow


@pytest.mark.parametrize("step", [pytest.param(1, marks=slow), 3, pytest.param(5, marks=slow)])
def test_an_interrupted_run_ends_in_the_same_bits(tmp_path, whole, step):
    with pytest.MonkeyPatch.context() as patch:
        in_step(patch, step, lambda: signal.raise_signal(signal.SIGTERM), Detector)
        with pytest.raises(Interrupted):
            train(knobs(), tmp_path / "run")
    train(knobs(), tmp_path / "run")
    assert_identical(whole, tmp_path / "run")


def test_lr_auto_finds_a_rate_for_a_detector_too(tmp_path, monkeypatch):
    tried = [1e-5 * 10**step for step in range(4)]
    monkeypatch.setattr(range_test, "rates", lambda: tried)
    train(knobs("max_epochs=1", "lr=auto", "ema=null"), tmp_path / "run")
    config = checkpoint.read(tmp_path / "run/checkpoints/last.ckpt")["config"]
    assert isinstance(config["lr"], float) and config["optimizer"]["lr"] == config["lr"]
    assert (tmp_path / "run/learning_rate.png").is_file()


def test_frozen_parts_do_not_change_by_one_bit(tmp_path, whole):
    file = whole / "checkpoints/last.ckpt"
    train(knobs("max_epochs=1", "freeze=[backbone,neck]", f"init_from={file}", "ema=null"), tmp_path / "run")
    before, after = weights(whole), weights(tmp_path / "run")
    frozen = [name for name in before if name.startswith(("network.backbone.", "network.neck."))]
    assert len(frozen) > 100
    assert all(torch.equal(before[name], after[name]) for name in frozen)
    assert any(not torch.equal(before[name], after[name]) for name in before.keys() - set(frozen))


@pytest.mark.parametrize("moves", [False, True])
def test_batch_norms_of_frozen_parts_move_only_on_request(tmp_path, whole, moves):
    words = "max_epochs=1", "freeze=[backbone]", f"init_from={whole}", "ema=null", f"moving_norms={str(moves).lower()}"
    train(knobs(*words), tmp_path / "run")
    before, after = weights(whole, "best"), weights(tmp_path / "run")
    name = "network.backbone.stem.conv.bn.running_mean"
    assert torch.equal(before[name], after[name]) != moves


def test_the_head_keeps_the_rows_of_classes_of_the_same_name():
    network, source = (YOLOX(count, 0.33, 0.0625) for count in (3, 4))
    before = network.head.cls_preds[0].weight.detach().clone()
    kept = starting.take(
        network, source.state_dict(), ("person", "apple", "car", "banana"), ("banana", "kiwi", "apple")
    )
    assert kept == ["banana", "apple"]
    new, old = network.head.cls_preds[0], source.head.cls_preds[0]
    assert torch.equal(new.weight[0], old.weight[3]) and torch.equal(new.weight[2], old.weight[1])
    assert torch.equal(new.bias[2], old.bias[1]) and torch.equal(new.weight[1], before[1])
    assert torch.equal(network.backbone.stem.conv.conv.weight, source.backbone.stem.conv.conv.weight)


def test_a_checkpoint_of_a_detector_says_so_where_a_colourizer_is_expected(whole):
    with pytest.raises(InputError, match="is a detector"):
        load(whole / "checkpoints/last.ckpt")


@pytest.mark.slow
def test_a_network_fitted_to_one_picture_finds_its_boxes():
    small = "data.num_train=2", "data.num_validation=2", "classes=[meadow]"
    given = knobs(*small, "image_size=64", "model.width=0.125")
    own = task(given)
    data = own.data(given)
    data.validation.boxed = data.truth = data.boxed
    torch.manual_seed(0)
    module = own.module(given, data)
    optimizer = torch.optim.Adam(module.parameters(), 0.005)
    batch = data.validation[0, torch.arange(2)]
    for _ in range(120):
        optimizer.zero_grad()
        sum(module._losses(batch, True).values()).backward()
        optimizer.step()
    with torch.no_grad():
        found = module(batch[0])
    for (boxes, scores, labels), truth, wanted in zip(found, batch[1], batch[2], strict=True):
        count = int((wanted >= 0).sum())
        order = [int((boxes[:count] - box).abs().sum(dim=1).argmin()) for box in truth[:count]]
        torch.testing.assert_close(boxes[order], truth[:count], atol=4, rtol=0)
        assert labels[order].tolist() == wanted[:count].tolist()
        assert (scores[order] > 0.3).all()


def test_a_side_that_the_strides_do_not_divide_is_refused(tmp_path):
    with pytest.raises(InputError, match="image_size must be a multiple of 32, got 40; pass 32"):
        train(knobs("image_size=40"), tmp_path / "run")


def test_init_from_a_file_of_another_network_is_one_line(tmp_path, whole):
    torch.save(YOLOX(3, 0.33, 0.125).state_dict(), tmp_path / "wide.pth")
    with pytest.raises(InputError, match="pass weights of this network"):
        train(knobs(f"init_from={tmp_path / 'wide.pth'}"), tmp_path / "run")
    assert read(tmp_path / "wide.pth", YOLOX(3, 0.33, 0.125))
