"""A logger in the background never raises, never waits for long, and names its trouble in one line."""

import logging
import threading
import time

import pytest
import torch

from colourize.training.loggers import background
from colourize.training.loggers.background import Background


class Kept:
    """Keeps what it is given; each call waits for ``gate``, and may fail."""

    def __init__(self, gate=None, error=None):
        self.seen, self.gate, self.error = [], gate, error

    def viewer(self):
        return "dashboard", "its address"

    def __getattr__(self, name):
        def call(*given):
            if self.gate is not None:
                self.gate.wait(30)
            if self.error is not None:
                raise self.error
            self.seen.append((name, *given))

        return call


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(background, "FLUSH", 0.2)
    monkeypatch.setattr(background, "END", 0.3)


def test_everything_arrives_in_order_and_before_a_flush_returns():
    run = Kept()
    logger = Background("mlflow", lambda: run)
    for step in range(50):
        logger.log_metrics({"loss": torch.tensor(0.5) * step}, step)
    logger.flush()
    assert run.seen == [("metrics", {"loss": 0.5 * step}, step) for step in range(50)]
    logger.log_picture("grey", torch.ones(3, 2, 4), 7)
    logger.log_text("table", "| a |", 8)
    logger.close("success")
    assert [call[0] for call in run.seen[50:]] == ["picture", "text", "close"]
    assert run.seen[50][2].shape == (2, 4, 3) and run.seen[50][2].max() == 255


def test_a_server_that_is_away_is_named_with_the_system_s_reason_only(caplog):
    """Libraries wrap the reason several times, each time with the whole address."""

    def open_run():
        try:
            try:
                raise ConnectionRefusedError(111, "Connection refused")
            except OSError as error:
                raise RuntimeError("Pool(host='h', port=9): Max retries exceeded with url: /a (Caused by X)") from error
        except RuntimeError as error:
            raise ValueError(f"API request to http://h:9/a failed with exception {error}") from error

    logger = Background("mlflow", open_run)
    with caplog.at_level(logging.WARNING):
        logger.log_metrics({"loss": 1.0}, 0)
        logger.flush()
        logger.close("failed")
    (record,) = caplog.records
    cause = "API request to http://h:9/a failed ([Errno 111] Connection refused)"
    assert record.message == f"logger=mlflow: {cause}; the run continues without it, metrics.csv has its curves"


@pytest.mark.parametrize("error", [OSError("no route to host"), ValueError("refused\nby the server"), SystemExit(1)])
def test_an_error_is_one_line_and_nothing_is_raised(caplog, error):
    logger = Background("wandb", lambda: Kept(error=error))
    with caplog.at_level(logging.WARNING):
        for step in range(3):
            logger.log_metrics({"loss": 1.0}, step)
        logger.flush()
        logger.close("failed")
    (record,) = caplog.records
    assert "logger=wandb: " in record.message and "the run continues without it" in record.message
    assert "\n" not in record.message


def test_a_server_that_does_not_answer_delays_a_run_by_a_bounded_time_and_is_one_line(caplog):
    gate = threading.Event()
    logger = Background("wandb", lambda: Kept(gate))
    with caplog.at_level(logging.WARNING):
        for step in range(20):
            logger.log_metrics({"loss": 1.0}, step)
            logger.flush()  # waits only once
            assert logger.late
        logger.close("success")
    assert logger.thread is None and logger.lost.is_set()
    assert [record.message.partition(";")[0] for record in caplog.records] == [
        "logger=wandb: has not taken everything within 0 s of the end"
    ]
    gate.set()


def test_what_shows_a_run_is_known_before_a_slow_server_answers_and_is_nothing_for_a_lost_one(caplog):
    gate = threading.Event()
    logger = Background("mlflow", lambda: gate.wait(30) and Kept(), ("dashboard", "mlflow ui"))
    logger.log_metrics({"loss": 1.0}, 0)
    assert logger.viewer() == ("dashboard", "mlflow ui")
    gate.set()
    while logger.thread.is_alive() and not logger.calls.empty():
        time.sleep(0.01)
    assert logger.viewer() == ("dashboard", "its address")
    broken = Background("mlflow", lambda: Kept(error=OSError("gone")), ("dashboard", "mlflow ui"))
    broken.log_metrics({"loss": 1.0}, 0)
    assert broken.viewer() is None


def test_a_logger_that_was_never_used_starts_nothing():
    logger = Background("wandb", lambda: pytest.fail("opened"))
    logger.close("success")
    assert logger.thread is None
