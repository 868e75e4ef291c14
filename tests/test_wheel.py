"""A wheel built from the tree works outside it: it trains, and without torch it colours a photograph."""

import os
import subprocess
import sys
import venv
from importlib.metadata import distribution, distributions
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

from colourize import __version__
from colourize.inference.export import onnx_graph
from colourize.inference.torch_predictor import TorchPredictor
from tests.conftest import QUICK
from tests.drawn_pictures import landscape
from tests.tiny_networks import trained

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of the tree."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    return next(folder.glob("colourize_networks-*.whl"))


@pytest.mark.slow
def test_a_wheel_trains_outside_the_tree(wheel, tmp_path):
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


ALONE = "numpy", "pillow", "onnxruntime", "rich", "pyyaml"  # as in docs/export.md, "Use without torch"


def closure(names):
    """The distributions of some names and everything that they require, from their metadata."""
    found, left = {}, [canonicalize_name(name) for name in names]
    while left:
        name = left.pop()
        if name not in found:
            found[name] = distribution(name)
            needs = [Requirement(line) for line in found[name].requires or ()]
            left += [
                canonicalize_name(each.name) for each in needs if not each.marker or each.marker.evaluate({"extra": ""})
            ]
    return found


def bare(folder, wheel):
    """A virtual environment with the wheel and ``ALONE``. It takes the libraries' installed files, not a package
    index, by links; nothing else of the environment of the tests is visible in it."""
    venv.create(folder, symlinks=True)
    install = [sys.executable, "-m", "pip", "--python", folder / "bin/python", "install", "--quiet", "--no-deps"]
    subprocess.run([*install, "--no-index", "--no-compile", wheel], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for each in closure(ALONE).values():
        for name in {file.parts[0] for file in each.files} - {"..", "__pycache__"}:
            if not (packages / name).exists():
                (packages / name).symlink_to(each.locate_file(name))
    return folder / "bin"


@pytest.mark.slow
def test_a_wheel_without_torch_colours_a_photograph_as_torch_does(wheel, tmp_path):
    programs = bare(tmp_path / "venv", wheel)
    found = trained("pointwise")
    photograph = landscape(48, 36).convert("L")
    photograph.save(tmp_path / "photo.png")
    (tmp_path / "x.onnx").write_bytes(onnx_graph.graph(found.model, TorchPredictor(found.model).card))

    def run(*command):
        environment = {"PATH": str(programs), "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    for name in ("torch", "hydra", "scipy"):
        assert f"No module named '{name}'" in run("python", "-c", f"import {name}").stderr
    done = run("colourize", "photo", "photo.png", "-o", "out.png", "--model", "x.onnx")
    assert (done.returncode, done.stderr) == (0, "colourize: 1 coloured\n")
    with Image.open(tmp_path / "out.png") as image:
        coloured = np.asarray(image).astype(int)
    expected = np.asarray(found.model.colourize(photograph))
    assert coloured.shape == expected.shape == (36, 48, 3) and np.ptp(coloured, 2).max() > 0
    assert np.abs(coloured - expected).max() <= 1
