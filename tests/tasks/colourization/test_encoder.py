"""Networks on an encoder in the whole stack: frozen, then trained, resumed, loaded without the encoder's file."""

import json

import pytest
import torch

import colourize
from colourize.errors import InputError
from colourize.tasks.chosen import train
from colourize.tasks.colourization.building import module
from colourize.tasks.colourization.data import load
from tests.conftest import knobs
from tests.encoders import weights, words
from tests.trained import weights as saved

SMALL = ("data=scenes", "data.num_train=24", "data.num_validation=4", "image_size=32", "num_filters=4",
         "num_colours=6", "colour_space=lab", "batch_size=8", "optimizer=adamw")  # fmt: skip


def encoder(folder, name):
    return {key: tensor for key, tensor in saved(folder, name).items() if key.startswith("model.network.encoder.")}


def test_an_encoder_is_frozen_for_the_epochs_asked_for_and_then_trained(tmp_path):
    for epochs in (1, 2):
        config = knobs(*SMALL, *words(tmp_path), "frozen_epochs=1", "ema=0.9", f"max_epochs={epochs}",
                       "scheduler=onecycle", "augment=crops", "augment.size=16", f"cache_dir={tmp_path}")  # fmt: skip
        train(config, tmp_path / str(epochs))
    given = torch.load(weights(tmp_path), weights_only=True)
    for name, tensor in encoder(tmp_path / "1", "last").items():
        assert torch.equal(tensor, given[name.removeprefix("model.network.encoder.")]), name
    changed = [name for name, tensor in encoder(tmp_path / "2", "last").items()
               if not torch.equal(tensor, given[name.removeprefix("model.network.encoder.")])]  # fmt: skip
    statistics = "running_mean", "running_var", "num_batches_tracked"
    assert set(changed) == {name for name in encoder(tmp_path / "2", "last") if not name.endswith(statistics)}
    groups = torch.load(tmp_path / "2/checkpoints/last.ckpt", weights_only=True)["optimizer_states"][0]["param_groups"]
    assert [group["max_lr"] for group in groups] == pytest.approx([0.001, 0.0001])


def test_a_checkpoint_needs_no_file_of_the_encoder(tmp_path):
    file = weights(tmp_path)
    config = knobs(*SMALL, *words(tmp_path), "max_epochs=1", f"cache_dir={tmp_path}")
    train(config, tmp_path / "run")
    file.unlink()
    model = colourize.load(tmp_path / "run/checkpoints/last.ckpt")
    assert model.stride == 4 and model.predict(torch.rand(1, 1, 30, 41), "mean").shape == (1, 3, 30, 41)
    figures = json.loads((tmp_path / "run/evaluation.json").read_text())
    assert {"look-up table", "grey as it is", "EncoderUNet", "true class"} <= figures.keys()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ["encoder_weights=none"],
            "encoder_weights=none leaves an encoder without training, got frozen_epochs=null; p",
        ),
        (["image_size=30"], "image_size must be a multiple of model.stride=4, got 30x30 pixels; pass image_size=32"),
        (["frozen_epochs=0", "frozen_stride=3"], "frozen_stride must be 0 or a stride of test_efficientnet's features"),
        (["augment=crops", "augment.size=[16,10]"], "augment.size must be a multiple of model.stride=4, got 10x10"),
        (["augment=crops", "augment.size=10"], "augment.size must be a multiple of model.stride=4, got 10x10"),
        (
            ["augment=flips", "augment.shift=1"],
            "require a label for each pixel, got model.stride=4; pass augment=crops",
        ),
    ],
)
def test_conflicting_settings_are_named(more, message, tmp_path):
    config = knobs(*SMALL, *words(tmp_path), *more, f"cache_dir={tmp_path}")
    with pytest.raises(InputError, match=message):
        train(config, tmp_path / "run")


@pytest.mark.slow
def test_on_scenes_of_64_pixels_it_beats_the_look_up_table_by_a_margin(tmp_path):
    """The experiment as it is, on 286 drawn landscapes, two epochs: skill above 0.2 (seeds 0, 1: 0.42, 0.42)."""
    drawn = "data=scenes", "data.num_train=300", "data.num_validation=4", "image_size=64", "augment.size=48"
    config = knobs("experiment=photographs", *drawn, "num_colours=24", "max_epochs=2", f"cache_dir={tmp_path}")
    assert train(config, tmp_path / "run")["val/skill"] > 0.2


def test_layers_up_to_a_stride_and_pictures_of_several_sizes_go_through_a_run(tmp_path):
    config = knobs(*SMALL, *words(tmp_path), "frozen_epochs=0", "frozen_stride=16", "model.zoom=2", "max_epochs=2",
                   "augment=crops", "augment.size=[16,24]", f"cache_dir={tmp_path}")  # fmt: skip
    train(config, tmp_path / "run")
    given = torch.load(weights(tmp_path), weights_only=True)
    changed = [name for name, tensor in encoder(tmp_path / "run", "last").items()
               if not torch.equal(tensor, given[name.removeprefix("model.network.encoder.")])]  # fmt: skip
    assert changed and all(name.startswith("model.network.encoder.blocks.4.") for name in changed)


@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true"])
def test_an_encoder_can_be_trained_in_other_precisions(precision, tmp_path):
    config = knobs(*SMALL, *words(tmp_path), "frozen_epochs=0", "max_epochs=1", "augment=crops", "augment.size=16",
                   f"precision={precision}", f"cache_dir={tmp_path}")  # fmt: skip
    assert train(config, tmp_path / "run")["train/loss"] < 3


def test_freeze_and_lr_scale_name_parts_beside_the_encoder_s_own_knobs(tmp_path):
    config = knobs(*SMALL, *words(tmp_path), "frozen_epochs=1", "frozen_stride=4", "encoder_rate=0.5",
                   "freeze={encoder.conv_stem: null, head: 2}",
                   "lr_scale={encoder: 0.1, decoder*: 0.2}", f"cache_dir={tmp_path}")  # fmt: skip
    built = module(config, load(config))
    parts = {"encoder.conv_stem", "encoder.bn1", "encoder.blocks.0", "encoder.blocks.1"}
    assert built.freezing.frozen(0) == {"encoder", "head", *parts}
    assert built.freezing.frozen(1) == {"head", *parts}
    assert built.freezing.frozen(9) == parts
    found = built.grouped(list(built.parameters()))
    rates = {id(each): group.get("lr", 0.001) for group in found for each in group["params"]}
    named = {name: rates[id(each)] for name, each in built.model.network.named_parameters()}
    for part, rate in (("encoder.", 0.00005), ("decoder.", 0.0002), ("scores.", 0.001)):
        found = {own for name, own in named.items() if name.startswith(part)}
        assert [*found] == [pytest.approx(rate)]
