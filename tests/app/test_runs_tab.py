"""The tab of runs: what it shows of run folders, and that strangers' texts stay texts."""

import html
import json
import re

import gradio as gr
import numpy as np
import pytest

from colourize.app import runs_shown, runs_tab
from colourize.report import records
from colourize.runs import listing
from tests import made_runs

HOSTILE = "<img src=x onerror=alert(1)>${alert(2)}{{this}}@children"


@pytest.fixture
def home(tmp_path):
    made_runs.run(tmp_path / "first", losses=(2.0, 1.0), lr=0.001)
    made_runs.run(tmp_path / "sweep" / "0", losses=(3.0,), status="interrupted", lr=0.1)
    return tmp_path


def texts(page):
    return html.unescape(re.sub("<[^>]*>", " ", page))


def chosen(watched, name, state=("", "", "")):
    return watched.choose(state, gr.EventData(None, {"run": name}))


def test_the_list_shows_what_colourize_runs_shows(home):
    runs = listing.found([home])
    page = texts(runs_shown.listed(runs, home, "first"))
    for run in runs:
        assert runs_shown.name_of(run, home) in page and run.state in page
        assert f"{run.last:.4f}" in page and f"{run.epochs} of {run.max_epochs}" in page


def test_the_curves_end_at_the_last_epochs_of_the_table(home):
    (record,) = [each for each in records.read([home]) if each.name == "first"]
    for column in (runs_shown.LOSS, runs_shown.ACCURACY):
        chart = runs_shown.curves(record, column)
        assert f"validation {column.scale * record.epochs[-1][column.key]:.{column.digits}f}" in chart.caption
        assert "epoch 2" in chart.caption and chart.svg.startswith("<svg")


def test_the_table_holds_each_row_of_the_evaluation_in_its_order(home):
    (record,) = [each for each in records.read([home]) if each.name == "first"]
    grid = runs_shown.bounds(record)
    assert [line.name.text for line in grid.lines] == list(record.rows)
    assert all(len(line.cells) == len(grid.head) - 1 for line in grid.lines)
    assert {"floor", "model"} <= {line.kind for line in grid.lines}


def test_an_unchanged_folder_sends_nothing_and_a_new_epoch_only_what_it_changes(home, monkeypatch):
    monkeypatch.setattr(runs_tab, "SECONDS", -1.0)
    watched = runs_tab.Watched(home)
    state, listed, one = chosen(watched, "sweep/0")
    assert 'data-run="sweep/0"' in listed and "after epoch 1" in one
    assert watched.tick(state) == [gr.skip(), gr.skip(), gr.skip()]
    table = home / "sweep/0/metrics.csv"
    header, last = table.read_text().splitlines()
    table.write_text(f"{header}\n{last}\n{last.replace('0,', '1,', 1)}\n")
    after, _, again = watched.tick(state)
    assert "after epoch 2" in again and after[0] == "sweep/0"


def test_texts_of_strangers_stay_texts(home):
    folder = home / HOSTILE.replace("/", "_")
    folder.mkdir()
    stored = {"status": HOSTILE, "error": f"<script>{HOSTILE}", "overrides": [HOSTILE], "start": "2027"}
    (folder / "run.json").write_text(json.dumps(stored))
    watched = runs_tab.Watched(home)
    name = str(folder.relative_to(home))
    _, listed, one = chosen(watched, name)
    for page in (listed, one):
        assert HOSTILE in texts(page)
        assert not re.search(r"<(img src=x|script)|\$\{|\{\{|@children", page)


@pytest.mark.parametrize("name", ["../first", "/etc", "", "none", ".", "sweep/0/../0"])
def test_a_visitor_can_only_choose_a_run_of_the_list(home, name):
    state, _, _ = chosen(runs_tab.Watched(home), name)
    assert state[0] in ("first", "sweep/0")


def test_without_runs_it_says_what_writes_them(tmp_path):
    for home in (tmp_path, tmp_path / "none"):
        _, listed, one = runs_tab.Watched(home).tick(("", "", ""))
        assert "colourize train" in texts(listed) and one in ("", gr.skip())


def test_pictures_are_those_that_the_run_wrote(home, monkeypatch):
    strip = np.zeros((34, 331, 3), np.uint8)
    monkeypatch.setattr(runs_shown.strips, "read", lambda folder: runs_shown.strips.Strips(strip, strip, strip))
    (record,) = [each for each in records.read([home]) if each.name == "first"]
    page = runs_shown.one(record, runs_shown.row(listing.found([home])[0], home))
    assert page.count("data:image/png;base64,") == 3 and page.count("<img alt=") == 3
