"""The output at the end of a run."""

import json
import re
import shutil

import pytest

from colourize.cli.main import main
from colourize.config.checks import check
from colourize.config.compare import check_changes, comparable
from colourize.errors import InputError
from colourize.evaluation.measures import MEASURES
from colourize.evaluation.yardstick import QUICK, Yardstick
from colourize.runs import manifest
from colourize.tasks.chosen import train
from tests.commands import typed


@pytest.fixture
def ended(quick, tmp_path, monkeypatch, capsys):
    """The output at the end of a run in a terminal of a given width."""

    def run(width, *words):
        monkeypatch.setenv("COLUMNS", str(width))
        capsys.readouterr()
        train(quick("max_epochs=1", "+trainer.enable_progress_bar=false", *words), tmp_path / "run")
        return capsys.readouterr().out.splitlines()

    return run


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_run_ends_in_one_table_of_five_measures_that_fits_80_columns(ended, width):
    lines = ended(width, "num_colours=6")
    rules = [line for line in lines if re.fullmatch(" *─+ *", line)]
    assert len(rules) == 1
    head = lines[: lines.index(rules[0])]
    assert head[0].rstrip() == "after epoch 1: 12 validation pictures"
    assert " ".join(head[1:]).split() == [
        "cross-entropy", "top-1", "PSNR", "nats", "skill", "%", "dB", "colourfulness",
    ]  # fmt: skip
    table = lines[len(head) : next(place for place, line in enumerate(lines) if "parameters" in line)]
    assert max(map(len, head + table)) <= 80
    names = [name for line in table[1:] if (name := re.split(r" {2,}", line)[0])]
    assert names == [
        "class prior", "nearest colour by grey", "look-up table", "grey as it is", "ConvTransposeNet",
        "object and grey known", "true class", "true class, input's grey",
    ]  # fmt: skip
    cells = [re.split(r" {2,}", line.rstrip())[1:] for line in table[1:] if line.strip()]
    assert {len(row) for row in cells} == {5}
    assert not any(set(column) == {"-"} for column in zip(*cells, strict=True))


def test_the_end_states_how_the_run_compares_and_where_its_files_are(ended, tmp_path):
    lines = ended(80, "loss=focal")
    text = " ".join(" ".join(lines).split())  # sentences are wrapped between words
    assert "ConvTransposeNet is worse than the look-up table" in text
    assert "lowest validation loss" in text and ", after epoch 1 trained on loss=focal (train/loss);" in text
    assert f"all measures colourize evaluate {tmp_path / 'run'}" in text
    assert all(len(line) <= 80 or str(tmp_path) in line for line in lines)


@pytest.mark.parametrize(
    ("measures", "expected"), [("quick", set(QUICK)), ("all", set(MEASURES) - {"top5", "outside"})]
)
def test_the_knob_selects_the_measures(quick, tmp_path, measures, expected):
    train(quick("max_epochs=1", f"measures={measures}"), tmp_path / "run")
    figures = json.loads((tmp_path / "run/evaluation.json").read_text())
    assert set(figures["ConvTransposeNet"]) == expected
    assert set(figures["grey as it is"]) == expected & {key for key in MEASURES if key not in (*QUICK[:3], "ece")}


def test_the_second_run_of_a_sweep_measures_only_its_network(quick, tmp_path, monkeypatch):
    train(quick("max_epochs=1"), tmp_path / "0")
    measured, original = [], Yardstick._columns
    monkeypatch.setattr(
        Yardstick, "_columns", lambda self, predictor, wanted: measured.append(predictor.name) or original(
            self, predictor, wanted
        )
    )  # fmt: skip
    train(quick("max_epochs=1", "seed=1"), tmp_path / "1")
    assert measured == ["ConvTransposeNet"]
    first, second = (json.loads((tmp_path / f"{run}/evaluation.json").read_text()) for run in "01")
    assert first.pop("ConvTransposeNet") != second.pop("ConvTransposeNet")
    assert first == second


def test_the_choice_of_measures_may_change_on_resume(quick):
    first, second = quick("measures=quick"), quick("measures=all")
    check_changes(first, second, "it was trained")
    assert comparable(first) == comparable(second)
    older = {name: value for name, value in first.items() if name != "measures"}
    check(older)
    assert comparable(older) == comparable(first)


def test_an_unknown_choice_of_measures_is_one_line(quick, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="^measures must be one of quick, all, got some$"):
        quick("measures=some")


def test_after_a_run_of_five_measures_evaluate_shows_the_others(finished_run, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["colourize", "evaluate", str(finished_run)])
    monkeypatch.setenv("COLUMNS", "80")
    main()
    lines = capsys.readouterr().out.splitlines()
    for word in ("ΔE00", "calibration error", "AuC rebalanced", "distance to truth"):
        assert any(word in line for line in lines), word
    assert "SSIM" not in "".join(lines)  # pictures of 8 px have none: a column without a number is left out
    tables = [line for line in lines if not re.search(r"better|do not differ|equal", line)]
    assert max(map(len, tables)) <= 80


@pytest.mark.parametrize(
    ("began", "words", "rest"),
    [("quick", ["measures=all"], True), ("quick", [], False), ("all", ["measures=quick"], False), (None, [], False),
     (None, ["measures=all"], False)],
)  # fmt: skip
def test_a_finished_run_names_the_command_for_more_measures(
    finished_run, tmp_path, monkeypatch, capsys, began, words, rest
):
    run = tmp_path / "a run"
    shutil.copytree(finished_run, run)
    config = manifest.read(run)["config"]
    older = {name: value for name, value in config.items() if name != "measures"}  # when all were taken
    manifest.update(run, config={**older, **({"measures": began} if began else {})})
    typed(monkeypatch, f"resume={run}", *words)
    more = f"; colourize evaluate '{run}' measures the rest" * rest
    assert capsys.readouterr().out.splitlines() == [f"colourize: {run} is finished: nothing to do{more}"]
