"""One rule for all pages: which stored configurations and numbers are used."""

import json

import pytest

from colourize.course.theory import learning_rates
from colourize.report import records
from colourize.runs.whole import is_finite, is_whole
from tests.conftest import QUICK, knobs


def test_our_configurations_are_accepted():
    assert is_whole(knobs(*QUICK))


@pytest.mark.parametrize("config", [None, [], {}, "x", {"model": 3}])
def test_other_configurations_are_refused(config):
    assert not is_whole(config)


@pytest.mark.parametrize(
    "entry",
    [{"lr": float("nan")}, {"seed": "x"}, {"model": []}, {"loss": "x"}, {"trainer": 3}, {"data": {"a": [1e30]}}],
)
def test_the_report_and_the_figure_of_rates_leave_out_the_same_runs(tmp_path, entry):
    metrics = {"val/loss": 1.0, "train/loss": 1.0, "lr": 0.1}
    for number, config in enumerate((knobs(*QUICK), {**knobs(*QUICK), **entry})):
        assert is_whole(config) is (number == 0)
        (tmp_path / str(number)).mkdir()
        stored = {"status": "finished", "config": config, "metrics": metrics}
        (tmp_path / str(number) / "run.json").write_text(json.dumps(stored))
    assert [bool(record.config) for record in records.read([tmp_path])] == [True, False]
    assert learning_rates.demo(str(tmp_path)).sentences == ["1 of 2 runs did not finish and are left out"]


def test_numbers_at_any_depth_are_checked():
    assert is_finite({"a": [1, 2.0, {"b": None}], "c": "inf"})
    assert not any(map(is_finite, ([[float("inf")]], {"a": {"b": -1e30}}, float("nan"))))
