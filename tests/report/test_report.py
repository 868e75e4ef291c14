"""A report over run folders written by the test, so that every figure is known."""

import csv
import json
import re
import statistics
import sys

import pytest
from filelock import FileLock
from scipy import stats

from colourize.cli.main import main
from colourize.errors import InputError
from colourize.report.written import report
from colourize.runs import run_folder
from tests.made_runs import run
from tests.pages import Page
from tests.reports import LOSSES, cells, made, written

ANSWER = "**Answer**: small batches, [more steps](a.md), 1 < 2 <br>."


@pytest.mark.usefixtures("no_charts")
def test_the_table_has_mean_and_sd_over_seeds(tmp_path):
    page, text, _ = written(made(tmp_path))
    for size in (32, 64):
        losses = [loss for (other, _), loss in LOSSES.items() if other == size]
        accuracies = [100 / (1 + loss) for loss in losses]
        assert cells(text, f"batch_size={size}")[:5] == [
            "3",
            f"{statistics.mean(losses):.4f} ± {statistics.stdev(losses):.4f}",
            f"{statistics.mean(losses):.4f} ± {statistics.stdev(losses):.4f}",
            f"{statistics.mean(losses) + 0.25:.4f} ± {statistics.stdev(losses):.4f}",
            f"{statistics.mean(accuracies):.2f} ± {statistics.stdev(accuracies):.2f}",
        ]
        assert f"{statistics.mean(losses):.4f}<small>± {statistics.stdev(losses):.4f}</small>" in page
    assert cells(text, "look-up table")[1] == "0.9000"
    assert "0 of 2 have a lower validation loss than the look-up table" in text
    assert "The lowest: batch_size=32, 1.1000 ± 0.0500 nats a pixel." in text


@pytest.mark.usefixtures("no_charts")
def test_settings_are_compared_over_pairs_of_runs_with_one_seed(tmp_path):
    _, text, _ = written(made(tmp_path))
    first, second = ([LOSSES[size, seed] for seed in range(3)] for size in (32, 64))
    differences = [a - b for a, b in zip(first, second, strict=True)]
    low, high = stats.ttest_rel(first, second).confidence_interval(0.95)
    (line,) = [line for line in text.splitlines() if line.startswith("| batch_size=32 | batch_size=64 |")]
    assert f"| 3 | {statistics.mean(differences):+.4f} ± {statistics.stdev(differences):.4f} |" in line
    assert f"| {low:+.4f} to {high:+.4f} |" in line


@pytest.mark.usefixtures("no_charts")
def test_the_csv_has_every_digit_of_every_run(tmp_path):
    *_, table = written(made(tmp_path))
    rows = list(csv.DictReader(table.splitlines()))
    found = {(int(row["batch_size"]), int(row["seed"])): float(row["val/loss"]) for row in rows}
    assert found == LOSSES
    speeds = [float(row["images_per_second"]) for row in rows]
    assert speeds == pytest.approx([500 * (2.0 + float(row["val/loss"])) for row in rows])  # the median epoch's


def test_a_report_has_the_same_bytes_again_and_for_any_order_of_jobs(tmp_path):
    for name, order in (("a", sorted(LOSSES)), ("b", sorted(LOSSES, reverse=True))):
        made(tmp_path / name, order)
    page, text, table = written(tmp_path / "a")
    assert written(tmp_path / "a") == [page, text, table]
    assert written(tmp_path / "b")[:2] == [page, text]


def test_the_page_is_self_contained(tmp_path):
    page, text, _ = written(made(tmp_path))
    assert Page(page).open == []
    assert all(address.startswith("data:") for address in Page(page).addresses)
    assert not re.search(r"(src|href|url)[=(]['\"]?https?://|<script", page)
    assert page.count("<svg") == len(list((tmp_path / "report_files").iterdir())) == 6
    for chart in re.findall(r"\]\((\S+\.svg)\)", text):
        assert (tmp_path / chart).is_file()
    assert not list((tmp_path / "report_files").glob("*.png"))


@pytest.mark.usefixtures("no_charts")
def test_an_answer_in_the_markdown_is_kept(tmp_path):
    _, text, _ = written(made(tmp_path))
    (tmp_path / "report.md").write_text(text.replace("*Not answered yet: write it here.*", ANSWER))
    page, text, _ = written(tmp_path)
    assert f"\n{ANSWER}\n" in text
    assert '<strong>Answer</strong>: small batches, <a href="a.md">more steps</a>, 1 &lt; 2 &lt;br&gt;.' in page


def test_the_report_of_an_experiment_states_its_question_and_expected_result(tmp_path):
    for seed in range(2):
        run(tmp_path / str(seed), seed=seed, experiment="batch_size")
    _, text, _ = written(tmp_path)
    assert text.startswith("# Study: batch_size\n")
    assert "**Question**: What is the effect of the batch size on ConvTransposeNet" in text


def test_the_report_of_one_run_states_that_it_has_no_spread(tmp_path):
    run(tmp_path / "0")
    _, text, _ = written(tmp_path)
    assert "With one seed for each setting the spread is unknown" in text
    assert "| UNet | 1 | 1.0000 |" in text


@pytest.mark.usefixtures("no_charts")
def test_failed_running_and_refused_jobs_are_listed_with_their_errors(tmp_path):
    made(tmp_path)
    run(tmp_path / "6", status="failed", batch_size=7)
    run(tmp_path / "7", losses=(1.9,), status="running", batch_size=8)
    run(tmp_path / "9", losses=(1.8,), status="running", batch_size=9)
    (tmp_path / "8").mkdir()
    stored = {"status": "failed", "overrides": ["batch_size=0"], "error": "batch_size=0 is too small", "end": ""}
    (tmp_path / "8/run.json").write_text(json.dumps(stored))
    with FileLock(tmp_path / "9" / run_folder.LOCK):  # as by its process
        page, text, _ = written(tmp_path)
    assert "10 jobs: 2 failed, 6 finished, 1 killed, 1 running." in text
    assert "| 9 | running | 1/2 | - | batch_size=9 |" in text
    assert "| 6 | failed | 2/2 | no room on the disk | batch_size=7 |" in text
    assert "| 7 | killed | 1/2 | - | batch_size=8 |" in text
    assert "| 8 | failed | 0/? | batch_size=0 is too small | batch_size=0 |" in text
    assert "no room on the disk" in page


@pytest.mark.usefixtures("no_charts")
def test_a_pruned_trial_does_not_count_as_finished(tmp_path):
    made(tmp_path)
    folder = run(tmp_path / "6", losses=(2.5,), batch_size=32, seed=3)
    stored = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**stored, "pruned": True}))
    _, text, _ = written(tmp_path)
    assert "7 jobs: 6 finished, 1 pruned." in text
    assert cells(text, "batch_size=32")[:2] == ["3", "1.1000 ± 0.0500"]
    assert "| 6 | pruned | 1/2 | - | batch_size=32 seed=3 |" in text


@pytest.mark.usefixtures("no_charts")
def test_jobs_that_a_sweep_has_not_begun_are_reported(tmp_path):
    made(tmp_path)
    (tmp_path / "sweep.json").write_text(json.dumps({"overrides": ["batch_size=32,64,96", "seed=0"], "cwd": "/"}))
    (tmp_path / "multirun.yaml").write_text(
        "hydra: {sweeper: {_target_: hydra._internal.core_plugins.basic_sweeper.BasicSweeper, params: null}, "
        "overrides: {task: ['batch_size=32,64,96', seed=0]}}"
    )
    _, text, table = written(tmp_path)
    assert "| - | not begun | 0/? | - | batch_size=96 seed=0 |" in text
    (row,) = [row for row in csv.DictReader(table.splitlines()) if row["state"] == "not begun"]
    assert (row["seed"], row["batch_size"], row["val/loss"]) == ("0", "96", "")
    assert "python train.py batch_size=32,64,96 seed=0" in text


def test_missing_and_damaged_files_are_reported(tmp_path):
    run(tmp_path / "0", metrics=False, batch_size=1)
    run(tmp_path / "1", evaluation=False, batch_size=2)
    run(tmp_path / "2", batch_size=4)
    (tmp_path / "2/metrics.csv").write_bytes(b"\xff\x00epoch\n,,,\n")
    (tmp_path / "2/evaluation.json").write_text("{")
    (tmp_path / "3").mkdir()
    (tmp_path / "3/run.json").write_text("no JSON")
    (tmp_path / "4").mkdir()
    (tmp_path / "4/run.json").write_text('{"status": "finished", "config": {"seed": 1}}')
    _, text, _ = written(tmp_path)
    assert f"- {tmp_path / '0'}: lacks metrics.csv" in text
    assert f"- {tmp_path / '1'}: lacks evaluation.json" in text
    assert f"- {tmp_path / '2'}: lacks metrics.csv, evaluation.json" in text
    assert "| 3 | unknown | 0/? | - |" in text
    assert "run.json has an incomplete configuration" in text
    assert cells(text, "batch_size=4")[1] == "1.0000"


@pytest.mark.usefixtures("no_charts")
def test_a_job_that_did_not_read_its_pictures_changes_only_the_list_of_jobs(tmp_path):
    _, before, _ = written(made(tmp_path))
    run(tmp_path / "6", losses=(), metrics=False, status="failed", fingerprint="", batch_size=32, seed=7)
    _, after, _ = written(tmp_path)
    assert "7 jobs: 1 failed, 6 finished. 2 settings, 3 seeds each." in after
    assert before.partition("## Results")[2].partition("## Compared")[0] in after
    assert after.startswith("# Report: batch_size\n")


@pytest.mark.usefixtures("no_charts")
def test_seeds_without_a_result_are_counted_and_left_out_of_the_mean(tmp_path):
    made(tmp_path)
    run(tmp_path / "6", losses=(2.0,), status="failed", batch_size=32, seed=3)
    folder = run(tmp_path / "7", losses=(2.0, 1.0), batch_size=64, seed=3)
    stored = json.loads((folder / "run.json").read_text())
    stored["metrics"]["val/loss"] = None
    (folder / "run.json").write_text(json.dumps(stored))
    _, text, _ = written(tmp_path)
    for size, mean in ((32, "1.1000 ± 0.0500"), (64, "1.2900 ± 0.0361")):
        assert cells(text, f"batch_size={size}")[:2] == ["3 of 4", mean]


@pytest.mark.usefixtures("no_charts")
def test_a_run_of_the_look_up_table_does_not_count_among_the_networks_that_beat_it(tmp_path):
    made(tmp_path)
    run(tmp_path / "6", losses=(0.9 - 1e-9,), model="lookup.LookupTable", batch_size=32)
    _, text, _ = written(tmp_path)
    assert "0 of 2 have a lower validation loss than the look-up table" in text


@pytest.mark.slow
def test_two_hundred_runs_fit_on_a_page(tmp_path):
    for job in range(200):
        run(tmp_path / str(job), losses=(2.0, 1 + job / 200), seed=job % 2, lr=0.001 * (1 + job // 2), batch_size=10)
    page, text, _ = written(tmp_path)
    assert "100 settings, 2 seeds each" in text
    assert len(page) < 2_000_000
    assert "99 comparisons" in text


def test_published_results_are_shown_with_runs_at_their_settings(tmp_path):
    for number, model in enumerate(("unet.UNet", "convtranspose.ConvTransposeNet")):
        run(tmp_path / str(number), losses=[2.0, *[1.1] * 24], model=model, max_epochs=25)
    run(tmp_path / "2", losses=(2.0, 1.5), model="poolupsample.PoolUpsampleNet", max_epochs=2)
    other = run(tmp_path / "3", losses=[2.0, *[1.1] * 24], model="poolupsample.PoolUpsampleNet", max_epochs=25)
    stored = json.loads((other / "run.json").read_text())
    stored["config"]["model"]["skips"] = ["half"]
    (other / "run.json").write_text(json.dumps(stored))
    page, text, _ = written(tmp_path)
    assert "UNet 1.0683 ± 0.0067 nats a pixel" in text
    assert "PoolUpsampleNet 1.5835" not in text
    assert "published UNet, mean ± sd" in page


@pytest.mark.parametrize("name", ["missing", "empty", "file"])
def test_a_folder_without_runs_is_one_line(tmp_path, monkeypatch, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.setattr(sys, "argv", ["colourize", "report", str(tmp_path / name)])
    with pytest.raises(SystemExit, match=r"colourize: .*must (be a folder|contain a run); pass") as caught:
        main()
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_written_is_an_error_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match="there is no folder"):
        report([made(tmp_path)], html=tmp_path / "nowhere" / "out.html")
    assert not list(tmp_path.glob("report*"))


def test_the_command_writes_next_to_the_runs_and_prints_the_paths(tmp_path, monkeypatch, capsys):
    made(tmp_path / "sweep")
    monkeypatch.setattr(sys, "argv", ["colourize", "report", str(tmp_path / "sweep")])
    main()
    stored = capsys.readouterr().out
    for name in ("report.html", "report.md", "report.csv"):
        assert (tmp_path / "sweep" / name).is_file()
        assert str(tmp_path / "sweep" / name) in stored


@pytest.mark.usefixtures("no_charts")
def test_a_measure_that_no_run_has_is_not_a_column(tmp_path):
    """Runs compute five measures at their end, or all with measures=all."""
    folder = made(tmp_path / "quick")
    text = written(folder)[1]
    assert "| PSNR, dB | seconds | pictures/s |" in text
    job = folder / "0/evaluation.json"
    figures = json.loads(job.read_text())
    figures["UNet"] |= {"ssim": [0.9, 0, 0], "colourfulness": [20.0, 0, 0]}
    job.write_text(json.dumps(figures))
    text = written(folder)[1]
    assert "| PSNR, dB | SSIM | colourfulness | seconds | pictures/s |" in text
    assert "0.900 (of 1)" in text


def test_the_expected_result_is_stated_as_that_of_the_full_study(tmp_path):
    run(tmp_path / "0", experiment="kernel")
    text = written(tmp_path)[1]
    assert (
        "**Expected of the full study, from its file (these runs may be fewer, shorter or on other "
        "pictures)**: validation loss on horses" in text
    )
