"""Charts of runs written by the test, compared with the arguments of matplotlib."""

import json

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes

from colourize.report.canvas import factored
from colourize.report.columns import ACCURACY, LOSS
from colourize.report.drawn import drawn
from colourize.report.records import read
from colourize.report.references import published
from colourize.report.settings import grouped
from tests.made_runs import run

COURSE = {"losses": [2.0, *[1.1] * 24], "max_epochs": 25}


def charts(folder):
    return {chart.name: chart for chart in drawn(grouped(read([folder])))}


def test_the_common_part_of_long_row_names_is_stated_once(tmp_path):
    names = ["batch_size=32, kernel=3, lr=0.00301324, num_filters=16", "batch_size=64, kernel=1, lr=0.1, num_filters=8"]
    stored = "batch_size, kernel, lr, num_filters", ["32, 3, 0.00301324, 16", "64, 1, 0.1, 8"]
    assert factored(names) == stored
    for other in ("UNet", "batch_size=32, kernel=3, lr=0.1", "UNet, kernel=3, lr=0.1, num_filters=8"):
        assert factored([*names, other]) == ("", [*names, other])
    for job in range(4):
        run(tmp_path / str(job), batch_size=2**job, lr=0.00123456 * 3**job, kernel=1 + job % 2, num_filters=8 + job)
    labels = [each.label for each in grouped(read([tmp_path])).settings]
    assert factored(labels)[0] == "batch_size, lr, kernel, num_filters"


@pytest.fixture
def bars(monkeypatch):
    """Ends of the error bars drawn: a list of (x, mean, sd), one for each call."""
    found = []
    original = Axes.errorbar

    def errorbar(self, x, y, yerr=None, xerr=None, **style):
        found.append((np.asarray(x, float), np.asarray(y, float), yerr if yerr is not None else xerr))
        return original(self, x, y, yerr=yerr, xerr=xerr, **style)

    monkeypatch.setattr(Axes, "errorbar", errorbar)
    return found


def test_a_published_result_is_drawn_at_the_value_with_the_same_settings(tmp_path):
    for job, kernel in enumerate((1, 3, 5)):
        run(tmp_path / str(job), kernel=kernel, **COURSE)
    found = grouped(read([tmp_path])).settings
    (mark,) = published(found, LOSS, lambda each: each.values["kernel"])
    assert (mark.name, mark.place, mark.mean, mark.sd) == ("UNet", 3, 1.0683, 0.0067)
    (mark,) = published(found, ACCURACY, found.index)
    assert (mark.place, mark.mean) == (1, pytest.approx(57.95))
    assert "published UNet, mean ± sd" in charts(tmp_path)["loss-final"].svg


@pytest.mark.parametrize(
    "other", [{"palette": "mine.npy"}, {"trainer": {"limit_train_batches": 3}}, {"lr": 0.01}, {"num_filters": 16}]
)
def test_published_results_are_not_drawn_for_other_settings(tmp_path, other):
    run(tmp_path / "0", **COURSE, **other)
    assert published(grouped(read([tmp_path])).settings, LOSS, lambda each: 0) == []


def test_published_results_are_not_drawn_for_other_validation_classes(tmp_path, monkeypatch):
    from tests import made_runs

    monkeypatch.setitem(made_runs.CONFIG["data"], "validation_classes", "cat")
    run(tmp_path / "0", **COURSE)
    assert published(grouped(read([tmp_path])).settings, LOSS, lambda each: 0) == []


def test_one_seed_has_no_error_bar_and_no_mention_of_one(tmp_path, bars):
    for job, kernel in enumerate((1, 3)):
        run(tmp_path / str(job), losses=(2.0, 1.0 + job), kernel=kernel)
    caption = charts(tmp_path)["loss-final"].caption
    assert "One run for each setting." in caption and "sd" not in caption
    assert all(np.isnan(sd).all() for _, _, sd in bars)


def test_with_many_settings_the_best_accuracy_stays_in_the_chart_and_a_loss_beyond_it_is_named(tmp_path):
    for job in range(9):
        run(tmp_path / str(job), losses=[*[9.0] * 20, 0.5 + job / 10] if job else [400.0] * 21, lr=0.001 * (job + 1))
    found = charts(tmp_path)
    assert "Losses above 27 are beyond the chart." in found["loss-curves"].caption
    assert "beyond" not in found["accuracy-curves"].caption
    with mpl.rc_context():
        assert ">60<" in found["accuracy-curves"].svg  # 1 / (1 + 0.6) = 62.5 %


def test_across_palettes_the_best_have_the_highest_skill_and_losses_are_not_compared(tmp_path):
    """Losses 0.1, 0.2, ... of palettes, with a skill that increases with the loss."""
    for job in range(9):
        run(tmp_path / str(job), (3.0, (job + 1) / 10), num_colours=job + 4, fingerprint=str(job) * 20)
        row = (tmp_path / f"{job}/run.json").read_text()
        stored = json.loads(row)
        stored["metrics"]["val/skill"] = job / 10
        (tmp_path / f"{job}/run.json").write_text(json.dumps(stored))
    found = charts(tmp_path)
    assert "by their last skill named" in found["loss-curves"].caption
    named = [number for number in range(4, 13) if f">num_colours={number}<" in found["loss-curves"].svg]
    assert named == [4, 9, 10, 11, 12]
    for name, message in (("loss-curves", 1), ("accuracy-final", 1), ("skill-final", 0), ("seconds-final", 0)):
        assert found[name].caption.count("compare the skill") == message


def test_two_sets_of_pictures_have_two_lines_and_null_is_shown_as_typed(tmp_path):
    for job, (size, ema, pictures) in enumerate((s, e, p) for s in (32, 64) for e in (None, 0.5) for p in "ab"):
        run(tmp_path / str(job), batch_size=size, ema=ema, fingerprint=pictures * 20)
    svg = charts(tmp_path)["seconds-final"].svg
    for name in ("ema=null, pictures=aaaaaaaa", "ema=0.5, pictures=bbbbbbbb"):
        assert name in svg
