"""What a run borrows it gives back: the handlers of signals, and memory."""

import gc
import signal
import weakref

import pytest

from colourize.errors import SIGNALS, Interrupted
from colourize.runs.run_folder import claim
from colourize.tasks.colourization.module import Colourizer
from colourize.tasks.colourization.task import TASK
from colourize.training.fit import fit
from colourize.training.resumption import Resumption
from tests.conftest import QUICK, knobs
from tests.faults import probes


def fail():
    raise ValueError("in a step")


@pytest.mark.parametrize(
    ("action", "raised"),
    [(None, None), (fail, ValueError), (lambda: signal.raise_signal(signal.SIGTERM), Interrupted)],
    ids=["finished", "failed", "interrupted"],
)
def test_after_a_run_each_signal_has_its_handler_of_before(tmp_path, monkeypatch, action, raised):
    """Lightning restores its own handlers before the callbacks restore theirs."""
    if action:
        monkeypatch.setattr(Colourizer, "training_step", Colourizer.training_step)  # restored after the test
        probes.in_step(lambda module, step: action())
    before = {signum: signal.getsignal(signum) for signum in SIGNALS}
    options = knobs(*QUICK, f"cache_dir={tmp_path / 'cache'}")
    with claim(tmp_path / "run", options) as held:
        if raised:
            with pytest.raises(raised):
                fit(TASK, options, tmp_path / "run", held)
        else:
            fit(TASK, options, tmp_path / "run", held)
    assert {signum: signal.getsignal(signum) for signum in SIGNALS} == before


def test_nothing_holds_what_a_run_needed_once_it_has_ended(tmp_path, monkeypatch):
    """Trainer, network and pictures of each job of a sweep."""
    held_by_runs, plain = [], Resumption.setup

    def setup(self, trainer, module, stage):
        held_by_runs.extend(map(weakref.ref, (trainer, module, trainer.datamodule or module)))
        plain(self, trainer, module, stage)

    monkeypatch.setattr(Resumption, "setup", setup)
    for number in range(2):
        options = knobs(*QUICK, f"cache_dir={tmp_path / 'cache'}")
        with claim(tmp_path / str(number), options) as held:
            fit(TASK, options, tmp_path / str(number), held)
        gc.collect()
    assert len(held_by_runs) == 6 and [each() for each in held_by_runs] == 6 * [None]
