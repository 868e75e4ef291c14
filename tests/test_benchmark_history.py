"""The history of speeds: which way is faster, which machine is compared, and what noise is."""

import json

import pytest

from benchmarks.history import HISTORY, compared, entry, main, slower, speeds
from benchmarks.turns import ROOT

MACHINE = {"date": "2026-01-01", "processor": "one", "threads": 2, "gpu": None}


def landing(*values, name="step, unet: colourize", **machine):
    return {**MACHINE, **machine, "speeds": {name: list(values)}}


def measured(ratio, *values):
    row = {"name": "step, unet", "unit": "ms", ratio: {"median": values[0], "range": [*values[1:]]}, "repeats": 3}
    return {"machine": MACHINE, "words": [], "step": [row]}


def test_a_speed_is_the_reference_s_time_over_ours_whichever_the_row_divides():
    assert speeds(measured("plain loop / colourize", 2.0, 1.5, 4.0)) == {"step, unet: colourize": [2.0, 1.5, 4.0]}
    assert speeds(measured("colourize / limit", 2.0, 1.25, 4.0)) == {"step, unet: colourize": [0.5, 0.25, 0.8]}
    assert speeds(measured("torch / onnxruntime", 2.0, 1.25, 4.0)) == {}


@pytest.mark.parametrize(("after", "reported"), [((1.5, 1.4, 1.59), 1), ((1.5, 1.4, 1.6), 0), ((2.5, 2.4, 2.6), 0)])
def test_slower_is_a_best_turn_below_the_worst_one_before(after, reported):
    lines = slower([landing(1.8, 1.6, 2.0), landing(*after, date="2026-02-01")])
    assert len(lines) == reported
    assert lines == ["slower: step, unet: colourize: 1.8 on 2026-01-01, 1.5 on 2026-02-01"][:reported]


def test_only_the_same_machine_is_compared_and_always_the_last_two():
    other = landing(9, 9, 9, processor="two")
    assert slower([other, landing(1, 1, 1)]) == []
    assert slower([landing(9, 9, 9), landing(1, 1, 1), other, landing(1, 1, 1)]) == []
    assert compared([landing(1, 1, 1), landing(1, 1, 1, name="epoch, unet: colourize")]) == []


def test_the_committed_figures_are_in_the_history(capsys):
    history = json.loads(HISTORY.read_text())
    for file in (ROOT / "benchmarks/results").glob("*.json"):
        found = json.loads(file.read_text())
        assert not (isinstance(found, dict) and speeds(found)) or entry(found) in history, file.name
    main([])
    assert "speeds were measured twice" in capsys.readouterr().out


def test_a_landing_is_appended_and_bad_files_end_in_one_line(tmp_path, capsys):
    file, history = tmp_path / "out.json", tmp_path / "history.json"
    for ratio in (2.0, 1.0):
        file.write_text(json.dumps(measured("plain loop / colourize", ratio, ratio, ratio)))
        main(["--add", str(file), "--history", str(history)])
    assert len(json.loads(history.read_text())) == 2
    assert "slower: step, unet: colourize: 2 on" in capsys.readouterr().out
    before = history.read_bytes()
    for bad in ("", "[]", "{}", '{"machine": 3}'):
        file.write_text(bad)
        with pytest.raises(SystemExit, match=r"^benchmarks: .*out\.json cannot be read .*; pass a file of"):
            main(["--add", str(file), "--history", str(history)])
    assert history.read_bytes() == before
