"""``compile=true``, also if torch cannot compile."""

import shutil

import pytest
import torch

from colourize.config.instantiate import instantiate
from colourize.data.scenes import load
from colourize.model import Model
from colourize.tasks.chosen import train
from colourize.tasks.colourization.building import compilable
from colourize.tasks.colourization.module import Colourizer, pixel_cross_entropy
from colourize.training.compilation import compiled
from tests.colour_data import colour_data
from tests.conftest import QUICK, knobs
from tests.trained import weights


def test_without_a_working_compiler_the_run_continues_uncompiled(quick, tmp_path, monkeypatch, caplog):
    def no_compiler(*args, **kwargs):
        raise RuntimeError("no compiler found")

    monkeypatch.setattr(torch, "compile", no_compiler)
    metrics = train(quick("compile=true", "max_epochs=1"), tmp_path / "a")
    assert "compile=true: torch cannot compile here (no compiler found); training without it" in caplog.text
    assert metrics["train/loss"] == train(quick("max_epochs=1"), tmp_path / "b")["train/loss"]


def test_a_network_without_gradients_is_not_compiled_and_a_line_says_so(quick, tmp_path, caplog):
    train(quick("model=prior", "compile=true", "max_epochs=1"), tmp_path)
    assert "compile=true: no effect" in caplog.text


@pytest.mark.parametrize(("words", "shape"), [(["model=unet"], (8, 1, 8, 8)),
                                              (["model=resunet_small", "hints=true"], (8, 5, 8, 8)),
                                              (["model=resunet_small", "batch_size=1"], (2, 1, 8, 8))])  # fmt: skip
def test_the_test_of_the_compiler_uses_a_training_batch(words, shape, tmp_path):
    settings = knobs(*QUICK, *words)
    pictures = load(24, 2, image_size=8)
    data = colour_data(pictures, tmp_path, num_colours=4, batch_size=settings["batch_size"])
    module = Colourizer(Model(instantiate(settings["model"]), data.pictures.palette), settings)
    network, example = compilable(module, data)
    assert network is module.model.network and example.shape == shape


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch's compiler warns about itself
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles with g++")
def test_a_compiled_network_makes_the_same_ten_steps_but_for_rounding():
    grey, labels = torch.rand(8, 1, 8, 8), torch.randint(0, 4, (8, 8, 8))  # a batch of the run below: shared kernels
    losses = []
    for compiles in (True, False):
        torch.manual_seed(0)
        settings = knobs(*QUICK, "model=unet")
        module = Colourizer(Model(instantiate(settings["model"]), torch.rand(4, 3)), settings)
        names = list(module.state_dict())
        if compiles:
            module.compiled = compiled(module.model.network, grey)
            assert module.compiled is not None and list(module.state_dict()) == names
        optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
        for _ in range(10):
            optimizer.zero_grad()
            loss = pixel_cross_entropy(module(grey), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert losses[:10] == pytest.approx(losses[10:], abs=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles with g++")
def test_a_compiled_run_freezes_and_unfreezes_the_same_parts(quick, tmp_path):
    """down2 is trained in the second epoch, down1 never is."""
    words = "model=unet", "freeze={down1: null, down2: 1}", "max_epochs=2"
    losses = [train(quick(*words, f"compile={each}"), tmp_path / each)["val/loss"] for each in ("true", "false")]
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)
    train(quick("model=unet", "freeze=2", "max_epochs=1"), tmp_path / "start")
    fast, start = (weights(tmp_path / name) for name in ("true", "start"))
    assert all(torch.equal(fast[name], start[name]) for name in fast if name.startswith("model.network.down1."))
    assert not torch.equal(fast["model.network.down2.0.weight"], start["model.network.down2.0.weight"])
