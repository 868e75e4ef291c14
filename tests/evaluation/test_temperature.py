"""``colourize calibrate`` on a run with held-out pictures. N pictures, K colours."""

import json
import shutil

import pytest
import torch
from PIL import Image

from colourize.data.labelled import LabelledPictures
from colourize.data.scenes import load
from colourize.errors import InputError
from colourize.evaluation.calibration import fit_temperature
from colourize.evaluation.comparison import evaluate
from colourize.evaluation.temperature import calibrate, pixels, predictions
from colourize.runs import checkpoint
from colourize.runs.temperature import read_temperature
from colourize.runs.trained import load as load_trained
from colourize.tasks.chosen import train
from tests.commands import refused
from tests.conftest import QUICK, TINY, knobs


@pytest.fixture(scope="module")
def calibrated(held_out_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibrated")
    shutil.copytree(held_out_run, folder / "run")
    result = calibrate(str(folder / "run"), (), folder / "rel.png", folder / "ent.png", num_resamples=100)
    return folder, result


def held_out(run):
    data = run.config["data"]
    pictures = load(**{key: value for key, value in data.items() if key != "_target_"})
    return LabelledPictures(pictures.validation, run.model.palette)


def test_the_temperature_is_fitted_to_held_out_pictures_and_stored_next_to_the_checkpoint(calibrated):
    file = calibrated[0] / "run/checkpoints/last.ckpt"
    run = load_trained(file)
    held = held_out(run)
    with torch.no_grad():
        logits = run.model(held.grey).movedim(1, -1).flatten(0, 2)
    assert fit_temperature(logits, held.labels.flatten().long()) == pytest.approx(calibrated[1].temperature, rel=1e-4)
    assert read_temperature(file) == calibrated[1].temperature
    stored = json.loads((file.parent / "last.temperature.json").read_text())
    assert stored["num_pictures"] == len(held)


def test_the_best_epoch_which_photo_uses_gets_a_temperature_of_its_own(calibrated):
    run = calibrated[0] / "run"
    best = load_trained(checkpoint.of_run(run))
    held = held_out(best)
    with torch.no_grad():
        logits = best.model(held.grey).movedim(1, -1).flatten(0, 2)
    assert checkpoint.of_run(run).name == "best.ckpt"
    assert fit_temperature(logits, held.labels.flatten().long()) == pytest.approx(best.temperature, rel=1e-4)
    assert best.temperature != 1


def test_in_a_space_of_chromas_evaluate_agrees(tmp_path):
    words = [*QUICK, "colour_space=lab", "holdout=0.25", f"cache_dir={tmp_path / 'cache'}"]
    train(knobs(*words), tmp_path / "run", words)
    after = calibrate(str(tmp_path / "run"), num_resamples=50).after
    rows = evaluate([str(tmp_path / "run")], ["data.holdout=0"], calibrated=True, num_resamples=50, decodings=["mean"])
    plain, tempered = (row for row in rows if row.kind == "model")
    assert after.intervals["cross_entropy"].estimate == pytest.approx(
        tempered.intervals["cross_entropy"].estimate, abs=1e-6
    )
    message = {row.name: row.intervals["psnr"].estimate for row in rows}
    assert (
        message[f"{plain.name}, mean"] != message[f"{tempered.name}, mean"]
    )  # the temperature is that of the decoding too


def test_it_is_evaluated_on_the_test_split_and_evaluate_agrees(calibrated):
    folder, (temperature, before, after) = calibrated
    rows = evaluate([str(folder / "run")], ["data.holdout=0"], calibrated=True, num_resamples=100)
    plain, tempered = (row for row in rows if row.kind == "model")
    assert (plain.name, tempered.name) == ("ConvTransposeNet", f"ConvTransposeNet, T = {temperature:.3f}")
    assert len(before.columns["cross_entropy"]) == 12
    for own, other in ((before, plain), (after, tempered)):
        for key in ("cross_entropy", "ece"):
            assert own.intervals[key].estimate == pytest.approx(other.intervals[key].estimate, abs=1e-6)
    assert tempered.columns["top1"].equal(plain.columns["top1"])
    assert tempered.columns["psnr"].equal(plain.columns["psnr"])
    assert plain.intervals["cross_entropy"].estimate != tempered.intervals["cross_entropy"].estimate


def test_evaluate_states_that_the_pictures_are_those_of_the_fit(calibrated, capsys):
    evaluate([str(calibrated[0] / "run")], calibrated=True, num_resamples=20)
    assert "to use others, pass data.holdout=0" in capsys.readouterr().out


def test_both_figures_are_pictures(calibrated):
    for name in ("rel.png", "ent.png"):
        with Image.open(calibrated[0] / name) as image:
            assert image.format == "PNG" and image.width > 500


def test_a_sample_of_pixels_has_the_same_number_from_each_picture(calibrated):
    run = load_trained(calibrated[0] / "run/checkpoints/last.ckpt")
    pictures = held_out(run)
    logits, labels = pixels(run.model, pictures, most=len(pictures) * 4 * 10)
    assert logits.shape == (len(pictures) * 10, 4)
    ((everything, truth),) = predictions(run.model, pictures)
    for number in range(len(pictures)):
        own = torch.cat([everything[number].flatten(1).T, truth[number].flatten()[:, None]], dim=1)
        chosen = torch.cat([logits, labels[:, None]], dim=1)[number * 10 : number * 10 + 10]
        assert (chosen[:, None] == own).all(2).any(1).all()


def test_without_a_test_split_the_held_out_pictures_are_measured_and_the_output_states_it(
    picture_folder, tmp_path, capsys
):
    words = ("data=folder", f"data.root={picture_folder / 'train'}", "holdout=0.4", "model=prior", "image_size=8",
             "num_colours=4", f"cache_dir={tmp_path / 'cache'}")  # fmt: skip
    train(knobs(*words), tmp_path / "run")
    capsys.readouterr()
    _, before, _ = calibrate(str(tmp_path / "run"), num_resamples=20)
    num_held = len(before.columns["cross_entropy"])
    stored = capsys.readouterr().out
    assert f"fitted to {num_held} held-out" in stored
    assert f"measured on {num_held} held-out pictures themselves, because there is no test split" in stored


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing"], "missing must be a checkpoint, a run folder"),
        (["PLAIN"], "was trained with holdout=0, so no held-out picture is left to fit a temperature to; train with"),
        (["HELD", "data.holdout=0.5"], "was trained with other pictures than the present ones"),
        (["HELD", "data.seed=5"], "was trained with other pictures than the present ones"),
        (["HELD", "kernel=5"], "kernel=5 does not apply to a trained run"),
        (["HELD", "--figure", "out.txt"], "out.txt must end in .png or .pdf or .svg"),
        (["HELD", "--entropy", "nowhere/out.png"], "there is no folder nowhere"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(monkeypatch, finished_run, held_out_run, words, message):
    words = [str({"PLAIN": finished_run, "HELD": held_out_run}.get(word, word)) for word in words]
    before = sorted(held_out_run.rglob("*.json"))
    assert message in refused(monkeypatch, "calibrate", *words)
    assert sorted(held_out_run.rglob("*.json")) == before


def test_a_sweep_is_refused_if_one_run_is_required(held_out_run, tmp_path):
    for job in ("0", "1"):
        (tmp_path / job / "checkpoints").mkdir(parents=True)
        (tmp_path / job / "run.json").write_text("{}")
        shutil.copy(held_out_run / "checkpoints/last.ckpt", tmp_path / job / "checkpoints")
    with pytest.raises(InputError, match="contains 2 runs; pass one of them, such as"):
        calibrate(str(tmp_path))


@pytest.mark.parametrize(
    ("runs", "message"), [(["RUN"], "has no fitted temperature"), (["lookup"], "requires a run with a temperature")]
)
def test_evaluate_reports_a_missing_temperature(finished_run, tmp_path, runs, message):
    words = [*TINY, f"cache_dir={tmp_path}"] if runs == ["lookup"] else []
    with pytest.raises(InputError, match=message):
        evaluate([str(finished_run) if run == "RUN" else run for run in runs], words, calibrated=True)


def test_a_run_that_was_trained_further_requires_a_new_temperature(held_out_run, shared_cache, tmp_path):
    shutil.copytree(held_out_run, tmp_path / "run")
    calibrate(str(tmp_path / "run"), num_resamples=20)
    train({**knobs(*QUICK, "holdout=0.25", f"cache_dir={shared_cache}"), "max_epochs": 3}, tmp_path / "run")
    with pytest.raises(InputError, match="fitted to other weights"):
        evaluate([str(tmp_path / "run")], calibrated=True)
