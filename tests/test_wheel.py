"""A wheel built from the tree trains outside it."""

import os
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from colourize import __version__
from tests.conftest import QUICK

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_a_wheel_trains_outside_the_tree(tmp_path):
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("colourize_networks-*.whl")
    target = tmp_path / "installed"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target]
    printed = subprocess.run(
        [*install, f"{wheel}[sweep]"], check=True, capture_output=True, text=True
    )  # as in the docs
    assert "does not provide the extra" not in printed.stderr
    (installed,) = distributions(path=[str(target)])
    assert installed.metadata["Name"] == "colourize-networks" and installed.version == __version__
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    script = "from colourize import __main__; print(__main__.__file__); __main__.main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "train", *QUICK, "hydra.run.dir=run"],
        cwd=elsewhere, env={**os.environ, "PYTHONPATH": str(target)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert str(target) in done.stdout
    assert (elsewhere / "run/checkpoints/last.ckpt").exists()
    assert (target / "bin/colourize").exists()
    find = (
        "from hydra.core.plugins import Plugins; from hydra.plugins.sweeper import Sweeper; "
        "print(Plugins.instance().discover(Sweeper))"
    )
    for place, path in ((elsewhere, target), (ROOT, ROOT)):
        found = subprocess.run([sys.executable, "-c", find], cwd=place, env={**os.environ, "PYTHONPATH": str(path)},
                               capture_output=True, text=True)  # fmt: skip
        assert "hydra_plugins.colourize_optuna.OptunaSweeper" in found.stdout, found.stderr
