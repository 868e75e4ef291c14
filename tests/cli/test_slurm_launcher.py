"""The launcher on Slurm without Slurm; tests/faults/test_slurm.py runs it on a real one."""

import math
import signal
import sys
from types import SimpleNamespace

import pytest
from omegaconf import OmegaConf

from colourize.cli import slurm
from colourize.errors import InputError, Interrupted
from colourize.runs import manifest, queue


@pytest.fixture
def fast(monkeypatch):
    for name, seconds in (("LOOK", 0.01), ("ASK", 0.02), ("GONE", 0.2)):
        monkeypatch.setattr(slurm, name, seconds)


def job(folder, name, done=False):
    paths = SimpleNamespace(result_pickle=folder / f"{name}.pkl", stderr=folder / f"{name}.err")
    if done:
        paths.result_pickle.write_bytes(b"never read")
    return SimpleNamespace(job_id=name, task=lambda number: SimpleNamespace(paths=paths))


def test_a_job_that_has_left_the_queue_without_a_result_is_not_awaited(fast, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(queue, "states", lambda jobs: {})
    slurm._await([job(tmp_path, "1_0", done=True), job(tmp_path, "1_1")])
    assert caplog.messages == [
        f"Slurm job 1_1 has left the queue without a result; see {tmp_path / '1_1.err'}",
    ]


@pytest.mark.parametrize("answers", [[None], [{"1_0": "PENDING (BeginTime)"}]])
def test_a_job_that_waits_or_a_silent_queue_is_awaited(fast, tmp_path, monkeypatch, caplog, answers):
    waiting, calls = job(tmp_path, "1_0"), []

    def states(jobs):
        calls.append(jobs)
        if len(calls) == 30:
            waiting.task(0).paths.result_pickle.touch()
        return answers[0]

    monkeypatch.setattr(queue, "states", states)
    slurm._await([waiting])
    assert len(calls) >= 30 and not caplog.messages


@pytest.mark.parametrize(
    ("stored", "loss"),
    [
        ({"status": "finished", "metrics": {"val/loss": 1.5}}, 1.5),
        ({"status": "failed", "metrics": {"val/loss": 1.5}}, math.nan),
        ({}, math.nan),
    ],
)
def test_the_result_is_that_of_the_run_folder(tmp_path, stored, loss):
    if stored:
        manifest.write(tmp_path, **stored)
    config = OmegaConf.create({"hydra": {"runtime": {"output_dir": str(tmp_path)}, "overrides": {"task": ["seed=1"]}}})
    assert slurm._returned(config).return_value == pytest.approx(loss, nan_ok=True)


def test_without_submitit_its_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(InputError, match=r"hydra/launcher=submitit_slurm requires submitit: pip install '.\[slurm\]'"):
        slurm.load()


@pytest.mark.parametrize(
    ("signum", "first", "requeued"),
    [(signal.SIGUSR2, True, 1), (signal.SIGUSR2, False, 0), (signal.SIGTERM, True, 0)],
)
def test_before_a_limit_the_run_is_saved_and_rank_0_requeues_the_job(signum, first, requeued):
    calls = []
    before = {each: signal.getsignal(each) for each in (*slurm.signals.SIGNALS, signal.SIGUSR2, signal.SIGCONT)}
    try:
        signal.signal(signal.SIGUSR2, lambda *given: calls.append(given))  # as submitit does
        signal.signal(signal.SIGTERM, lambda *given: None)
        with pytest.raises(Interrupted), slurm._saved_before_the_limit(first):
            signal.raise_signal(signum)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert len(calls) == requeued
