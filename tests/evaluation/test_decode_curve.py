import json
import sys

import pytest
from PIL import Image

from colourize.cli.main import main
from colourize.evaluation.comparison import evaluate
from colourize.evaluation.decode_curve import TEMPERATURES, best, decode_curve, words
from colourize.tasks.chosen import train
from tests.commands import refused
from tests.conftest import QUICK, knobs


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run with a palette of chromas."""
    folder = tmp_path_factory.mktemp("lab")
    train(knobs(*QUICK, "colour_space=lab", f"cache_dir={folder / 'cache'}"), folder)
    return folder


@pytest.fixture(scope="module")
def swept(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("swept")
    rows = decode_curve(str(run), figure=folder / "out.png", figures=folder / "out.json", num_resamples=50)
    return folder, rows


def test_the_curve_ends_at_the_arg_max_and_the_mean_with_annealed_means_between(run, swept):
    evaluated = {row.name: row for row in evaluate([str(run)], num_resamples=50, decodings=["mean", "annealed:0.5"])}
    grey, first, *_, last = swept[1]
    assert len(swept[1]) == 3 + len(TEMPERATURES)
    name = "ConvTransposeNet"
    pairs = [("grey as it is", grey), (name, first), (f"{name}, mean", last), (f"{name}, annealed:0.5", swept[1][6])]
    for message, row in pairs:
        for key in ("psnr", "colourfulness"):
            assert row.intervals[key] == pytest.approx(evaluated[message].intervals[key], rel=1e-9)


def test_the_best_of_each_measure_is_written_and_is_the_best(swept):
    contents = json.loads((swept[0] / "out.json").read_text())
    named = ["arg-max", *(f"T = {temperature}" for temperature in TEMPERATURES), "mean"]
    figures = list(contents["rows"].values())[1:]
    psnr = [row["psnr"][0] for row in figures]
    errors = [row["ciede2000"][0] for row in figures]
    assert contents["best"]["psnr"] == named[psnr.index(max(psnr))]
    assert contents["best"]["ciede2000"] == named[errors.index(min(errors))]
    assert contents["true_colourfulness"] > 0
    assert "ssim" not in contents["best"]  # no window fits into 8 x 8 pixels
    assert best(swept[1], "ssim") == -1


def test_the_figure_is_drawn(swept):
    with Image.open(swept[0] / "out.png") as image:
        assert image.width > 1000


def test_the_command_prints_a_row_per_temperature_and_a_sentence_per_measure(run, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["colourize", "decode-curve", str(run)])
    main()
    message = capsys.readouterr().out
    words = "arg-max", "T = 0.4", "mean", "grey as it is", "4 colours in lab", "outside, %"
    sentences = "PSNR, dB: best with", "ΔE00: best with", "ab error: best with", "colourfulness: nearest to the true"
    for word in words + sentences:
        assert word in message
    assert message.count("11 decodings, the best one is chosen and compared on the same pictures") == 1


def test_an_rgb_run_keeps_the_grey_on_request(finished_run):
    assert words(True)[0] == "argmax+grey"
    plain, kept = (decode_curve(str(finished_run), keep_grey=keep, num_resamples=20) for keep in (False, True))
    assert "outside" not in plain[1].intervals
    assert "outside" in kept[1].intervals
    assert kept[1].intervals["psnr"].estimate > plain[1].intervals["psnr"].estimate


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing"], "missing must be a checkpoint, a run folder"),
        (["RUN", "kernel=5"], "kernel=5 does not apply to a trained run"),
        (["RUN", "--figure", "nowhere/out.png"], "there is no folder nowhere"),
        (["RUN", "--figure", "out.xyz"], "out.xyz must end in .png"),
        (["TWO"], "contains 2 runs; pass one of them, such as"),
    ],
)
def test_bad_input_is_one_line(monkeypatch, run, tmp_path, arguments, message):
    for job in "01":
        (tmp_path / "two" / job / "checkpoints").mkdir(parents=True)
        (tmp_path / "two" / job / "run.json").write_text("{}")
        (tmp_path / "two" / job / "checkpoints/last.ckpt").symlink_to(run / "checkpoints/last.ckpt")
    places = {"RUN": str(run), "TWO": str(tmp_path / "two")}
    assert message in refused(monkeypatch, "decode-curve", *(places.get(word, word) for word in arguments))
