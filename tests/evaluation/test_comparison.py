import html
import json
import re
import sys

import pytest
from PIL import Image

from colourize.cli.main import main
from colourize.evaluation import output
from colourize.evaluation.by_palette import suffixes
from colourize.evaluation.comparison import evaluate
from colourize.tasks.chosen import train
from tests.commands import refused
from tests.conftest import QUICK, knobs
from tests.pages import Page


@pytest.fixture(scope="module")
def evaluated(finished_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluated")
    rows = evaluate([str(finished_run)], page=folder / "out.html", figures=folder / "out.json",
                    pictures=folder / "out.png", num_resamples=200)  # fmt: skip
    return folder, rows


def test_the_rows_are_floors_the_run_and_ceilings(evaluated):
    assert [(row.kind, row.name) for row in evaluated[1]] == [
        ("floor", "class prior"),
        ("floor", "nearest colour by grey"),
        ("floor", "look-up table"),
        ("floor", "grey as it is"),
        ("model", "ConvTransposeNet"),
        ("ceiling", "object and grey known"),
        ("ceiling", "true class"),
        ("ceiling", "true class, input's grey"),
    ]


def test_the_run_s_loss_equals_that_of_its_training(evaluated, finished_run):
    manifest = json.loads((finished_run / "evaluation.json").read_text())
    (row,) = [row for row in evaluated[1] if row.kind == "model"]
    assert row.intervals["cross_entropy"].estimate == manifest["ConvTransposeNet"]["cross_entropy"][0]
    last = (finished_run / "metrics.csv").read_text().splitlines()
    loss = float(last[-1].split(",")[last[0].split(",").index("val/loss")])
    assert row.intervals["cross_entropy"].estimate == pytest.approx(loss, abs=1e-5)


def test_the_same_checkpoint_twice_gives_the_same_digits(evaluated, finished_run):
    again = evaluate([str(finished_run / "checkpoints/last.ckpt")], num_resamples=200)
    assert output.as_json(again) == output.as_json(evaluated[1])


def test_the_page_is_self_contained(evaluated):
    text = (evaluated[0] / "out.html").read_text()
    page = Page(text)
    assert page.open == []
    assert len(page.addresses) == 3
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert not re.search(r"https?://|<script", text)
    for row in evaluated[1]:
        assert row.name in html.unescape(text)


def test_pictures_and_figures_are_written(evaluated):
    with Image.open(evaluated[0] / "out.png") as image:
        assert image.height > 500
    figures = json.loads((evaluated[0] / "out.json").read_text())
    assert figures["look-up table"]["skill"][0] == pytest.approx(0, abs=1e-6)


def test_a_floor_is_accepted_wherever_a_checkpoint_is(tmp_path):
    settings = knobs(
        *(word for word in QUICK if "max_epochs" not in word), "model=lookup", f"cache_dir={tmp_path / 'c'}"
    )
    metrics = train(settings, tmp_path / "table")
    assert metrics["val/skill"] == pytest.approx(0, abs=1e-6)
    rows = evaluate([str(tmp_path / "table")], num_resamples=50)
    (model,) = [row for row in rows if row.kind == "model"]
    (table,) = [row for row in rows if row.name == "look-up table"]
    assert model.columns["cross_entropy"].equal(table.columns["cross_entropy"])
    assert any("are equal on every picture" in sentence for sentence in output.comparisons(rows))


def test_runs_of_two_palettes_are_compared_with_their_own_tables(finished_run, tmp_path):
    words = [word for word in QUICK if not word.startswith(("num_colours", "max_epochs"))]
    settings = knobs(*words, "num_colours=6", "model=lookup", f"cache_dir={tmp_path / 'cache'}")
    train(settings, tmp_path / "six")
    rows = evaluate([str(finished_run), str(tmp_path / "six")], num_resamples=50)
    tables = ["look-up table (4 in rgb)", "look-up table (6 in rgb)"]
    assert [row.name for row in rows if row.name.startswith("look-up table")] == tables
    sentences = output.comparisons(rows)
    assert len(sentences) == 2
    assert all(sum(table in sentence for table in tables) == 1 for sentence in sentences)


def test_palettes_of_the_same_size_and_space_are_numbered():
    assert suffixes([(24, "lab"), (24, "rgb"), (6, "lab")]) == ["24 in lab", "24 in rgb", "6 in lab"]
    assert suffixes([(24, "lab"), (6, "lab"), (24, "lab")]) == [
        "24 in lab, palette 1",
        "6 in lab",
        "24 in lab, palette 2",
    ]


def test_runs_of_two_spaces_are_compared_with_their_own_tables(finished_run, tmp_path):
    settings = knobs(*QUICK, "colour_space=oklab", f"cache_dir={tmp_path / 'cache'}")
    train(settings, tmp_path / "oklab")
    rows = evaluate([str(finished_run), str(tmp_path / "oklab")], num_resamples=50)
    models = [row for row in rows if row.kind == "model"]
    assert [row.name for row in models] == ["ConvTransposeNet colour_space=rgb (4 in rgb)",
                                            "ConvTransposeNet colour_space=oklab (4 in oklab)"]  # fmt: skip
    assert ["outside" in row.intervals for row in models] == [False, True]
    assert len(output.comparisons(rows)) == 2


def test_a_decoding_adds_a_row_to_the_table_of_pictures(finished_run, tmp_path, capsys):
    words = ["mean", "annealed:0.4", "sample", "argmax+grey", "mean"]
    rows = evaluate([str(finished_run)], page=tmp_path / "out.html", figures=tmp_path / "out.json", num_resamples=50,
                    decodings=words)  # fmt: skip
    message = {row.name: row for row in rows if row.kind in ("model", "decoding")}
    name = "ConvTransposeNet"
    assert list(message) == [name, *(f"{name}, {word}" for word in words[:-1])]
    others = list(message.values())[1:]
    assert all("psnr" in row.intervals and "cross_entropy" not in row.intervals for row in others)
    page, figures = (tmp_path / "out.html").read_text(), json.loads((tmp_path / "out.json").read_text())
    assert set(message) < figures.keys()
    assert page.count(f"{name}, annealed:0.4") == 1  # not in the table of the classes
    assert page.count("look-up table<small>") == 2
    assert "outside, %" in page
    gaps = {row.name: row.intervals["psnr"].estimate for row in message.values()}
    assert gaps[f"{name}, mean"] > gaps[name]  # the least squared error
    assert output.comparisons(rows) == output.comparisons(evaluate([str(finished_run)]))


def test_without_a_run_the_look_up_table_is_decoded(tmp_path):
    words = [word for word in QUICK if not word.startswith(("batch_size", "max_epochs"))]
    rows = evaluate(["lookup"], [*words, f"cache_dir={tmp_path}"], num_resamples=20, decodings=["mean"])
    assert "look-up table, mean" in [row.name for row in rows]


def test_the_page_states_that_the_pictures_are_not_those_of_the_run(finished_run, tmp_path, capsys):
    words = ["data.num_validation=6"]
    evaluate([str(finished_run)], words, page=tmp_path / "out.html", num_resamples=50)
    for text in ((tmp_path / "out.html").read_text(), capsys.readouterr().out):
        assert "was trained with other pictures" in text
    evaluate([str(finished_run)], page=tmp_path / "same.html", num_resamples=50)
    assert "was trained with other pictures" not in (tmp_path / "same.html").read_text()


def test_a_run_with_held_out_pictures_was_not_trained_on_the_test_split(held_out_run, capsys):
    evaluate([str(held_out_run)], ["data.holdout=0"], num_resamples=20)
    assert "was trained with other pictures" not in capsys.readouterr().out


def test_a_floor_s_name_needs_no_run(monkeypatch, tmp_path, capsys):
    words = [word for word in QUICK if not word.startswith(("batch_size", "max_epochs"))]
    monkeypatch.setattr(sys, "argv", ["colourize", "evaluate", "lookup", *words, f"cache_dir={tmp_path}"])
    main()
    assert "look-up table" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["missing"],
            "missing must be a checkpoint, a run folder with an undamaged checkpoint or a sweep folder, "
            "or a floor: prior, nearest, lookup, grey",
        ),
        (["RUN", "kernel=5"], "kernel=5 does not apply to a trained run; pass data.NAME=VALUE"),
        (["RUN", "data.rooot=5"], "data.rooot"),
        (["RUN", "--html", "nowhere/out.html"], "there is no folder nowhere"),
        (["RUN", "--json", "/"], "/ must end in .json; pass another name"),
        (["RUN", "--json", "RUN/run.json"], "run.json belongs to the run in its folder; pass another name"),
        (["RUN", "--html", "RUN/checkpoints/best.ckpt"], "best.ckpt must end in .html or .htm; pass another name"),
        (["RUN", "--decoding", "median"], "decoding median is unknown; pass argmax, mean"),
        (["RUN", "--pictures", "out.xyz"], "out.xyz must end in .png"),
        (["lookup", "kernl=5"], "kernl"),
    ],
)
def test_bad_input_is_one_line(monkeypatch, finished_run, words, message):
    words = [word.replace("RUN", str(finished_run)) for word in words]
    assert message in refused(monkeypatch, "evaluate", *words)
