"""The studies: each theorem with its tolerance, and every study by discovery, as a command writes it."""

import json
import math
import re
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from PIL import Image

from colourize.__main__ import main
from colourize.config import conf_dir
from colourize.errors import InputError
from colourize.theory import by_hand, hypergradient, learning_rates, minimum_norm, weight_decay
from colourize.theory.command import carried_out
from colourize.theory.least_squares import Problem, best_rate, random_problem

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


@pytest.fixture(scope="module")
def norms():
    return minimum_norm.study()


@pytest.mark.parametrize("method", ["mini-batch SGD", "gradient descent", "momentum"])
def test_from_zero_what_stays_in_the_row_space_ends_at_the_minimum_norm(norms, method):
    rows = [row for row in norms.rows if row["method"] == method]
    assert len(rows) == 2
    for row in rows:
        assert row["from the minimum norm"] < 1e-13
        assert row["off the row space"] < 1e-13
        assert row["loss"] < 1e-26


@pytest.mark.parametrize("method", ["RMSProp", "Adagrad", "Adam"])
def test_adaptive_methods_fit_as_well_and_end_elsewhere(norms, method):
    for row in (row for row in norms.rows if row["method"] == method):
        assert row["loss"] < 1e-12
        assert row["from the minimum norm"] > 4e-2


@pytest.mark.parametrize("method", minimum_norm.METHODS)
def test_the_handout_s_case_ends_where_theory_says_exactly(method):
    """x = [2, 1], t = 2: (4/5, 2/5) and, for adaptive methods, (2/3, 2/3)."""
    case = Problem(torch.tensor([[2.0, 1.0]]).double(), torch.tensor([2.0]).double(), torch.zeros(2).double())
    adaptive = method in ("RMSProp", "Adagrad", "Adam")
    exact = (Fraction(2, 3), Fraction(2, 3)) if adaptive else (Fraction(4, 5), Fraction(2, 5))
    assert sum(x * w for x, w in zip((2, 1), exact, strict=True)) == 2
    assert minimum_norm.predicted(method, case).tolist() == pytest.approx([float(w) for w in exact], abs=1e-16)
    end = minimum_norm.run(method, case, 1, 4000, 0.05, 0)[-1]
    assert end.tolist() == pytest.approx([float(w) for w in exact], abs=2e-15)


def test_an_adaptive_method_gives_both_weights_of_the_handout_the_same_steps():
    case = Problem(torch.tensor([[2.0, 1.0]]).double(), torch.tensor([2.0]).double(), torch.zeros(2).double())
    for method in ("RMSProp", "Adagrad", "Adam"):
        path = minimum_norm.run(method, case, 1, 200, 0.05, 0)
        assert torch.allclose(path[:, 0], path[:, 1], rtol=1e-13)


def test_from_another_start_gradient_descent_keeps_what_lies_off_the_row_space():
    problem = random_problem(4, 10, 0, from_zero=False)
    end = minimum_norm.run("gradient descent", problem, 4, 3000, 0.0, 0)[-1]
    off = minimum_norm.off_row_space
    assert torch.allclose(off(end, problem.inputs), off(problem.start, problem.inputs), atol=1e-12)
    x, t, start = problem.inputs.numpy(), problem.targets.numpy(), problem.start.numpy()
    nearest = start + np.linalg.pinv(x) @ (t - x @ start)  # the solution nearest to the start
    assert np.allclose(end, nearest, atol=1e-10)


def test_descent_on_the_rate_finds_the_formula_s():
    for seed in range(5):
        problem = random_problem(5, 3, seed, from_zero=False)
        assert hypergradient.descend_rate(problem, 60)[-1] == pytest.approx(best_rate(problem), rel=1e-12)


def test_the_study_of_hypergradients_agrees_with_the_closed_form_and_loses_convexity_with_batches_alone():
    study = hypergradient.study(descent_steps=60, memory_features=20)
    for row in study.rows:
        assert row["reverse mode, off by"] < 1e-12
        assert row["forward mode, off by"] < 1e-12
    drawn = [row for row in study.rows if row["one sample a step"] is not None]
    assert all(row["least curvature, all samples"] > 0 for row in drawn)
    assert drawn[0]["T"] == 1 and drawn[0]["one sample a step"] > 0
    assert min(row["one sample a step"] for row in drawn[1:]) < -1
    peaks = {row["T"]: (row["peak, reverse, bytes"], row["peak, forward, bytes"]) for row in study.rows}
    assert peaks[128][0] > 4 * peaks[8][0]
    assert peaks[128][1] == peaks[8][1]


@pytest.fixture(scope="module")
def decays():
    return {row["method"]: row for row in weight_decay.study().rows}


def test_for_sgd_decay_and_penalty_are_the_same_at_half_the_decay_over_the_rate(decays):
    assert decays["SGD"]["largest distance"] < 1e-13


@pytest.mark.parametrize("method", ["momentum", "RMSProp", "Adam"])
def test_elsewhere_they_part(decays, method):
    assert decays[method]["distance at the end"] > 0.05


def test_for_sgd_they_part_at_any_other_penalty():
    problem = random_problem(20, 10, 0, from_zero=False)
    decayed = weight_decay.run("SGD", problem, 0.02, 0.001, 200, penalty=False)
    other = weight_decay.run("SGD", problem, 0.02, 0.002, 200, penalty=True)
    assert torch.linalg.vector_norm(decayed[-1] - other[-1]) > 1e-3


def test_sgd_with_decay_is_the_handout_s_update():
    """w <- (1 - l) w - eta dL/dw, in numpy."""
    problem = random_problem(6, 4, 1, from_zero=False)
    x, t, w = problem.inputs.numpy(), problem.targets.numpy(), problem.start.numpy()
    for _ in range(30):
        w = (1 - 0.01) * w - 0.05 * 2 / 6 * x.T @ (x @ w - t)
    assert np.allclose(weight_decay.run("SGD", problem, 0.05, 0.01, 30, penalty=False)[-1], w, rtol=1e-12)


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
        (["study.steps=many"], "study.steps='many' is str; pass int"),
        (["study=weight_decay", "study.eta=-1.0"], "eta=-1.0"),
        (["study=hypergradient", "study.descent_steps=0"], "descent_steps=0 is too small"),
        (["study=padding", "study.kernel=0"], "kernel=0 is too small; pass kernel=1 or more"),
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


@pytest.mark.parametrize("words", [["study=nothing"], ["studdy=padding"], ["study.decay=3", "study=weight_decay"]])
def test_a_command_ends_with_the_line_and_status_1(words, tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit) as caught:
        typed(monkeypatch, *words, f"hydra.run.dir={tmp_path}")
    assert str(caught.value).startswith("colourize: ")
    assert "\n" not in str(caught.value)
    capsys.readouterr()


def test_the_paddings_study_says_what_is_exact_and_what_is_nearest():
    assert "exact, for every multiple of 2" in by_hand.paddings(3).sentences[0]
    assert "exact, for every side" in by_hand.paddings(4, dilation=3).sentences[1]
    assert "the nearest makes 5 of 4 instead of 4" in by_hand.paddings(4, stride=1).sentences[0]
    assert "the side 32" in by_hand.paddings(3, stride=3, factor=2, size=32).sentences[0]


def test_learning_rates_are_read_from_finished_runs(finished_run):
    study = learning_rates.study(str(finished_run))
    (row,) = study.rows
    metrics = json.loads((finished_run / "run.json").read_text())["metrics"]
    assert (row["optimizer"], row["first lr"], row["runs"]) == ("Adam", 0.001, 1)
    assert math.isclose(row["validation loss"], metrics["val/loss"])


def test_runs_of_one_rate_and_optimizer_are_averaged(tmp_path):
    node = {"_target_": "colourize.optimizers.Hypergradient", "base": "adam", "hyper_lr": 0.02, "multiplicative": True}
    for job, (lr, loss) in enumerate([(0.1, 1.0), (0.1, 2.0), (0.01, 4.0), (0.01, None)]):
        (tmp_path / str(job)).mkdir()
        said = {"status": "finished" if loss else "failed",
                "config": {"model": {"_target_": "a.UNet"}, "optimizer": node, "lr": lr},
                "metrics": {"val/loss": loss, "train/loss": 1.0, "lr": 0.5}}  # fmt: skip
        (tmp_path / str(job) / "run.json").write_text(json.dumps(said))
    study = learning_rates.study(str(tmp_path))
    assert [(row["first lr"], row["validation loss"], row["runs"]) for row in study.rows] == [
        (0.01, 4.0, 1),
        (0.1, 1.5, 2),
    ]
    assert study.rows[0]["optimizer"] == "Hypergradient (adam, beta 0.02, multiplicative)"
    assert study.sentences == ["1 of 4 runs did not finish and are left out"]


def test_help_is_the_page_of_the_studies(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["colourize", "theory", "--help"])
    with pytest.raises(SystemExit, match="0"):
        main()
    page = Path(conf_dir(), "theory.yaml").read_text().partition("\nhydra:")[0]
    out = capsys.readouterr().out
    assert out.strip() == page.strip()
    assert all(name in out for name in STUDIES)
