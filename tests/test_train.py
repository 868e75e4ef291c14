import csv
import errno
import json
import re
import shutil

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.plugins.hparams.metadata import SESSION_START_INFO_TAG, parse_session_start_info_plugin_data

from colourize import checkpoint, manifest
from colourize.callbacks import ProgressBar
from colourize.compilation import compiled, trial_batch
from colourize.data.module import LabelledPictures
from colourize.data.scenes import load
from colourize.errors import InputError
from colourize.module import Colourizer, pixel_cross_entropy
from colourize.results import COMPARED, GROUPS
from colourize.targets import instantiate
from colourize.train import train
from tests.conftest import QUICK, knobs


def weights(folder, name="last"):
    return torch.load(folder / f"checkpoints/{name}.ckpt", weights_only=True)["state_dict"]


def rows(folder):
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(quick, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(quick(f"seed={seed}"), tmp_path / name)
    assert equal(weights(tmp_path / "a"), weights(tmp_path / "b"))
    assert not equal(weights(tmp_path / "a"), weights(tmp_path / "c"))


def test_metrics_have_one_row_an_epoch_with_the_fixed_columns(finished_run):
    table = rows(finished_run)
    assert [row["epoch"] for row in table] == ["0", "1"]
    assert [row["step"] for row in table] == ["3", "6"]
    for column in ("train/loss", "train/accuracy", "val/loss", "val/accuracy", "lr", "images_per_second"):
        assert all(np.isfinite(float(row[column])) for row in table), column


def test_figures_can_be_looked_at(finished_run):
    for name in ("pictures.png", "curves.png"):
        with Image.open(finished_run / name) as image:
            assert image.width > 600
            assert len(image.convert("RGB").getcolors(1 << 24)) > 20


def test_tensorboard_holds_curves_pictures_and_one_row_of_hyperparameters(finished_run):
    events = EventAccumulator(str(finished_run / "tensorboard"), size_guidance={"images": 0, "scalars": 0})
    events.Reload()
    for tag in ("train/loss", "train/accuracy", "val/loss", "val/accuracy", "lr", "images_per_second"):
        assert [scalar.step for scalar in events.Scalars(tag)] == [3, 6], tag
    table = rows(finished_run)
    assert [scalar.value for scalar in events.Scalars("val/loss")] == pytest.approx(
        [float(row["val/loss"]) for row in table]
    )
    assert len(events.Images("grey, true, predicted")) == 2
    assert len(events.Scalars("hp/val/loss")) == 1


def test_the_row_of_hyperparameters_holds_the_values_that_took_effect_and_the_measures_to_compare(finished_run):
    events = EventAccumulator(str(finished_run / "tensorboard")).Reload()
    contents = events.PluginTagToContent("hparams")
    row = parse_session_start_info_plugin_data(contents[SESSION_START_INFO_TAG]).hparams
    assert (row["batch_size"].number_value, row["model.num_filters"].number_value) == (8, 4)
    assert row["model._target_"].string_value == "colourize.models.convtranspose.ConvTransposeNet"
    said = json.loads((finished_run / "run.json").read_text())
    assert {*said["config"]} - {*GROUPS} - {*row} == {
        name for name, value in said["config"].items() if value is None
    }  # a knob without a value has no cell
    for name in COMPARED:
        (point,) = events.Scalars(f"hp/{name}")
        assert point.value == pytest.approx(said["metrics"][name])


def test_custom_scalars_have_training_and_validation_in_one_chart(finished_run):
    events = EventAccumulator(str(finished_run / "tensorboard")).Reload()
    (content,) = events.Tensors("custom_scalars__config__")[-1].tensor_proto.string_val
    (category,) = Layout.FromString(content).category
    tags = events.Tags()["scalars"]
    shown = {
        chart.title: [tag for pattern in chart.multiline.tag for tag in tags if re.match(pattern, tag)]
        for chart in category.chart
    }
    assert shown == {"loss": ["train/loss", "val/loss"], "accuracy": ["train/accuracy", "val/accuracy"]}


def test_validation_loss_of_the_table_is_that_of_the_checkpoint(finished_run):
    """The mean over validation pixels, computed here from the best checkpoint alone."""
    contents = checkpoint.read(finished_run / "checkpoints/best.ckpt")
    config = contents["config"]
    from colourize.colour import grey
    from colourize.palette import quantize
    from colourize.targets import instantiate

    images = instantiate(config["data"]).validation
    module = checkpoint.load(finished_run / "checkpoints/best.ckpt")
    with torch.no_grad():
        likelihood = module(grey(images)).double().log_softmax(dim=1)
    labels = quantize(images, module.palette).long()
    loss = -likelihood.gather(1, labels[:, None]).mean().item()
    assert loss == pytest.approx(min(float(row["val/loss"]) for row in rows(finished_run)), abs=1e-5)


def test_going_on_from_a_checkpoint_ends_where_an_uninterrupted_run_does(quick, tmp_path):
    train(quick("max_epochs=4"), tmp_path / "whole")
    train(quick("max_epochs=2"), tmp_path / "half")
    last = tmp_path / "half/checkpoints/last.ckpt"
    train(quick("max_epochs=4", f"ckpt_path={last}"), tmp_path / "rest")
    assert equal(weights(tmp_path / "whole"), weights(tmp_path / "rest"))
    untimed = [[{k: row[k] for k in row if k not in ("seconds", "images_per_second")} for row in rows(tmp_path / name)]
               for name in ("whole", "rest")]  # fmt: skip
    assert untimed[0] == untimed[1]


@pytest.mark.parametrize("option", ["optimizer=adamw", "optimizer=sgd", "optimizer=rmsprop"])
@pytest.mark.parametrize("scheduler", ["none", "cosine", "onecycle", "warmup", "plateau"])
def test_every_optimizer_and_scheduler_trains(quick, tmp_path, option, scheduler):
    metrics = train(quick(option, f"scheduler={scheduler}", "max_epochs=1"), tmp_path)
    assert np.isfinite(metrics["val/loss"])


def test_bf16_trains_close_to_float32_over_seeds(quick, tmp_path):
    differences = []
    for seed in range(3):
        losses = [
            train(quick(f"precision={precision}", f"seed={seed}"), tmp_path / precision / str(seed))["val/loss"]
            for precision in ("32-true", "bf16-mixed")
        ]
        differences.append(losses[1] / losses[0] - 1)
    assert max(map(abs, differences)) < 0.02


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("classes=0.5", "unknown class; pass some of meadow"),
        ("num_colours=9999", "only .* distinct colours"),
        ("palette=missing.npy", "palette=missing.npy: no such file"),
        ("classes=hourse", "classes='hourse': unknown class; pass some of meadow"),
        ("ckpt_path=missing.ckpt", "no such checkpoint"),
        ("precision=33", "precision=33 is unknown; pass one of 32-true"),
        ("+trainer.foo=1", "foo=1.*unexpected keyword argument 'foo'"),
        ("optimizer.weight_decay=-1", "optimizer: Invalid weight_decay value"),
        ("data.num_train=1", "num_train=1 is too small"),
    ],
)
def test_bad_input_is_told_with_its_value(quick, tmp_path, override, message):
    with pytest.raises(InputError, match=message) as caught:
        train(quick(override), tmp_path / "run")
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_told_with_the_remedy(quick, tmp_path):
    with pytest.raises(InputError, match=r"accelerator=gpu.*pass accelerator=cpu or auto"):
        train(quick("accelerator=gpu"), tmp_path)


def test_a_checkpoint_of_another_configuration_is_not_continued(finished_run, tmp_path):
    last = finished_run / "checkpoints/last.ckpt"
    with pytest.raises(InputError, match="was trained with kernel=3, not 5; pass kernel=3"):
        train(knobs(*QUICK, f"ckpt_path={last}", "kernel=5", f"cache_dir={finished_run / 'cache'}"), tmp_path)


def test_going_on_with_another_palette_is_refused(picture_folder, tmp_path):
    """The labels would be made with one palette, the checkpoint decode with another."""
    np.save(tmp_path / "p.npy", np.random.default_rng(0).random((4, 3)).astype(np.float32))
    settings = ["data=folder", f"data.root={picture_folder}", "image_size=8", "num_colours=4", "num_filters=2",
                f"cache_dir={tmp_path / 'cache'}", f"palette={tmp_path / 'p.npy'}"]  # fmt: skip
    train(knobs(*settings, "max_epochs=1"), tmp_path / "first")
    np.save(tmp_path / "p.npy", np.load(tmp_path / "p.npy")[::-1])
    last = tmp_path / "first/checkpoints/last.ckpt"
    with pytest.raises(InputError, match="was trained on other pictures or another palette"):
        train(knobs(*settings, "max_epochs=2", f"ckpt_path={last}"), tmp_path / "second")


def test_a_schedule_is_not_stretched_on_resumption_but_goes_on_at_its_length(quick, tmp_path):
    settings = ["scheduler=onecycle", "max_epochs=4"]
    train(quick(*settings), tmp_path / "whole")
    last = tmp_path / "whole/checkpoints/last.ckpt"
    with pytest.raises(InputError, match="max_epochs=4, not 6; pass max_epochs=4"):
        train(quick("scheduler=onecycle", "max_epochs=6", f"ckpt_path={last}"), tmp_path / "longer")
    early = tmp_path / "early.ckpt"

    def stop(callback, trainer, *args):
        if trainer.current_epoch == 1:
            trainer.save_checkpoint(early)
            raise EOFError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("colourize.callbacks.ExamplePictures.on_train_epoch_end", stop, raising=False)
        with pytest.raises(EOFError):
            train(quick(*settings), tmp_path / "half")
    train(quick(*settings, f"ckpt_path={early}"), tmp_path / "rest")
    rates = [[row["lr"] for row in rows(tmp_path / name)][-2:] for name in ("whole", "rest")]
    assert rates[0] == rates[1]


def test_the_rate_of_an_epoch_is_that_of_its_first_step(quick, tmp_path):
    train(quick("scheduler=cosine", "max_epochs=3"), tmp_path)
    expected = [0.001 * (1 + np.cos(np.pi * epoch / 3)) / 2 for epoch in range(3)]
    assert [float(row["lr"]) for row in rows(tmp_path)] == pytest.approx(expected)


def test_epochs_without_validation_have_empty_cells(quick, tmp_path):
    train(quick("max_epochs=4", "+trainer.check_val_every_n_epoch=3", "+trainer.enable_progress_bar=false"), tmp_path)
    assert [row["val/loss"] == "" for row in rows(tmp_path)] == [True, True, False, True]


def test_the_same_ten_pictures_are_shown_each_epoch_in_evaluation_mode(quick, tmp_path, monkeypatch):
    from colourize import callbacks

    seen, original = [], callbacks.examples

    def spy(module, grey, labels):
        assert not module.training
        seen.append(original(module, grey, labels))
        return seen[-1]

    monkeypatch.setattr(callbacks, "examples", spy)
    train(quick("lr=0.1"), tmp_path)
    assert len(seen) == 2
    for name in ("grey", "true class"):
        assert len(seen[0][name]) == 10
        assert torch.equal(seen[0][name], seen[1][name])
    assert not torch.equal(seen[0]["predicted"], seen[1]["predicted"])


def test_a_run_without_validation_is_refused(quick, tmp_path):
    with pytest.raises(InputError, match="left no epoch with a validation"):
        train(quick("+trainer.limit_val_batches=0"), tmp_path)


def test_a_limit_that_leaves_no_batch_is_told_in_one_line(quick, tmp_path):
    with pytest.raises(
        InputError, match=r"limit_train_batches': 0.01.*requested to check 0.01 of the `train_dataloader`"
    ):
        train(quick("+trainer.limit_train_batches=0.01"), tmp_path)


def test_nothing_left_to_train_is_said(finished_run, tmp_path):
    last = finished_run / "checkpoints/last.ckpt"
    with pytest.raises(
        InputError, match="max_epochs=2 leaves nothing to train.*2 epochs behind it; pass max_epochs=3 or more"
    ):
        train(knobs(*QUICK, f"ckpt_path={last}", f"cache_dir={finished_run / 'cache'}"), tmp_path)


def test_the_second_run_neither_fits_a_palette_nor_decodes(picture_folder, tmp_path, monkeypatch):
    settings = knobs("data=folder", f"data.root={picture_folder}", "image_size=8", "num_colours=4", "max_epochs=1",
                     f"cache_dir={tmp_path / 'cache'}")  # fmt: skip
    train(settings, tmp_path / "first")
    monkeypatch.setattr("colourize.palette.fit", None)
    monkeypatch.setattr("colourize.data.folder.read_rgb", None)
    train(settings, tmp_path / "second")
    assert equal(weights(tmp_path / "first"), weights(tmp_path / "second"))


@pytest.mark.real
def test_an_epoch_on_real_horses_beats_the_class_prior(real_pictures, tmp_path):
    """The majority colour of 24 leaves 3.085 nats; one epoch of UNet leaves less, seeing nothing but grey."""
    settings = knobs("model=unet", "data=folder", f"data.root={real_pictures}", "classes=horse", "max_epochs=1",
                     f"cache_dir={tmp_path / 'cache'}")  # fmt: skip
    metrics = train(settings, tmp_path / "run")
    assert metrics["val/loss"] < 2.6
    assert metrics["step"] == 50


def test_where_torch_cannot_compile_the_run_goes_on_without(quick, tmp_path, monkeypatch, caplog):
    def no_compiler(*args, **kwargs):
        raise RuntimeError("no compiler found")

    monkeypatch.setattr(torch.nn.Module, "compile", no_compiler)
    metrics = train(quick("compile=true", "max_epochs=1"), tmp_path / "a")
    assert "compile=true: torch cannot compile here (no compiler found); it goes on without" in caplog.text
    assert metrics["train/loss"] == train(quick("max_epochs=1"), tmp_path / "b")["train/loss"]


@pytest.mark.parametrize(("words", "shape"), [(["model=unet"], (8, 1, 8, 8)),
                                              (["model=resunet_small", "hints=true"], (8, 5, 8, 8)),
                                              (["model=resunet_small", "batch_size=1"], (2, 1, 8, 8))])  # fmt: skip
def test_the_trial_of_the_compiler_is_a_batch_as_training_has_it(words, shape):
    settings = knobs(*QUICK, *words)
    palette = torch.rand(4, 3)
    module = Colourizer(instantiate(settings["model"]), palette, settings)
    pictures = LabelledPictures(load(24, 2, image_size=8).train, palette)
    assert trial_batch(module, pictures, settings["batch_size"]).shape == shape


@pytest.mark.filterwarnings("ignore")  # torch's compiler warns of itself
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles with g++")
def test_a_compiled_network_makes_the_same_ten_steps_but_for_rounding():
    grey, labels = torch.rand(4, 1, 8, 8), torch.randint(0, 4, (4, 8, 8))
    losses = []
    for compiles in (True, False):
        torch.manual_seed(0)
        network = instantiate(knobs(*QUICK, "model=unet")["model"])
        if compiles:
            compiled(network, grey)
            assert network._compiled_call_impl is not None
        optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
        for _ in range(10):
            optimizer.zero_grad()
            loss = pixel_cross_entropy(network(grey), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert losses[:10] == pytest.approx(losses[10:], abs=1e-5)


def test_a_signal_while_the_bar_s_thread_starts_is_not_hidden_by_another_error():
    class Starting:
        def stop(self):
            raise RuntimeError("cannot join thread before it is started")

    bar = ProgressBar()
    bar.progress = Starting()
    bar._stop_progress()


def test_a_loader_worker_that_was_lost_before_torch_noticed_is_no_full_disk(quick, tmp_path, monkeypatch):
    def lost(*_, **__):
        raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")

    monkeypatch.setattr(pl.Trainer, "fit", lost)
    with pytest.raises(InputError, match=r"^DataLoader worker \(pid unknown\) was lost: Connection reset by peer$"):
        train(quick(), tmp_path / "run")
    assert manifest.read(tmp_path / "run")["status"] == "failed"
