import pytest
import torch

from colourize.errors import InputError
from colourize.runs import checkpoint
from colourize.runs.trained import load


def contents(run):
    return checkpoint.read(run / "checkpoints/last.ckpt")


def test_one_file_suffices_to_rebuild_network_and_palette(finished_run):
    model = load(finished_run / "checkpoints/last.ckpt").model
    assert model.palette.shape == (4, 3)
    assert not model.training
    with torch.no_grad():
        assert model(torch.rand(2, 1, 9, 11)).shape == (2, 4, 9, 11)


def test_the_configuration_is_plain_values(finished_run):
    def plain(value):
        if isinstance(value, dict):
            return all(isinstance(key, str) and plain(entry) for key, entry in value.items())
        return all(map(plain, value)) if isinstance(value, list) else isinstance(value, str | int | float | None)

    assert plain(contents(finished_run)["config"])


@pytest.mark.parametrize("damage", [b"", b"<html>404</html>", None])
def test_a_damaged_file_is_named(finished_run, tmp_path, damage):
    file = tmp_path / "damaged.ckpt"
    whole = (finished_run / "checkpoints/last.ckpt").read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    with pytest.raises(InputError, match=r"damaged\.ckpt is damaged"):
        load(file)


def test_a_file_of_another_program_is_distinguished(tmp_path):
    torch.save({"weights": torch.zeros(3)}, tmp_path / "other.ckpt")
    with pytest.raises(InputError, match="was not written by colourize"):
        load(tmp_path / "other.ckpt")


NO_OPTION = (
    "model must be an option of colourize, got {}; your own code runs only where the command names it: "
    "--trust PACKAGE, or model._target_=... to train"
)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"_target_": "os.system", "command": "touch ran"}, NO_OPTION.format("os.system")),
        (
            {"_target_": "colourize.models.unet.torch.save", "obj": 1, "f": "ran"},
            NO_OPTION.format("colourize.models.unet.torch.save"),
        ),
        (
            {"_target_": "colourize.models.unet.torch", "command": "touch ran"},
            NO_OPTION.format("colourize.models.unet.torch"),
        ),
        (
            {"_target_": "colourize.models.unet.SameConv2d", "in_channels": 1, "out_channels": 1, "kernel": 1},
            NO_OPTION.format("colourize.models.unet.SameConv2d"),
        ),
        (
            {
                "_target_": "colourize.models.unet.UNet",
                "num_colours": 4,
                "num_filters": {"_target_": "builtins.open", "file": "ran", "mode": "w"},
            },
            "config.model.num_filters: _target_ must not be a key in a file; pass another file",
        ),
        ({}, NO_OPTION.format(None)),
    ],
)
def test_only_our_networks_are_built_from_a_file(finished_run, tmp_path, monkeypatch, node, message):
    monkeypatch.chdir(tmp_path)
    foreign = contents(finished_run)
    foreign["config"]["model"] = node
    file = tmp_path / "foreign.ckpt"
    torch.save(foreign, file)
    with pytest.raises(InputError) as caught:
        load(file)
    assert str(caught.value) == f"{file}: {message}"
    assert not (tmp_path / "ran").exists()
