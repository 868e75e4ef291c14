"""``colourize theory``: every demo by discovery, as the command writes it."""

import importlib
import inspect
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from PIL import Image

from colourize.cli.main import main
from colourize.cli.theory import carried_out
from colourize.config.folder import conf_dir
from colourize.course.theory import weight_decay
from colourize.errors import InputError

DEMOS = sorted(path.stem for path in Path(conf_dir(), "demo").glob("*.yaml"))
SMALL = {
    "minimum_norm": ["demo.steps=30"], "hypergradient": ["demo.descent_steps=3", "demo.memory_features=5"],
    "weight_decay": ["demo.steps=5"],
}  # fmt: skip


def composed(*words):
    GlobalHydra.instance().clear()
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        return compose("theory", list(words))


def typed(monkeypatch, *words):
    quiet = ["hydra/job_logging=none", "hydra/hydra_logging=none"]
    monkeypatch.setattr(sys, "argv", ["colourize", "theory", *words, *quiet])
    main()


@pytest.mark.parametrize("name", [name for name in DEMOS if name != "learning_rates"])
def test_every_demo_writes_its_table_and_its_figures(name, tmp_path, monkeypatch, capsys):
    typed(monkeypatch, f"demo={name}", f"hydra.run.dir={tmp_path}", *SMALL.get(name, []))
    out = capsys.readouterr().out
    rows = json.loads((tmp_path / "table.json").read_text())
    assert len((tmp_path / "table.md").read_text().splitlines()) >= len(rows) + 4
    for written in re.findall(r"^\S+ +(\S+/\S+\.\w+)$", out, re.M):
        if Path(written).suffix == ".png":
            with Image.open(written) as drawn:
                assert drawn.size[0] > 500 and len(np.unique(np.asarray(drawn.convert("L")))) > 10
        else:
            assert Path(written).read_text().strip()


def test_a_demo_can_be_swept_and_a_failed_job_does_not_stop_the_others(tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit) as caught:
        typed(monkeypatch, "--multirun", "demo=weight_decay", "demo.steps=3", "demo.decay=0.01,2,0.1",
              f"hydra.sweep.dir={tmp_path}")  # fmt: skip
    assert str(caught.value).startswith("colourize: 1 jobs failed; job 1 failed: must be 0 < decay < 1, 0 < eta < inf")
    assert [(tmp_path / job / "figure.png").exists() for job in "012"] == [True, False, True]
    capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["demo=learning_rates"], "demo.runs has no value; pass demo.runs=..."),
        (["demo=learning_rates", "demo.runs=nowhere"], "demo.runs=nowhere contains no finished run"),
        (["demo.num_samples=50"], "num_samples=50, num_features=40, batch_size=2"),
        (["demo.steps=many"], "demo.steps must be an integer, got many"),
        (["demo=weight_decay", "demo.eta=-1.0"], "eta=-1.0"),
        (["demo=weight_decay", "demo.eta=nan"], "eta=nan"),
        (["demo.adaptive_lr=0"], "demo.adaptive_lr must be > 0 and finite, got 0"),
        (["seed=-1"], "seed must be >= 0 and <= 4294967295, got -1; pass seed=0"),
        (["demo=hypergradient", "seed=99999999999"], "seed must be >= 0 and <= 4294967295, got 99999999999"),
        (["demo=hypergradient", "demo.memory_features=0"], "demo.memory_features must be >= 1, got 0"),
        (["demo=hypergradient", "demo.descent_steps=0"], "demo.descent_steps must be >= 1, got 0"),
        (["demo=padding", "demo.kernel=0"], "kernel must be >= 1, got 0; pass kernel=1 or more"),
        (["demo=convolution", "demo.filter=emboss"], "demo.filter must be rows of numbers or one of"),
        (["demo=convolution", "demo.image=[[1,2],[x]]"], "demo.image must be rows of numbers such as"),
        (["+demo.foo=1"], "unexpected keyword argument 'foo'"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(words, message):
    with pytest.raises(InputError) as caught:
        carried_out(composed(*words))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["resume=x"], "--help lists the knobs"),
        (["lr=0.1"], "--help lists the knobs"),
        (["sed=1"], "did you mean seed?"),
        (["demo.adaptiv_lr=1"], "did you mean adaptive_lr?"),
    ],
)
def test_a_misspelt_name_is_compared_with_the_names_of_the_demos(words, message, tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit) as caught:
        typed(monkeypatch, *words, f"hydra.run.dir={tmp_path}")
    assert str(caught.value).endswith(message)
    assert "did you mean" in message or "did you mean" not in str(caught.value)
    capsys.readouterr()


@pytest.mark.parametrize("name", DEMOS)
def test_a_demo_with_random_numbers_depends_on_the_seed(name):
    demo = composed(f"demo={name}", "seed=7").demo
    module, _, function = demo["_target_"].rpartition(".")
    draws = "seed" in inspect.signature(getattr(importlib.import_module(module), function)).parameters
    assert ("seed" in demo) == draws
    assert not draws or demo.seed == 7


def test_files_of_another_demo_in_the_folder_are_removed(tmp_path, monkeypatch, capsys):
    typed(monkeypatch, "demo=convolution", f"hydra.run.dir={tmp_path}")
    assert (tmp_path / "text.txt").exists() and "text.txt" in capsys.readouterr().out
    typed(monkeypatch, "demo=weight_decay", "demo.steps=2", f"hydra.run.dir={tmp_path}")
    assert (tmp_path / "figure.png").exists() and not (tmp_path / "text.txt").exists()
    assert "text.txt" not in capsys.readouterr().out


def test_ctrl_c_ends_a_demo_with_a_line_and_status_130(tmp_path, monkeypatch, capsys):
    def interrupted(**values):
        raise KeyboardInterrupt

    monkeypatch.setattr(weight_decay, "demo", interrupted)
    with pytest.raises(SystemExit) as caught:
        typed(monkeypatch, "demo=weight_decay", "~demo.num_samples", f"hydra.run.dir={tmp_path}")
    assert caught.value.code == 130
    assert capsys.readouterr().err.endswith("colourize: SIGINT\n")


@pytest.mark.parametrize("words", [["demo=nothing"], ["demmo=padding"], ["demo.decay=3", "demo=weight_decay"]])
def test_a_command_ends_with_the_line_and_status_1(words, tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit) as caught:
        typed(monkeypatch, *words, f"hydra.run.dir={tmp_path}")
    assert str(caught.value).startswith("colourize: ")
    assert "\n" not in str(caught.value)
    capsys.readouterr()


def test_help_is_the_page_of_the_demos(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["colourize", "theory", "--help"])
    with pytest.raises(SystemExit, match="0"):
        main()
    page = Path(conf_dir(), "theory.yaml").read_text().partition("\nhydra:")[0]
    out = capsys.readouterr().out
    assert out.strip() == page.strip()
    assert all(name in out for name in DEMOS)
