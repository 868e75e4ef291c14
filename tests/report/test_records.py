import json

import pytest

from colourize.report.records import experiment, read
from colourize.report.written import report
from colourize.runs import listing
from tests.made_runs import run

SWEEPER = "{_target_: hydra._internal.core_plugins.basic_sweeper.BasicSweeper, params: null}"


def test_jobs_that_differ_only_in_values_without_effect_are_not_listed_as_not_begun(tmp_path):
    for seed in (0, 1):
        run(tmp_path / str(seed), seed=seed)
    (tmp_path / "sweep.json").write_text('{"overrides": ["seed=0,1,2"], "cwd": "/"}')
    task = "['seed=0,1,2', save_every=7]"
    (tmp_path / "multirun.yaml").write_text(f"hydra: {{sweeper: {SWEEPER}, overrides: {{task: {task}}}}}")
    assert [record.state for record in read([tmp_path])] == ["not begun", "finished", "finished"]


def test_a_sweep_over_experiments_has_no_experiment_of_its_own(tmp_path):
    names = "batch_size_linear", "batch_size_sqrt"
    for job, name in enumerate(names):
        run(tmp_path / name / "0", experiment=name)
        run(tmp_path / "both" / str(job), experiment=name)
    assert [experiment(read([tmp_path / name])) for name in (*names, "both")] == [*names, ""]


@pytest.mark.parametrize("wrong", [None, 5, "x", [1], {"a": 1}])
def test_entries_of_a_wrong_type_do_not_stop_a_report(tmp_path, wrong):
    def damaged(number, change):
        file = run(tmp_path / str(number), seed=number) / "run.json"
        stored = json.loads(file.read_text())
        change(stored)
        file.write_text(json.dumps(stored))

    run(tmp_path / "0")
    for number, key in enumerate(("metrics", "overrides", "refused", "environment", "config", "error", "start"), 1):
        damaged(number, lambda stored, key=key: stored.update({key: wrong}))
    for number, key in enumerate(("model", "data", "optimizer", "scheduler", "trainer", "seed", "lr"), 10):
        damaged(number, lambda stored, key=key: stored["config"].update({key: wrong}))
    (tmp_path / "sweep.json").write_text(json.dumps({"overrides": wrong, "cwd": wrong}))
    for number, rows in enumerate((wrong, {"UNet": wrong}, {"UNet": {"psnr": wrong}}, {"UNet": {"psnr": [wrong]}}), 30):
        (run(tmp_path / str(number), seed=number) / "evaluation.json").write_text(json.dumps(rows))
    damaged(20, lambda stored: stored["config"]["model"].update(_target_=wrong))
    report([tmp_path])
    listing.show([tmp_path])


def test_a_report_shows_names_and_tags(tmp_path):
    run(tmp_path / "0", name="first | try", tags=["a", "b"])
    run(tmp_path / "1", seed=1)
    report([tmp_path])
    text = (tmp_path / "report.md").read_text()
    assert "Names and tags" in text
    (line,) = [line for line in text.splitlines() if line.endswith("| a, b |")]
    assert "first" in line and str(tmp_path / "0") in line
