"""Formats of checkpoints and run folders: the stored entries, and the reader of format 1.

``format1/`` contains three checkpoints that version 2a7c232 wrote after the first of two epochs on 64 drawn scenes, and
digits that it computed: logits of a ramp, and the losses of both epochs.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import colourize
from colourize.config import options, stored
from colourize.errors import InputError
from colourize.runs import format1, manifest
from colourize.runs.checkpoint import read
from colourize.runs.trained import load
from colourize.tasks.chosen import train
from tests.conftest import knobs

FORMER = Path(__file__).parent / "format1"
DIGITS = json.loads((FORMER / "digits.json").read_text())
COMMON = "data=scenes", "data.num_train=64", "data.num_validation=16", "batch_size=16", "max_epochs=2", "measures=quick"
SETTINGS = {
    "convtranspose": ["model=convtranspose", "num_filters=4", "num_colours=8", "seed=3"],
    "resunet": ["model=resunet_small", "num_filters=8", "colour_space=lab", "hints=true", "ema=0.9",
                "loss=rebalanced", "num_colours=12", "augment=flips"],
    "unet": ["model=unet", "num_filters=4", "colour_space=oklab", "kernel=5", "optimizer=sgd", "scheduler=cosine",
             "loss=soft", "num_colours=6"],
}  # fmt: skip


@pytest.mark.parametrize("name", DIGITS)
def test_a_model_of_format_1_gives_the_same_numbers_as_its_writer(name):
    model = colourize.load(FORMER / f"{name}.ckpt")
    with torch.no_grad():
        logits = model(torch.linspace(0, 255 / 256, 256).view(1, 1, 16, 16))
    rows, columns = zip(*DIGITS[name]["at"], strict=True)
    assert type(model.network).__name__ == DIGITS[name]["network"]
    torch.testing.assert_close(
        logits[0, :, rows, columns].T, torch.tensor(DIGITS[name]["logits"]), atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize("name", DIGITS)
def test_a_run_of_format_1_is_resumed_to_the_losses_of_its_writer(name, tmp_path):
    words = *COMMON, *SETTINGS[name], f"ckpt_path={FORMER / name}.ckpt", f"cache_dir={tmp_path / 'cache'}"
    row = train(knobs(*words), tmp_path / "run")
    for measure in ("train/loss", "val/loss"):
        assert row[measure] == pytest.approx(DIGITS[name][measure][1], rel=1e-3)


def test_a_checkpoint_contains_names_of_options_and_no_python_path(finished_run):
    contents = torch.load(finished_run / "checkpoints/last.ckpt", weights_only=True)
    assert contents["format"] == 2
    assert contents["config"]["model"]["name"] == "convtranspose"
    assert contents["config"]["colour_space"] == {"name": "rgb", "version": 1}
    for text in (json.dumps(contents["config"]), (finished_run / "run.json").read_text()):
        assert "_target_" not in text and "colourize." not in text


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["model=unet_half", "loss=soft", "augment=flips", "scheduler=plateau"],
        ["data=folder", "data.root=x", "optimizer=hypergradient", "colour_space=oklab"],
    ],
)
def test_unpacking_undoes_packing(words):
    config = knobs(*words)
    packed = stored.packed(config)
    assert packed == stored.packed(packed)
    assert json.loads(json.dumps(stored.unpacked(packed, "x"))) == json.loads(json.dumps(config))


def test_a_folder_of_format_1_is_read_like_a_current_one(tmp_path):
    config = knobs("loss=focal", "scheduler=onecycle", "optimizer=sgdw")
    paths = {path: former for former, (group, name) in format1.MOVED.items() for path in [options.OPTIONS[group][name]]}
    text = json.dumps({"status": "finished", "config": config})
    for path, former in paths.items():
        text = text.replace(f'"{path}"', f'"{former}"')
    assert "colourize.losses.Focal" in text
    (tmp_path / "run.json").write_text(text)
    assert manifest.read(tmp_path)["config"] == json.loads(json.dumps(config))


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"name": "os.system", "version": 1, "values": {}}, "model must be an option of colourize, got os.system"),
        ({"name": "unet", "version": 2, "values": {}}, "model=unet must be of version 1 to 1, got 2; install a newer"),
        ({"name": "unet", "version": True, "values": {}}, "model=unet must be of version 1 to 1, got True"),
        ({"name": "unet", "version": 1, "values": {"_target_": "os.system"}}, "must be a name, a version and values"),
        ({"name": ["unet"], "version": 1, "values": {}}, "model must be an option of colourize"),
        ({"code": "os.system", "values": {}}, "model must be an option of colourize, got os.system"),
        ({"_target_": "colourize.models.unet.UNet"}, "model must be a name, a version and values"),
        ("unet", "model must be a name, a version and values, got unet"),
    ],
)
def test_a_node_of_another_form_is_refused_and_nothing_is_imported(finished_run, tmp_path, node, message):
    contents = torch.load(finished_run / "checkpoints/last.ckpt", weights_only=True)
    contents["config"]["model"] = node
    torch.save(contents, tmp_path / "x.ckpt")
    with pytest.raises(InputError, match=message):
        load(tmp_path / "x.ckpt")


@pytest.mark.parametrize("number", [3, 0, "2", None, [2]])
def test_an_unknown_format_is_refused(finished_run, tmp_path, number):
    contents = torch.load(finished_run / "checkpoints/last.ckpt", weights_only=True)
    torch.save({**contents, "format": number}, tmp_path / "x.ckpt")
    with pytest.raises(InputError, match=r"x\.ckpt must be of format 1 to 2, got"):
        load(tmp_path / "x.ckpt")


def test_an_epoch_under_way_is_read_by_its_former_name(finished_run, tmp_path):
    contents = torch.load(finished_run / "checkpoints/last.ckpt", weights_only=True)
    begun = contents["callbacks"]["EpochTable"]["begun"]
    count = begun["num_pictures"] = begun.pop("num_examples")
    torch.save(contents, tmp_path / "x.ckpt")
    found = read(tmp_path / "x.ckpt")["callbacks"]["EpochTable"]["begun"]
    assert found["num_examples"] == count > 0 and found.keys() == begun.keys() - {"num_pictures"} | {"num_examples"}


def test_a_run_folder_of_a_newer_format_is_named_and_its_configuration_ignored(finished_run, tmp_path, caplog):
    entries = json.loads((finished_run / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**entries, "format": 3}))
    found = manifest.read(tmp_path)
    assert "config" not in found and found["status"] == "finished"
    assert "run.json must be of format 1 to 2, got 3; install a newer colourize" in caplog.text


LOAD = """
import sys
import colourize
assert "torch" not in sys.modules
for path in sys.argv[1:]:
    model = colourize.load(path)
    import torch
    grey = torch.rand(2, 1, 9, 11)
    colours, shares = model.predict(grey, "annealed:0.4"), model.probabilities(grey)
    assert colours.shape == (2, 3, 9, 11) and shares.shape[0] == 2
heavy = {"hydra", "omegaconf", "pytorch_lightning", "lightning_fabric", "sklearn", "scipy", "torchvision", "matplotlib"}
heavy |= {"yaml", "torch._dynamo", "sympy"}  # torch's compiler takes seconds
print(sorted(heavy & set(sys.modules)))
colourize.load()  # with timm
print(sorted({"torch._dynamo", "sympy", "wandb"} & set(sys.modules)))
assert torch.compile(torch.nn.Identity(), backend="eager")(grey) is not None
"""


def test_loading_and_using_a_model_needs_only_torch_and_numpy_and_never_torch_s_compiler():
    command = [sys.executable, "-c", LOAD, *(str(FORMER / f"{name}.ckpt") for name in DIGITS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "[]"]
