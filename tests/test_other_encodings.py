"""Real processes with streams or names that are not UTF-8: no table, bar or name ends a command."""

import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytorch_lightning.loggers import TensorBoardLogger

from colourize.training.loggers.tensorboard import logger
from tests.conftest import QUICK
from tests.faults.processes import forked

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}  # also for file names and files
SEEN = {"COLUMNS": "200", "TERM": "xterm"}
NOT_UTF_8 = b"n\xff\xfe"
COMMANDS = """
import sys
from colourize.cli.main import main

for line in sys.argv[1].splitlines():
    sys.argv = ["colourize", *line.split("|")]
    try:
        main()
    except SystemExit as ended:
        print(ended.code, file=sys.stderr)
        sys.exit(f"{line} ended with {ended.code}" if ended.code else None)
"""
"""Several commands in one process, whose imports take seconds; ``|`` separates the words."""


def in_ascii(*lines, cwd):
    """Runs commands in a new interpreter, whose files and their names, too, are in ASCII; returns its output."""
    words = [sys.executable, "-c", COMMANDS, b"\n".join(map(os.fsencode, lines))]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), **SEEN, **ASCII}
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, timeout=200)
    assert done.returncode == 0, done.stderr.decode("utf-8", "backslashreplace")
    return done.stdout, done.stderr


def typed(lines, cwd, paths, encoding):
    """Runs commands in a fork that has imported everything. Its streams are those of a new interpreter."""
    os.chdir(cwd)
    os.environ.update(SEEN)
    for descriptor, path in enumerate(paths):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOCTTY), descriptor)
    sys.stdin, sys.stdout, sys.stderr = (
        open(descriptor, mode, 1, encoding, errors, closefd=False)  # noqa: SIM115
        for descriptor, (mode, errors) in enumerate((("r", "strict"), ("w", "strict"), ("w", "backslashreplace")))
    )
    sys.argv = ["-c", "\n".join(map(os.fsdecode, lines))]
    exec(COMMANDS, {})


def in_utf_8(*lines, cwd):
    """Runs commands; returns their output."""
    paths = [Path(os.fsdecode(cwd), f".{name}") for name in ("in", "out", "err")]
    process = forked(typed, lines, cwd, paths, "utf-8")
    process.join(200)
    assert process.exitcode == 0, paths[2].read_text()
    return paths[1].read_bytes(), paths[2].read_bytes()


def on_a_terminal(*lines, cwd, encoding):
    """Runs commands on a terminal; returns its input."""
    ours, theirs = pty.openpty()
    message, process = b"", forked(typed, lines, cwd, [os.ttyname(theirs)] * 3, encoding)
    while process.is_alive() or select.select([ours], [], [], 0)[0]:
        if select.select([ours], [], [], 0.1)[0]:
            message += os.read(ours, 4096)
    os.close(theirs)
    os.close(ours)
    assert process.exitcode == 0, message.decode("utf-8", "replace")
    return message


@pytest.fixture
def odd(tmp_path):
    """A folder with a name that is not UTF-8, with pictures and a palette in it."""
    folder = os.fsencode(tmp_path) + b"/" + NOT_UTF_8
    rng = np.random.default_rng(0)
    for split, count in ((b"train", 8), (b"test", 4)):
        os.makedirs(folder + b"/pictures/" + split)
        for number in range(count):
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(os.fsdecode(folder + b"/pictures/%b/%d\xe9.png" % (split, number)))
    Path(os.fsdecode(folder + b"/pictures/train/x\xff.png")).write_bytes(b"no picture")
    np.save(os.fsdecode(folder + b"/palette.npy"), rng.random((4, 3)).astype("float32"))
    return folder


@pytest.mark.slow
def test_every_command_succeeds_on_a_terminal_with_another_encoding(tmp_path):
    train = "|".join(["train", *QUICK, "holdout=0.25", "cache_dir=cache", "hydra.run.dir='Größe'"])
    message = on_a_terminal(
        train, "runs|.", "evaluate|Größe|--html|out.html|--json|out.json", "report|.", "calibrate|Größe",
        "decode-curve|Größe", "describe|model=unet", "theory|demo=minimum_norm|demo.steps=100", "train|--help",
        cwd=tmp_path, encoding="cp1252",
    )  # fmt: skip
    assert json.loads((tmp_path / "Größe/run.json").read_text())["status"] == "finished"
    assert b"Traceback" not in message and b"Logging error" not in message
    assert b"\x1b[?25l" in message and b"Epoch 2/2" in message and b"measuring" in message  # bar and spinner
    assert "Größe/run.json".encode("cp1252").rpartition(b"/")[0] in message and b"?E00" in message


@pytest.mark.slow
@pytest.mark.parametrize("commands", [in_utf_8, in_ascii], ids=["utf-8", "ascii"])
def test_names_that_are_not_utf_8_work_through(odd, commands):
    there = [form % (odd, part) for form, part in ((b"%b/%b", b"pictures"), (b"'%b/%b'", b"palette.npy"),
                                                   (b"%b/%b", b"run"), (b"'%b/%b'", b"cache"))]  # fmt: skip
    train = [b"train", b"data=folder", b"num_filters=2", b"num_colours=4", b"image_size=8", b"batch_size=4"]
    knobs = b"data.root=", b"palette=", b"hydra.run.dir=", b"cache_dir="
    words = [*train, b"max_epochs=1", *(knob + place for knob, place in zip(knobs, there, strict=True))]
    swept = [train[0], b"--multirun", *train[1:], b"max_epochs=1", b"data.root=pictures", b"seed=1"]
    stdout, stderr = commands(
        b"|".join(words), b"|".join([*swept, b"hydra.sweep.dir=sweep"]),
        b"train|max_epochs=2|resume=" + odd + b"/run", b"runs|" + odd,
        b"evaluate|" + odd + b"/run|--html|out.html|--json|out.json|--pictures|out.png", b"report|" + odd,
        cwd=odd,
    )  # fmt: skip
    assert b"Traceback" not in stdout + stderr and b"Logging error" not in stdout + stderr
    assert stdout.count(b"is not UTF-8: tensorboard/ is left out; metrics.csv contains the curves") == 3
    assert b"resume with" not in stdout and b"\\udcff\\udcfe/run" in stdout
    for run in (b"/run", b"/sweep/0"):
        stored = json.loads(Path(os.fsdecode(odd + run + b"/run.json")).read_text())
        assert stored["status"] == "finished" and os.fsencode(stored["cwd"]) == odd
    assert os.fsencode(stored["config"]["data"]["values"]["root"]) == b"pictures"
    for page in (
        b"/report.html",
        b"/report.md",
        b"/report.csv",
        b"/out.html",
        b"/run/train.log",
        b"/run/.hydra/config.yaml",
    ):
        assert Path(os.fsdecode(odd + page)).read_text(encoding="utf-8")
    assert not Path(os.fsdecode(odd + b"/run/tensorboard")).exists()


def test_tensorboard_is_left_out_if_it_would_use_another_folder_name(odd, tmp_path, monkeypatch):
    assert logger(Path(os.fsdecode(odd)), 0) is False
    assert isinstance(logger(tmp_path / "Größe", 0), TensorBoardLogger)
    monkeypatch.setattr(os, "fsencode", lambda path: path.encode("iso8859-1"))  # as with LC_ALL=de_DE.ISO-8859-1
    assert logger(tmp_path / "Größe", 0) is False
    assert isinstance(logger(tmp_path / "run", 0), TensorBoardLogger)


def test_a_name_that_hydra_cannot_read_is_one_line(tmp_path):
    words = [sys.executable, "-m", "colourize", b"train", b"data=folder", b"data.root=a(\x07"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, timeout=60)
    assert done.returncode == 1 and done.stdout == b"" and done.stderr.count(b"\n") == 1
    assert b"\\u0007" in done.stderr and b"quote characters that are special to Hydra" in done.stderr


@pytest.mark.slow
def test_bars_move_on_a_terminal_and_nothing_else_controls_it(odd):
    """The bars of training and of reading a folder, and the spinner of a measurement; a folder's name is escaped."""
    folder, words = os.fsdecode(odd), [word for word in QUICK if not word.startswith(("data", "image_size"))]
    hostile = os.path.join(folder, "e\x1b]0;evil\x07")
    os.rename(os.path.join(folder, "pictures"), hostile)
    shared = ["data=folder", f"data.root='{hostile}'", "image_size=8", *words, "hydra.run.dir=r"]
    seen = on_a_terminal("train|" + "|".join(shared), "evaluate|r", cwd=folder, encoding="utf-8")
    assert b"\x1b[?25l" in seen and b"Epoch 1/2" in seen and "⠋".encode() in seen
    for written_out in (rb"\u001b[", rb"\u000d", b"\x1b]0;evil"):
        assert written_out not in seen
    assert rb"\u001b]0;evil\u0007" in seen
