import pytest
from optuna.distributions import FloatDistribution

from colourize.runs import manifest
from colourize.sweeps import stored_search
from colourize.sweeps.pruning import Pruning
from colourize.tasks.chosen import train
from tests.colour_data import report_by

SPACE = {"lr": FloatDistribution(1e-4, 1e-1, log=True)}


def asked(search):
    return search.ask(SPACE).number


def add_good_trials(search, epochs):
    """Adds two complete trials with lower losses than any run of these tests."""
    for loss in (0.01, 0.02):
        trial = search.ask(SPACE)
        for epoch in range(epochs):
            trial.report(loss, epoch)
        search.tell(trial, loss)


def test_a_run_worse_than_the_median_is_pruned_with_its_results_and_marked(quick, tmp_path):
    search = stored_search.open_search(tmp_path, 2, 0)
    add_good_trials(search, epochs=4)
    number = asked(search)
    pruning = Pruning(search, number)
    metrics = train(quick("max_epochs=4"), tmp_path / "run", callbacks=[pruning])
    assert pruning.pruned and metrics["epoch"] == 0
    assert (tmp_path / "run/evaluation.json").exists() and (tmp_path / "run/checkpoints/last.ckpt").exists()
    assert search.trials[number].user_attrs == {stored_search.PRUNED: 1}


def test_a_bad_run_in_its_last_epoch_is_not_pruned(quick, tmp_path):
    search = stored_search.open_search(tmp_path, 2, 1)
    add_good_trials(search, epochs=4)
    pruning = Pruning(search, asked(search))
    train(quick("max_epochs=2"), tmp_path / "run", callbacks=[pruning])
    assert not pruning.pruned and "pruned" not in manifest.read(tmp_path / "run")


def test_a_good_run_reports_every_validation_and_is_completed(quick, tmp_path):
    search = stored_search.open_search(tmp_path, 2, 0)
    number = asked(search)
    pruning = Pruning(search, number)
    metrics = train(quick("max_epochs=3"), tmp_path / "run", callbacks=[pruning])
    reported = search.trials[number].intermediate_values
    assert not pruning.pruned and list(reported) == [0, 1, 2] and reported[2] == metrics["val/loss"]


def test_a_validation_reported_before_a_kill_is_not_reported_again(quick, tmp_path):
    search = stored_search.open_search(tmp_path, 2, 0)
    number = asked(search)
    Pruning(search, number).trial.report(7.0, 0)
    train(quick("max_epochs=2"), tmp_path / "run", callbacks=[Pruning(search, number)])
    assert search.trials[number].intermediate_values[0] == 7.0


def test_a_pruned_and_then_interrupted_run_does_not_train_further(quick, tmp_path, monkeypatch):
    search = stored_search.open_search(tmp_path, 2, 0)
    add_good_trials(search, epochs=1)
    number = asked(search)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        report_by(killed, patch)
        with pytest.raises(KeyboardInterrupt):
            train(quick("max_epochs=4"), tmp_path / "run", callbacks=[Pruning(search, number)])
    metrics = train(quick("max_epochs=4"), tmp_path / "run", callbacks=[Pruning(search, number)])
    assert metrics["epoch"] == 0 and list(search.trials[number].intermediate_values) == [0]
    stored = manifest.read(tmp_path / "run")
    assert stored["status"] == "finished" and stored["pruned"]
