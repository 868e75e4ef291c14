"""``precision=auto``, and a line where bfloat16 is slow."""

import pytest
import torch

from colourize.runs import manifest
from colourize.tasks.chosen import train
from colourize.training import precision

CPU = "accelerator=cpu"


@pytest.fixture(params=[True, False], ids=["bfloat16", "none"])
def has_bfloat16(request, monkeypatch):
    monkeypatch.setattr(precision, "has_bfloat16", lambda: request.param)
    return request.param


def stored(folder):
    return manifest.read(folder)["config"]["precision"]


def test_auto_is_what_the_processor_has_and_trains_to_the_bits_of_that_precision(has_bfloat16, quick, tmp_path):
    asked = "bf16-mixed" if has_bfloat16 else "32-true"
    losses = [
        train(quick(CPU, "max_epochs=1", f"precision={each}"), tmp_path / each)["val/loss"] for each in ("auto", asked)
    ]
    assert losses[0] == losses[1] and stored(tmp_path / "auto") == asked
    last = torch.load(tmp_path / "auto/checkpoints/last.ckpt", weights_only=True)
    assert last["config"]["precision"] == asked


@pytest.mark.parametrize("first", ["bf16-mixed", "32-true"])
def test_a_resumed_run_keeps_the_precision_that_it_found(first, has_bfloat16, quick, tmp_path, caplog):
    train(quick(CPU, "max_epochs=1", f"precision={first}"), tmp_path)
    train(quick(CPU, "max_epochs=2", "precision=auto"), tmp_path)
    assert stored(tmp_path) == first and "precision=auto" not in caplog.text.replace("precision=auto chooses", "")
    whole = train(quick(CPU, "max_epochs=2", f"precision={first}"), tmp_path / "whole")
    assert train(quick(CPU, "max_epochs=2", "precision=auto"), tmp_path)["val/loss"] == whole["val/loss"]


def test_a_line_says_where_bfloat16_is_slow(has_bfloat16, quick, tmp_path, caplog):
    train(quick(CPU, "max_epochs=1", "precision=bf16-mixed"), tmp_path)
    assert ("this processor has no instructions for bfloat16" in caplog.text) == (not has_bfloat16)
