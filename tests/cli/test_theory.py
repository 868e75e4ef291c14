"""``colourize theory``: every study by discovery, as the command writes it."""

import importlib
import inspect
import json
import re
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from PIL import Image

from colourize.cli.main import main
from colourize.cli.theory import carried_out
from colourize.config.folder import conf_dir
from colourize.course.theory import weight_decay
from colourize.errors import InputError

STUDIES = sorted(path.stem for path in Path(conf_dir(), "study").glob("*.yaml"))
SMALL = {
    "minimum_norm": ["study.steps=30"], "hypergradient": ["study.descent_steps=3", "study.memory_features=5"],
    "weight_decay": ["study.steps=5"],
}  # fmt: skip


def composed(*words):
    GlobalHydra.instance().clear()
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        return compose("theory", list(words))


def typed(monkeypatch, *words):
    quiet = ["hydra/job_logging=none", "hydra/hydra_logging=none"]
    monkeypatch.setattr(sys, "argv", ["colourize", "theory", *words, *quiet])
    main()


@pytest.mark.parametrize("name", [name for name in STUDIES if name != "learning_rates"])
def test_every_study_writes_a_table_and_what_it_draws(name, tmp_path, monkeypatch, capsys):
    typed(monkeypatch, f"study={name}", f"hydra.run.dir={tmp_path}", *SMALL.get(name, []))
    out = capsys.readouterr().out
    rows = json.loads((tmp_path / "table.json").read_text())
    assert len((tmp_path / "table.md").read_text().splitlines()) >= len(rows) + 4
    for written in re.findall(r"^\S+ +(\S+/\S+\.\w+)$", out, re.M):
        assert Path(written).stat().st_size > 0
    if name in SMALL:
        with Image.open(tmp_path / "figure.png") as drawn:
            assert drawn.size[0] > 500


def test_a_study_can_be_swept_and_a_failed_job_does_not_stop_the_others(tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit) as caught:
        typed(monkeypatch, "--multirun", "study=weight_decay", "study.steps=3", "study.decay=0.01,2,0.1",
              f"hydra.sweep.dir={tmp_path}")  # fmt: skip
    assert str(caught.value).startswith("colourize: 1 jobs failed; job 1 failed: decay=2, eta=0.02")
    assert [(tmp_path / job / "figure.png").exists() for job in "012"] == [True, False, True]
    capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["study=learning_rates"], "study.runs has no value; pass study.runs=..."),
        (["study=learning_rates", "study.runs=nowhere"], "study.runs=nowhere holds no finished run"),
        (["study.num_samples=50"], "num_samples=50, num_features=40, batch_size=2"),
        (["study.steps=many"], "study.steps must be an integer, got many"),
        (["study=weight_decay", "study.eta=-1.0"], "eta=-1.0"),
        (["study=weight_decay", "study.eta=nan"], "eta=nan"),
        (["study.adaptive_lr=0"], "adaptive_lr=0 is no learning rate"),
        (["seed=-1"], "seed must be >= 0 and <= 4294967295, got -1; pass seed=0"),
        (["study=hypergradient", "seed=99999999999"], "seed must be >= 0 and <= 4294967295, got 99999999999"),
        (["study=hypergradient", "study.memory_features=0"], "memory_features=0 is too small; pass 1 or more"),
        (["study=hypergradient", "study.descent_steps=0"], "descent_steps=0 is too small"),
        (["study=padding", "study.kernel=0"], "kernel must be >= 1, got 0; pass kernel=1 or more"),
        (["study=convolution", "study.filter=emboss"], "study.filter=emboss is unknown; pass rows of"),
        (["study=convolution", "study.image=[[1,2],[x]]"], "is no matrix; pass rows of numbers"),
        (["+study.foo=1"], "unexpected keyword argument 'foo'"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_one_line(words, told):
    with pytest.raises(InputError) as caught:
        carried_out(composed(*words))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["resume=x"], "--help lists the knobs"),
        (["lr=0.1"], "--help lists the knobs"),
        (["sed=1"], "did you mean seed?"),
        (["study.adaptiv_lr=1"], "did you mean adaptive_lr?"),
    ],
)
def test_a_misspelt_name_is_held_against_the_names_of_the_studies(words, told, tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit) as caught:
        typed(monkeypatch, *words, f"hydra.run.dir={tmp_path}")
    assert str(caught.value).endswith(told)
    assert "did you mean" in told or "did you mean" not in str(caught.value)
    capsys.readouterr()


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_that_draws_follows_the_seed(name):
    study = composed(f"study={name}", "seed=7").study
    module, _, function = study["_target_"].rpartition(".")
    draws = "seed" in inspect.signature(getattr(importlib.import_module(module), function)).parameters
    assert ("seed" in study) == draws
    assert not draws or study.seed == 7


def test_what_another_study_left_in_the_folder_is_removed(tmp_path, monkeypatch, capsys):
    typed(monkeypatch, "study=convolution", f"hydra.run.dir={tmp_path}")
    assert (tmp_path / "text.txt").exists() and "text.txt" in capsys.readouterr().out
    typed(monkeypatch, "study=weight_decay", "study.steps=2", f"hydra.run.dir={tmp_path}")
    assert (tmp_path / "figure.png").exists() and not (tmp_path / "text.txt").exists()
    assert "text.txt" not in capsys.readouterr().out


def test_ctrl_c_ends_a_study_with_a_line_and_status_130(tmp_path, monkeypatch, capsys):
    def interrupted(**values):
        raise KeyboardInterrupt

    monkeypatch.setattr(weight_decay, "study", interrupted)
    with pytest.raises(SystemExit) as caught:
        typed(monkeypatch, "study=weight_decay", "~study.num_samples", f"hydra.run.dir={tmp_path}")
    assert caught.value.code == 130
    assert capsys.readouterr().err.endswith("colourize: SIGINT\n")


@pytest.mark.parametrize("words", [["study=nothing"], ["studdy=padding"], ["study.decay=3", "study=weight_decay"]])
def test_a_command_ends_with_the_line_and_status_1(words, tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit) as caught:
        typed(monkeypatch, *words, f"hydra.run.dir={tmp_path}")
    assert str(caught.value).startswith("colourize: ")
    assert "\n" not in str(caught.value)
    capsys.readouterr()


def test_help_is_the_page_of_the_studies(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["colourize", "theory", "--help"])
    with pytest.raises(SystemExit, match="0"):
        main()
    page = Path(conf_dir(), "theory.yaml").read_text().partition("\nhydra:")[0]
    out = capsys.readouterr().out
    assert out.strip() == page.strip()
    assert all(name in out for name in STUDIES)
