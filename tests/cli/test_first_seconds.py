"""Ctrl-C while a command imports its libraries, which lose or distort an exception. Real processes."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image

from colourize.cli import signals
from colourize.errors import SIGNALS, Interrupted
from colourize.training.distributed import team
from tests.commands import ONE_THREAD, ROOT, typed
from tests.conftest import TINY

TRAIN = ROOT / "train.py", *TINY, "max_epochs=1", "hydra.run.dir=run"
PHOTO = "-m", "colourize", "photo", "grey.png", "-o", "out.png"
SHIELD = "import os, signal, sys; signal.signal(signal.SIGINT, {}); os.execv(sys.executable, sys.argv[1:])"


def interrupted(words, module, cwd, handler="signal.SIG_DFL"):
    """The status, and what standard error has besides the list of imports, of a command that got SIGINT as soon as it
    had imported a module."""
    Image.new("L", (8, 8)).save(cwd / "grey.png")
    command = [sys.executable, "-c", SHIELD.format(handler), sys.executable, "-X", "importtime", *map(str, words)]
    path = {**ONE_THREAD, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=cwd, env=path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as run:
        rest = []
        for line in run.stderr:
            if not line.startswith("import time:"):
                rest.append(line)
            elif line.rpartition("|")[2].strip() == module:
                os.kill(run.pid, signal.SIGINT)
    return run.returncode, rest


@pytest.mark.parametrize("words", [TRAIN, PHOTO], ids=["train", "photo"])
def test_a_command_that_has_not_begun_ends_at_once(words, tmp_path):
    assert interrupted(words, "logging", tmp_path) == (130, ["colourize: SIGINT\n"])
    assert [file.name for file in tmp_path.iterdir()] == ["grey.png"]


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "module",
    ["numpy.exceptions", "torchvision", *(pytest.param(name, marks=SLOW) for name in (
        "omegaconf", "numpy._core.multiarray", "numpy._core", "numpy.linalg", "torch._C", "scipy", "sklearn"))],
)  # fmt: skip
def test_a_run_whose_libraries_are_imported_ends_in_order(module, tmp_path):
    status, said = interrupted(TRAIN, module, tmp_path)
    assert status == 130 and len(said) == 1 and said[0].startswith("colourize: SIGINT"), said
    if (tmp_path / "run").exists():
        assert said[0].endswith(f"; resume with: python train.py resume={tmp_path}/run\n")
        assert json.loads((tmp_path / "run/run.json").read_text())["status"] == "interrupted"


@pytest.mark.parametrize(
    "module", ["numpy.exceptions", *(pytest.param(name, marks=SLOW) for name in ("numpy", "torch"))]
)
def test_a_command_whose_libraries_are_imported_ends_with_one_line(module, tmp_path):
    assert interrupted(PHOTO, module, tmp_path) == (130, ["colourize: SIGINT\n"])


def test_a_parent_that_ignores_ctrl_c_is_respected(tmp_path):
    status, said = interrupted(PHOTO, "numpy.exceptions", tmp_path, "signal.SIG_IGN")
    assert (status, len(said)) == (0, 1) and "1 coloured" in said[0]


@pytest.mark.parametrize("seconds", [0, 0.02, 0.05, 0.1])
def test_another_rank_that_gets_ctrl_c_as_soon_as_it_is_started_ends_without_a_word(seconds, capfd):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background would ignore it
    try:
        rank = team.follower(["127.0.0.1", "1", "1", "2", str(os.getpid())])
    finally:
        signal.signal(signal.SIGINT, before)
    time.sleep(seconds)
    rank.send_signal(signal.SIGINT)
    assert (rank.wait(60), capfd.readouterr().err) == (130, "")
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []).isdisjoint(SIGNALS)


def test_a_signal_waits_until_omegaconf_has_made_its_object(monkeypatch):
    made = []

    def flags(*given):
        signal.raise_signal(signal.SIGTERM)
        made.append(True)

    monkeypatch.setattr(signals, "LOSE", (*signals.LOSE, __name__.partition(".")[0]))
    before = signal.signal(signal.SIGTERM, signals._raise)
    try:
        flags()
        assert made
        monkeypatch.setattr(signals, "LOSE", ())
        with pytest.raises(Interrupted):
            time.sleep(10)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_signal_before_the_run_begins_is_named(monkeypatch, capsys):
    monkeypatch.setattr("colourize.cli.train._train_job", lambda: signals._raise(signal.SIGTERM, None))
    with pytest.raises(SystemExit) as caught:
        typed(monkeypatch)
    assert (caught.value.code, capsys.readouterr().err) == (143, "colourize: SIGTERM\n")
