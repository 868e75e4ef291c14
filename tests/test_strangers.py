"""Run folders and sweep folders from strangers: damaged files are ignored, and the rest is listed."""

import csv
import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from colourize.cli.main import main
from colourize.course.theory import learning_rates
from colourize.errors import InputError
from colourize.report import records
from colourize.report.written import report
from colourize.runs import listing, temperature
from colourize.runs.resume import sweep_of
from colourize.sweeps import stored_search
from colourize.sweeps.summary import Summary, jobs, planned
from tests import made_runs

DEEP = "[" * 200_000 + "]" * 200_000
NOT_FILES = {
    "a pipe": os.mkfifo,
    "a link to endless zeros": lambda path: path.symlink_to("/dev/zero"),
    "a link to a terminal": lambda path: path.symlink_to("/dev/tty"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a folder": Path.mkdir,
    "a terabyte of holes": lambda path: (path.touch(), os.truncate(path, 1 << 40)),
}
TEXTS = {
    "nested lists": DEEP,
    "nested dictionaries": '{"config":' * 5000 + "1" + "}" * 5000,
    "nested under an entry": '{"status": "failed", "own": ' + "[" * 60 + "]" * 60 + "}",
    "a number of 5000 digits": '{"pid": ' + "9" * 5000 + "}",
    "a number of 4000 digits": '{"config": {"max_epochs": ' + "9" * 4000 + "}}",
    "not UTF-8": b"\xff\xfe{}",
    "no dictionary": "[1]",
    "cut short": '{"status": "fin',
    "empty": "",
    "a long one": '{"error": "' + "x" * (5 << 20) + '"}',
}
DAMAGED = {**NOT_FILES, **{name: lambda path, text=text: _write(path, text) for name, text in TEXTS.items()}}


def _write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.fixture
def sweep(tmp_path):
    """Two good runs, and a folder for a stranger's."""
    return made_runs.sweep(tmp_path / "sweep")


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_manifest_is_ignored_and_the_others_are_listed(sweep, kind, capsys, caplog):
    DAMAGED[kind](sweep / "2/run.json")
    listing.show([sweep])
    stored = capsys.readouterr().out
    assert stored.count("finished") == 2
    if kind not in ("a link to nothing", "a link to itself"):  # not a file, so not a run
        assert stored.startswith("3 runs") and stored.count("unknown") == 1
        assert f"{sweep / '2/run.json'} is damaged and ignored" in caplog.messages
    assert sum(record.state == "finished" for record in report([sweep]).records) == 2
    assert len(jobs(sweep, [])) in (2, 3)


@pytest.mark.parametrize("kind", DAMAGED)
def test_any_other_damaged_file_does_not_affect_the_rest(sweep, kind):
    (sweep / "2").rmdir()
    for name in ("1/metrics.csv", "1/evaluation.json", "multirun.yaml", "sweep.json", stored_search.RESULTS):
        (sweep / name).unlink(missing_ok=True)
        DAMAGED[kind](sweep / name)
    seen = report([sweep])
    assert [record.name for record in seen.records] == ["0", "1"]
    assert seen.records[0].finals["val/loss"] == 1.0
    assert sweep_of(sweep) == {} and stored_search.best(sweep) == ""
    listing.show([sweep])


VALUES = [1e999, -1e999, float("nan"), 1e308, -1e308, 10**19, -1, "1", [], {}, True, None, "\x1b[2J", 0.5]
PLACES = (
    "status", "pid", "start", "starts", "error", "host", "cwd", "pruned", "fingerprint", "metrics", "environment",
    "config", "overrides", "refused", "config.seed", "config.max_epochs", "config.model", "config.model.kernel",
    "config.data", "config.trainer", "config.lr", "config.kernel", "config.optimizer", "config.scheduler",
    "metrics.val/loss", "metrics.own", "environment.torch", "refused.overrides", "refused.status",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_no_value_in_a_manifest_stops_a_list_or_a_report(sweep, place, capsys):
    """``json`` writes NaN and Infinity, which are not JSON, and reads 1e999."""
    for number, value in enumerate(VALUES, 3):
        copy = shutil.copytree(sweep / "1", sweep / str(number))
        stored = json.loads((copy / "run.json").read_text())
        *home, name = place.split(".")
        node = stored
        for part in home:
            node = node.setdefault(part, {})
        node[name] = value
        (copy / "run.json").write_text(json.dumps(stored))
    listing.show([sweep])
    capsys.readouterr()
    listing.show([sweep], as_json=True)
    assert len([json.loads(line) for line in capsys.readouterr().out.splitlines()]) == 2 + len(VALUES)
    assert {record.name for record in report([sweep]).records} == {"0", "1", *map(str, range(3, 3 + len(VALUES)))}
    swept = Summary()
    swept.folder, swept.planned = sweep, []
    swept.show()
    swept._states()


CELLS = "1e999", "-1e999", "nan", "1e308", "-1e308", "9" * 400, "-1", "x", "", "1e-320", "\x1b"


@pytest.mark.parametrize("column", ["epoch", "val/loss", "train/loss", "images_per_second", "seconds", "val/accuracy"])
def test_no_cell_of_the_epochs_stops_a_report(sweep, column):
    for number, cell in enumerate(CELLS, 3):
        copy = made_runs.run(sweep / str(number), seed=number)
        rows = [line.split(",") for line in (copy / "metrics.csv").read_text().splitlines()]
        rows[2][rows[0].index(column)] = cell
        (copy / "metrics.csv").write_text("\n".join(map(",".join, rows)))
    listing.show([sweep])
    assert len(report([sweep]).records) == 2 + len(CELLS)


def test_no_value_of_an_evaluation_stops_a_report(sweep):
    number = 2
    for value in (*VALUES, 10**400):
        row = {"cross_entropy": [value, 0, 0]}
        for made in ({"look-up table": row, "UNet": row}, {"UNet": {"psnr": value}}, {"UNet": value}, value):
            copy = made_runs.run(sweep / str(number := number + 1), seed=number)
            (copy / "evaluation.json").write_text(json.dumps(made))
    assert len(report([sweep]).records) == number


def test_a_short_override_for_a_billion_jobs_is_not_expanded(sweep, caplog):
    task = ["seed=range(1000000000)"], ["a=range(0,1e9,0.5)"], [f"k{i}=1,2,3,4,5,6,7,8" for i in range(20)]
    for words in task:
        hydra = {"sweeper": {"_target_": "BasicSweeper", "params": None}, "overrides": {"task": words}}
        (sweep / "multirun.yaml").write_text(json.dumps({"hydra": hydra}))
        (sweep / "sweep.json").write_text('{"overrides": []}')
        assert len(records.read([sweep])) == 2
        assert "more than 10,000 jobs" in caplog.messages[-1]
    words = ["seed=range(3)", "lr=0.1,0.2", "x=range(5,0,-2)"]
    hydra = {"sweeper": {"_target_": "BasicSweeper", "params": {"k": "1,2"}}, "overrides": {"task": words}}
    assert len(planned({"hydra": hydra}, 36)) == 36
    with pytest.raises(ValueError, match="more than 35 jobs"):
        planned({"hydra": hydra}, 35)


def test_a_reference_in_a_strangers_file_is_not_followed(sweep, monkeypatch):
    monkeypatch.setenv("SECRET", "hunter2")
    hydra = {"sweeper": {"_target_": "BasicSweeper", "params": {"seed": "${oc.env:SECRET}"}}, "overrides": {"task": []}}
    (sweep / "multirun.yaml").write_text(json.dumps({"hydra": hydra}))
    (sweep / "sweep.json").write_text('{"overrides": []}')
    best = "best_job: 1\nbest_value: 0.5\nbest_params: {lr: '${oc.env:SECRET}'}\n"
    (sweep / stored_search.RESULTS).write_text(best)
    assert stored_search.best(sweep) == "job 1, val/loss 0.5000: lr=${oc.env:SECRET}"
    report([sweep])
    for page in ("report.html", "report.md", "report.csv"):
        assert "hunter2" not in (sweep / page).read_text()


LAUGHS = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(12)
)


@pytest.mark.parametrize("text", [LAUGHS, DEEP, "a: !!python/object/apply:os.system [touch ran]", "\0", "a: [", "1"])
def test_no_yaml_runs_code_or_grows(sweep, text, monkeypatch, caplog):
    monkeypatch.chdir(sweep)
    (sweep / stored_search.RESULTS).write_text(text)
    assert stored_search.best(sweep) == ""
    assert "is damaged and ignored" in caplog.text
    (sweep / "multirun.yaml").write_text(text)
    (sweep / "0/.hydra").mkdir()
    (sweep / "0/.hydra/hydra.yaml").write_text(text)
    report([sweep])
    assert not (sweep / "ran").exists()


@pytest.mark.parametrize("kind", [*NOT_FILES, "garbage", "a page of garbage records"])
def test_damaged_events_are_left_out(sweep, kind):
    (sweep / "0/tensorboard").mkdir()
    file = sweep / "0/tensorboard/events.out.tfevents.1.x"
    if kind in NOT_FILES:
        NOT_FILES[kind](file)
    else:
        file.write_bytes(os.urandom(99) if kind == "garbage" else b"\xff" * 5000)
    report([sweep])


def test_a_temperature_that_is_not_a_file_or_is_nested_is_reported(finished_run, tmp_path):
    copy = shutil.copytree(finished_run, tmp_path / "run")
    checkpoint = copy / "checkpoints/last.ckpt"
    for kind in ("nested lists", "a pipe", "a link to endless zeros", "no dictionary", "a number of 5000 digits"):
        DAMAGED[kind](temperature.beside(checkpoint))
        with pytest.raises(InputError, match=r"temperature\.json is damaged; run colourize calibrate"):
            temperature.read_temperature(checkpoint)
        temperature.beside(checkpoint).unlink()


def test_texts_of_strangers_cannot_control_the_terminal_or_a_page(sweep, capsys, monkeypatch):
    text = "\x1b]0;owned\x07\x1b[2J\x9b5m\u202e\r\ncolourize: all is well"
    stored = json.loads((sweep / "1/run.json").read_text())
    stored |= {"error": text, "status": "failed", "host": text, "overrides": [f"lr={text}", "seed=1"]}
    stored["environment"] = {"torch": text}
    stored["config"]["classes"] = text
    (sweep / "1/run.json").write_text(json.dumps(stored))
    (sweep / f"3{text[:-9].replace('/', '')}").mkdir()
    (sweep / f"3{text[:-9].replace('/', '')}/run.json").write_text(json.dumps(stored))
    for words in (
        ["runs", str(sweep)],
        ["report", str(sweep)],
        [text],
        ["evaluate", text],
        ["train", f"resume={text}"],
    ):
        monkeypatch.setattr("sys.argv", ["colourize", *words])
        try:
            main()
        except SystemExit as ended:
            print(ended.code)
    swept = Summary()
    swept.folder, swept.planned = sweep, []
    swept.show()
    stored = capsys.readouterr()
    for page in (stored.out, stored.err, *((sweep / f"report.{form}").read_text() for form in ("html", "md", "csv"))):
        assert not set(page) & set("\x1b\x07\x9b\u202e\r")
    assert "\\u001b[2J" in stored.out
    listed = [line for line in stored.out.splitlines() if line.startswith("colourize: all is well")]
    assert not listed


@pytest.mark.parametrize("begin", ["=", "+", "-", "@"])
def test_no_cell_of_the_table_is_a_formula_and_numbers_stay_numbers(sweep, begin):
    stored = json.loads((sweep / "1/run.json").read_text())
    stored |= {"error": f"{begin}cmd|' /C calc'!A0", "status": "failed"}
    stored["config"]["classes"] = f"{begin}HYPERLINK(A1)"
    (sweep / "1/run.json").write_text(json.dumps(stored))
    report([sweep])
    with (sweep / "report.csv").open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert f"'{begin}cmd|' /C calc'!A0" in cells and f"'{begin}HYPERLINK(A1)" in cells
    skill = json.loads((sweep / "0/run.json").read_text())["metrics"]["val/skill"]
    assert skill < 0 and repr(skill) in cells


def test_a_database_with_its_own_queries_is_left_out(sweep, caplog):
    pytest.importorskip("optuna")
    stored_search.open_search(sweep)
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS trial_id FROM n"
    with sqlite3.connect(sweep / stored_search.DATABASE) as database:
        database.execute("DROP TABLE trials")
        database.execute(f"CREATE VIEW trials AS {endless}")
    report([sweep])
    assert "contains views or triggers, which a search never creates" in caplog.text


def test_the_demo_of_learning_rates_leaves_damaged_runs_out(sweep):
    stored = json.loads((sweep / "1/run.json").read_text())
    stored["metrics"] |= {"lr": 0.1}
    (sweep / "0/run.json").write_text(json.dumps(stored))
    damages = {"lr": 1e999}, {"lr": "x"}, {"lr": []}, {"model": 5}, {"optimizer": None}, {"trainer": []}
    for number, damage in enumerate(damages, 2):
        damaged = json.loads(json.dumps(stored))
        damaged["config"] |= damage
        damaged["config"]["optimizer"] = {**(damaged["config"]["optimizer"] or {}), **damage}
        (sweep / str(number)).mkdir(exist_ok=True)
        (sweep / str(number) / "run.json").write_text(json.dumps(damaged))
    demo = learning_rates.demo(str(sweep))
    assert sum(row["runs"] for row in demo.rows) == 1
    assert {row["first lr"] for row in demo.rows} == {0.001}
