"""``init_from``: a run starts with the weights of another one."""

import logging
import re
import shutil

import numpy as np
import pytest
import torch

from colourize.errors import InputError
from colourize.runs import checkpoint, shipped
from colourize.runs.trained import load as load_trained
from colourize.tasks.chosen import train
from colourize.tasks.colourization import starting
from colourize.tasks.colourization.building import begin, module
from colourize.tasks.colourization.data import load, resumed
from colourize.training.start import Start
from tests.conftest import knobs

pytestmark = pytest.mark.usefixtures("no_figures")

SMALL = ("data=scenes", "data.num_train=16", "data.num_validation=4", "image_size=8", "num_filters=4", "num_colours=4",
         "batch_size=8", "max_epochs=1", "model=unet")  # fmt: skip


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A trained network, and the folder of the cache."""
    folder = tmp_path_factory.mktemp("first")
    train(knobs(*SMALL, f"cache_dir={folder / 'cache'}"), folder / "run")
    return folder / "run/checkpoints/last.ckpt", folder / "cache"


def begun(first, *words):
    config = knobs(*SMALL, f"cache_dir={first[1]}", f"init_from={first[0]}", *words)
    built = module(config, load(config))
    begin(config, built)
    return built.model


def test_a_run_starts_with_exactly_the_weights_and_palette(first):
    """On other pictures, which would have another palette."""
    model, other = begun(first, "data.seed=7"), load_trained(first[0]).model
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("words", [["num_colours=6"], ["colour_space=lab"], ["model=convtranspose"], ["kernel=5"]])
def test_tensors_that_do_not_fit_keep_their_initial_values_and_are_named(first, words, caplog):
    config = knobs(*SMALL, f"cache_dir={first[1]}", f"init_from={first[0]}", *words)
    torch.manual_seed(0)
    model = module(config, load(config)).model
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with caplog.at_level(logging.INFO):
        taken, left = starting.take(model, first[0])
    other = load_trained(first[0]).model.state_dict()
    assert taken and left and {*taken, *left} == before.keys() - {"palette"}
    assert all(torch.equal(model.state_dict()[name], other[name]) for name in taken)
    assert all(torch.equal(model.state_dict()[name], before[name]) for name in left)
    assert f"{len(taken)} tensors of {len(before) - 1} taken; from the seed: network." in caplog.text
    line = caplog.text.partition("from the seed: ")[2].partition("; only in the file")[0]
    listed = [name.rstrip("*") for name in re.findall(r"network[\w.]*\*?", line)]
    assert all(any(name.startswith(each) for each in listed) for name in left)
    assert not any(name.startswith(each) for name in taken for each in listed)


def test_with_another_palette_the_scores_are_not_copied(first, tmp_path):
    np.save(tmp_path / "palette.npy", np.linspace(0, 0.9, 12, dtype=np.float32).reshape(4, 3))
    config = knobs(*SMALL, f"cache_dir={first[1]}", f"init_from={first[0]}", f"palette={tmp_path / 'palette.npy'}")
    _, left = starting.take(module(config, load(config)).model, first[0])
    assert left == ["network.scores.weight", "network.scores.bias"]


def test_a_run_trains_from_there_with_its_own_epochs(first, tmp_path):
    config = knobs(*SMALL, f"cache_dir={first[1]}", f"init_from={first[0]}", "lr=1e-12", "max_epochs=2")
    metrics = train(config, tmp_path / "run")
    own = load_trained(tmp_path / "run/checkpoints/last.ckpt").model.state_dict()
    for name, tensor in load_trained(first[0]).model.state_dict().items():
        assert torch.allclose(own[name], tensor, atol=1e-6), name
    assert metrics["epoch"] == 1


def test_batch_norms_keep_the_means_and_variances_of_the_file_while_weights_are_trained(first, tmp_path):
    train(knobs(*SMALL, f"cache_dir={first[1]}", f"init_from={first[0]}", "data.seed=7"), tmp_path / "run")
    own = load_trained(tmp_path / "run/checkpoints/last.ckpt").model.state_dict()
    before = load_trained(first[0]).model.state_dict()
    same = {name for name, tensor in before.items() if torch.equal(tensor, own[name])}
    statistics = {name for name in before if name.endswith(("running_mean", "running_var", "num_batches_tracked"))}
    assert statistics and same == statistics | {"palette"}


def test_a_run_folder_stands_for_its_best_checkpoint(first, tmp_path):
    folder = first[0].parent.parent
    assert starting.file_of({"init_from": str(folder)}) == folder / "checkpoints/best.ckpt"
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty contains no checkpoints/best\.ckpt; pass a run folder or a check"):
        starting.file_of({"init_from": str(tmp_path / "empty")})


def test_a_missing_file_and_a_network_without_a_common_tensor_are_named(first, tmp_path):
    with pytest.raises(InputError, match=r"init_from=.*none\.ckpt: no such file or folder; pass a run folder, a check"):
        begun((tmp_path / "none.ckpt", first[1]))
    with pytest.raises(InputError, match="no tensor fits this network by name and shape; pass model=unet$"):
        begun(first, "model=pointwise")


@pytest.mark.parametrize("word", ["init_from", "palette"])
def test_a_run_is_resumed_without_the_file_from_which_it_began(first, tmp_path, word):
    """Also on other pictures than those of the file, whose k-means would be another palette."""
    source = {"init_from": tmp_path / "first.ckpt", "palette": tmp_path / "palette.npy"}[word]
    shutil.copy(first[0], tmp_path / "first.ckpt")
    np.save(tmp_path / "palette.npy", np.linspace(0, 0.9, 12, dtype=np.float32).reshape(4, 3))
    words = f"cache_dir={first[1]}", f"{word}={source}", "data.seed=7"
    train(knobs(*SMALL, *words, "max_epochs=2"), tmp_path / "whole")
    train(knobs(*SMALL, *words), tmp_path / "again")
    source.unlink()
    train(knobs(*SMALL, *words, "max_epochs=2"), tmp_path / "again")
    whole, again = (checkpoint.read(tmp_path / f"{run}/checkpoints/last.ckpt") for run in ("whole", "again"))
    assert all(torch.equal(tensor, whole["state_dict"][name]) for name, tensor in again["state_dict"].items())
    assert again["fingerprint"] == whole["fingerprint"]
    with pytest.raises(InputError, match=r"first\.ckpt: no such file|palette\.npy"):
        train(knobs(*SMALL, *words), tmp_path / "new")


@pytest.mark.parametrize("broken", [float("nan"), 2.0])
def test_a_palette_out_of_range_in_a_resumed_checkpoint_is_refused(first, tmp_path, broken):
    config = knobs(*SMALL, f"cache_dir={first[1]}", f"init_from={first[0]}")
    train(config, tmp_path / "run")
    file = tmp_path / "run/checkpoints/last.ckpt"
    contents = checkpoint.read(file)
    contents["state_dict"]["model.palette"][0, 0] = broken
    with pytest.raises(InputError, match=r"last\.ckpt: .*and the palette is not; pass another file"):
        resumed(config, Start(file, contents, forked=False))


def test_shipped_is_the_network_of_the_installation(first, tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    with pytest.raises(InputError, match="this colourize comes without a network; pass a file"):
        starting.file_of({"init_from": "shipped"})
    (tmp_path / "photographs.safetensors").touch()
    assert starting.file_of({"init_from": "shipped"}) == tmp_path / "photographs.safetensors"


def test_a_module_is_named_once_with_the_cause(first, caplog):
    config = knobs(*SMALL, f"cache_dir={first[1]}", f"init_from={first[0]}", "num_filters=8")
    with caplog.at_level(logging.INFO):
        starting.take(module(config, load(config)).model, first[0])
    assert (
        "from the seed: network.down1.*, network.down2.*, network.up1.*, network.up2.0.weight (of another"
        in caplog.text
    )


def test_batch_norms_that_the_file_lacks_follow_the_batches(first, tmp_path):
    words = f"cache_dir={first[1]}", f"init_from={first[0]}", "num_filters=8"
    train(knobs(*SMALL, *words), tmp_path / "run")
    own = checkpoint.read(tmp_path / "run/checkpoints/last.ckpt")
    before = load_trained(first[0]).model.state_dict()
    assert own["fixed"] == ["up2.1"]
    assert int(own["state_dict"]["model.network.down1.1.num_batches_tracked"]) == 2
    assert torch.equal(own["state_dict"]["model.network.up2.1.running_mean"], before["network.up2.1.running_mean"])
    train(knobs(*SMALL, *words, "max_epochs=2"), tmp_path / "run")
    own = checkpoint.read(tmp_path / "run/checkpoints/last.ckpt")
    assert own["fixed"] == ["up2.1"] and int(own["state_dict"]["model.network.down1.1.num_batches_tracked"]) == 4
