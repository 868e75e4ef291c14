"""The part of a report about a search, over searches written by the test."""

import re

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from colourize.report.canvas import limits
from colourize.report.written import report
from colourize.sweeps import stored_search
from tests.made_runs import run

SPACE = {"lr": FloatDistribution(1e-4, 1e-1, log=True), "model": CategoricalDistribution(["unet", "resunet"])}


def made(folder, losses):
    """A search with these losses, the last trial pruned; each trial has its run folder."""
    search = stored_search.open_search(folder, 4, 1)
    for job, loss in enumerate(losses):
        search.sampler = optuna.samplers.RandomSampler(seed=job)
        trial = search.ask(SPACE)
        run(folder / str(job), losses=(2.0, loss), lr=trial.params["lr"])
        if job == len(losses) - 1:
            trial.report(loss, 0)
            search.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            search.tell(trial, loss)
    stored_search.write_best(search, folder)
    return folder


def page(folder):
    report([folder])
    return (folder / "report.html").read_text()


def test_a_search_adds_its_history_its_importances_and_a_chart_for_each_parameter(tmp_path):
    text = page(made(tmp_path, [1.3, 1.1, 1.2, 1.25, 1.05, 1.4]))
    assert "6 trials with a loss, 1 of them ended early by the pruner." in text
    assert "Best so far: job 4, val/loss 1.0500: lr=" in text
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", text)
    for message in ("The loss of each trial, and the best so far.", "The share of the loss", "The loss against lr.",
                 "The loss against model."):  # fmt: skip
        assert sum(caption.startswith(message) for caption in captions) == 1, message


@pytest.mark.usefixtures("no_charts")
def test_few_trials_have_no_importances(tmp_path):
    text = page(made(tmp_path, [1.3, 1.1, 1.2]))
    assert "The loss against lr." in text and "The share of the loss" not in text


def test_a_choice_with_dollars_is_not_mathematics(tmp_path):
    made(tmp_path, [1.3, 1.1])
    search = stored_search.open_search(tmp_path, 4, 1)
    search.tell(search.ask({"palette": CategoricalDistribution(["a$^$.npy"])}), 1.2)
    assert "a$^$.npy" in page(tmp_path)


def test_a_damaged_database_is_left_out_and_logged(tmp_path, caplog):
    made(tmp_path, [1.3, 1.1])
    (tmp_path / stored_search.DATABASE).write_text("no database")
    assert "The loss of each trial" not in page(tmp_path)
    assert "search.db cannot be read" in caplog.text


def test_losses_far_above_the_median_do_not_flatten_the_chart():
    assert limits([1.0, 1.1, 1.2, 1.3, 200.0], [0.4]) == pytest.approx((0.4 - 0.05 * 2.0, 2.4))
    assert limits([1.0, 1.1, 1.2, 1.3, 2.0]) is None


def test_a_loss_beyond_a_chart_is_reported_under_the_charts_that_have_it(tmp_path):
    made(tmp_path, [1.3, 1.1, 1.2, 99.0, 1.25])
    search = stored_search.open_search(tmp_path, 4, 1)
    for job, loss in enumerate((1.2, 1.4)):  # with a parameter that the other trials lack
        search.tell(search.ask({"dilation": CategoricalDistribution([1, 2])}), loss + job / 10)
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page(tmp_path))
    for message, beyond in (("The loss of each trial", True), ("The loss against lr.", True),
                         ("The loss against dilation.", False)):  # fmt: skip
        (caption,) = [caption for caption in captions if caption.startswith(message)]
        assert ("are beyond the chart" in caption) == beyond


def test_each_search_of_a_report_has_its_own_charts(tmp_path):
    for name, losses in (("a", [1.3, 1.1, 1.2]), ("b", [1.5, 1.6, 1.7])):
        (tmp_path / name).mkdir()
        made(tmp_path / name, losses)
    text = tmp_path / "report.md"
    report([tmp_path / "a", tmp_path / "b"], tmp_path / "report.html", text, tmp_path / "report.csv")
    linked = re.findall(r"\((report_files/search[^)]*-history\.svg)\)", text.read_text())
    assert len(set(linked)) == len(linked) == 2
    assert len({(tmp_path / name).read_text() for name in linked}) == 2
