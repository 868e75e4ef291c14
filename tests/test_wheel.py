"""A wheel built from the tree works outside it: it trains, also a network of one's own, and without torch it colours a
photograph."""

import json
import os
import re
import shlex
import shutil
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
EXAMPLE = ROOT / "examples/own_network"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of the tree."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    return next(folder.glob("colourize_networks-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A folder with the installed wheel, without the libraries that it needs."""
    target = tmp_path_factory.mktemp("target") / "installed"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target]
    printed = subprocess.run(
        [*install, f"{wheel}[sweep]"], check=True, capture_output=True, text=True
    )  # as in the docs
    assert "does not provide the extra" not in printed.stderr
    return target


def ran(installed, *command, cwd):
    """A command that finds only the installed wheel."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"}
    return subprocess.run([str(word) for word in command], cwd=cwd, env=environment, capture_output=True, text=True)


FIND = """
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
print(Plugins.instance().discover(Sweeper))
"""
FORKS = """
import json, os, sys
sys.path.pop(0)  # the folder of a program, here the present one
from colourize import __main__, imports
with imports.quick("torch"):
    from colourize.cli import evaluate
    from colourize.tasks.colourization import task
print(__main__.__file__, flush=True)

for number, (folder, words) in enumerate(json.loads(sys.argv[1])):
    if not os.fork():
        os.chdir(folder)
        os.dup2(os.open(f"{number}.out", os.O_WRONLY | os.O_CREAT), 1)
        sys.argv = ["colourize", *words]
        break
    if status := os.waitstatus_to_exitcode(os.wait()[1]):
        sys.exit(status)
else:
    sys.exit()
__main__.program()
"""
"""Commands, each in a folder and in a fork of an interpreter that has already imported everything."""


@pytest.mark.slow
def test_a_wheel_trains_outside_the_tree_also_a_network_of_one_s_own(installed, tmp_path):
    (found,) = distributions(path=[str(installed)])
    assert found.metadata["Name"] == "colourize-networks" and found.version == __version__
    mine = tmp_path / "mine"
    shutil.copytree(EXAMPLE, mine, ignore=shutil.ignore_patterns("__pycache__"))
    assert sum(path.is_file() for path in mine.rglob("*")) == 3
    (block,) = re.findall(r"```bash\n(.*?)```", (EXAMPLE / "README.md").read_text(), re.S)
    commands = [shlex.split(line) for line in block.splitlines()]
    assert [words[1] for words in commands] == ["train", "evaluate", "train", "train", "report"]
    small = {True: [*QUICK[1:-1], "max_epochs=2"], False: [*QUICK[1:-1], "max_epochs=1"]}
    typed = []
    for _, verb, *words in commands:
        words = [word for word in words if not word.startswith("max_epochs=")]
        typed.append([verb, *words, *(small[words[0].startswith("resume")] if verb == "train" else [])])
    given = json.dumps([(".", ["train", *QUICK, "hydra.run.dir=run"]), *(("mine", words) for words in typed)])

    done = ran(installed, sys.executable, "-c", FIND + FORKS, given, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert str(installed) in done.stdout
    assert (tmp_path / "run/checkpoints/last.ckpt").exists()
    for each in (done, ran(ROOT, sys.executable, "-c", FIND, cwd=ROOT)):
        assert "hydra_plugins.colourize_optuna.OptunaSweeper" in each.stdout, each.stderr
    done = ran(installed, installed / "bin/colourize", "runs", "multirun/mine", cwd=mine)
    assert (done.returncode, done.stdout.count("finished")) == (0, 2), done.stdout + done.stderr
    assert "DilatedNet" in (mine / "2.out").read_text()  # that of evaluate
    assert "DilatedNet" in (mine / "multirun/mine/report.md").read_text()


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
