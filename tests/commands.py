"""The commands as a user types them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from colourize.cli.main import main
from colourize.cli.train import train

ROOT = Path(__file__).parent.parent
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "160"}


def run(*arguments, cwd, command=(sys.executable, ROOT / "train.py")):
    return subprocess.run([*command, *arguments], cwd=cwd, capture_output=True, text=True, env=ONE_THREAD)


def refused(monkeypatch, *words):
    """The line with which ``colourize WORDS`` ends in this process."""
    monkeypatch.setattr(sys, "argv", ["colourize", *words])
    with pytest.raises(SystemExit) as caught:
        main()
    line = str(caught.value)
    assert line.startswith("colourize: ") and "\n" not in line
    return line


def typed(monkeypatch, *arguments):
    """Runs the command in this process, which has already imported everything."""
    monkeypatch.setattr(sys, "argv", ["train.py", *arguments, "hydra/job_logging=none", "hydra/hydra_logging=none"])
    train()
