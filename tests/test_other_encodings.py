"""Real processes whose streams or names are not UTF-8: no table, bar or name ends a command."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import QUICK

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}  # file names and files without UTF-8, too
ENVIRONMENTS = {
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "ISO 8859-1": {"PYTHONIOENCODING": "iso8859-1:strict"},
    "ascii": ASCII,
    "utf-8": {"PYTHONUTF8": "1"},
}
NOT_UTF_8 = b"n\xff\xfe"
COMMANDS = """
import sys
from colourize.__main__ import main

for line in sys.argv[1].splitlines():
    sys.argv = ["colourize", *line.split("|")]
    try:
        main()
    except SystemExit as ended:
        print(ended.code, file=sys.stderr)
        sys.exit(f"{line} ended with {ended.code}" if ended.code else None)
"""
"""Several commands in one process, whose imports take seconds."""


def commands(*lines, cwd, env):
    """Runs commands, words apart by |; returns what they wrote."""
    words = [sys.executable, "-c", COMMANDS, b"\n".join(map(os.fsencode, lines))]
    root = str(Path(__file__).parent.parent)
    env = {**os.environ, "PYTHONPATH": root, "COLUMNS": "200", **env}
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, timeout=200)
    assert done.returncode == 0, done.stderr.decode("utf-8", "backslashreplace")
    return done.stdout, done.stderr


@pytest.fixture
def odd(tmp_path):
    """A folder whose name is not UTF-8, with pictures and a palette in it."""
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


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_verb_ends_well_with_streams_of_another_encoding(tmp_path, name):
    train = "|".join(["train", *QUICK, "holdout=0.25", "cache_dir=cache", "hydra.run.dir=Größe"])
    stdout, stderr = commands(
        train.replace("=Größe", "='Größe'"), "runs|.", "evaluate|Größe|--html|out.html|--json|out.json",
        "report|.", "calibrate|Größe", "decode-sweep|Größe", "describe|model=unet", "theory|study=minimum_norm",
        "train|--help", cwd=tmp_path, env=ENVIRONMENTS[name],
    )  # fmt: skip
    assert json.loads(Path(os.fsdecode(os.fsencode(tmp_path) + "/Größe/run.json".encode())).read_text())["status"] == (
        "finished"
    )
    assert b"Traceback" not in stdout + stderr and b"Logging error" not in stdout + stderr
    assert b"stands below the look-up table" in stdout


@pytest.mark.parametrize("name", ["utf-8", "ascii"])
def test_names_that_are_not_utf_8_work_through(odd, tmp_path, name):
    there = [b"'%b/%b'" % (odd, part) for part in (b"pictures", b"palette.npy", b"run", b"cache")]
    train = [b"train", b"data=folder", b"num_filters=2", b"num_colours=4", b"image_size=8", b"batch_size=4"]
    knobs = b"data.root=", b"palette=", b"hydra.run.dir=", b"cache_dir="
    words = [*train, b"max_epochs=1", *(knob + place for knob, place in zip(knobs, there, strict=True))]
    swept = [*train, b"max_epochs=1", b"data.root=pictures", b"--multirun", b"seed=0,1", b"hydra.sweep.dir=sweep"]
    stdout, stderr = commands(
        b"|".join(words), b"|".join(swept), b"train|max_epochs=2|resume=" + odd + b"/run", b"runs|" + odd,
        b"evaluate|" + odd + b"/run|--html|out.html|--json|out.json|--pictures|out.png", b"report|" + odd,
        cwd=odd, env=ENVIRONMENTS[name],
    )  # fmt: skip
    assert b"Traceback" not in stdout + stderr and b"Logging error" not in stdout + stderr
    assert stdout.count(b"is not UTF-8: tensorboard/ is left out; metrics.csv holds the curves") == 4
    assert b"go on with" not in stdout and b"\\udcff\\udcfe/run" in stdout
    for run in (b"/run", b"/sweep/0", b"/sweep/1"):
        said = json.loads(Path(os.fsdecode(odd + run + b"/run.json")).read_text())
        assert said["status"] == "finished" and os.fsencode(said["cwd"]) == odd
    assert os.fsencode(said["config"]["data"]["root"]) == b"pictures"
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


def test_a_name_that_hydra_cannot_read_is_told_in_one_line(odd, tmp_path):
    words = [sys.executable, "-m", "colourize", b"train", b"data=folder", b"data.root=" + odd]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, timeout=60)
    assert done.returncode == 1 and done.stdout == b"" and done.stderr.count(b"\n") == 1
    assert b"\\udcff\\udcfe" in done.stderr and b"quote what is special to Hydra" in done.stderr


@pytest.mark.parametrize("name", ["cp1252", "ascii"])
def test_bars_on_a_terminal_of_another_encoding_end_no_run(tmp_path, name):
    ours, theirs = pty.openpty()
    root = str(Path(__file__).parent.parent)
    env = {**os.environ, "PYTHONPATH": root, "TERM": "xterm", "COLUMNS": "100", **ENVIRONMENTS[name]}
    lines = "|".join(["train", *QUICK, "cache_dir=cache", "hydra.run.dir=run"]), "evaluate|run"
    words = [sys.executable, "-c", COMMANDS, "\n".join(lines)]
    with subprocess.Popen(words, cwd=tmp_path, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        told = b""
        try:
            while part := os.read(ours, 4096):
                told += part
        except OSError:  # the terminal's other end is closed
            pass
    os.close(ours)
    assert process.returncode == 0, told.decode("utf-8", "replace")
    assert b"Epoch 2/2" in told and b"measuring" in told and b"\x1b[?25l" in told and b"Traceback" not in told
