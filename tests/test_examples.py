"""The examples run; code of one's own is found by ``hydra.searchpath``, and is resumed to the same bits."""

import copy
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

import colourize
from colourize.cli.main import main
from colourize.errors import InputError
from colourize.runs import listing, resume, run_folder
from tests.commands import refused, typed
from tests.conftest import QUICK
from tests.faults.processes import Process
from tests.trained import equal, rows, weights

ROOT = Path(__file__).parent.parent
SEARCH = "hydra.searchpath=[file://conf]"
CODE = """
import torch
from pytorch_lightning import Callback
from colourize.data.scenes import load as scenes
from colourize.tasks.colourization.losses import Loss

def load(num_train):
    return scenes(num_train, 12, 8)

class Squared(Loss):
    def forward(self, rows, labels, own):
        return own**2

class Slow(torch.optim.SGD):
    pass

class NoLoss:
    pass

class Counting(Callback):
    def on_train_end(self, trainer, module):
        print("steps:", trainer.global_step)
"""
FILES = {
    "data/mine": "_target_: my_things.load\nnum_train: 24\n",
    "loss/squared": "_target_: my_things.Squared\n",
    "callbacks/counting": "counting:\n  _target_: my_things.Counting\n",
    "loss/wrong": "_target_: my_things.NoLoss\n",
    "optimizer/slow": "_target_: my_things.Slow\nlr: ${lr}\n",
}
OWN = SEARCH, "data=mine", "loss=squared", "optimizer=slow", "callbacks=counting"
SIZES = [word for word in QUICK if not word.startswith("data")]


@pytest.fixture
def things(tmp_path, monkeypatch, no_figures):
    """A source, a loss and an optimizer of the user in the working directory, with a YAML file for each."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    (tmp_path / "my_things.py").write_text(CODE)
    for name, text in FILES.items():
        file = tmp_path / "conf" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    yield
    sys.modules.pop("my_things", None)


def test_a_source_a_loss_an_optimizer_and_a_callback_of_one_s_own_are_trained_resumed_evaluated_and_reported(
    things, tmp_path, monkeypatch, capsys
):
    typed(monkeypatch, *OWN, *SIZES, "hydra.run.dir=outputs/a")
    with pytest.raises(SystemExit, match=r"^colourize: resume=outputs/a: .*data=mine.* a file may only set knobs"):
        typed(monkeypatch, "resume=outputs/a")
    typed(monkeypatch, "resume=outputs/a", *OWN, "max_epochs=3")
    assert [row["epoch"] for row in rows(tmp_path / "outputs/a")] == ["0", "1", "2"]
    assert "steps: 9" in capsys.readouterr().out
    line = refused(monkeypatch, "evaluate", "outputs/a")
    assert "your own code runs only where the command names it" in line
    monkeypatch.setattr(sys, "argv", ["colourize", "evaluate", "outputs/a", "--trust", "my_things"])
    main()
    monkeypatch.setattr(sys, "argv", ["colourize", "report", "outputs/a"])
    main()
    assert "my_things.load" in (tmp_path / "outputs/a/report.md").read_text()
    assert "trust" not in (tmp_path / "outputs/a/run.json").read_text()


def test_a_loss_of_another_kind_is_refused_in_one_line(things, monkeypatch):
    with pytest.raises(
        SystemExit, match=r"^colourize: my_things\.NoLoss must be a subclass of colourize\.tasks\..*\.Loss;"
    ):
        typed(monkeypatch, SEARCH, "data=mine", "loss=wrong", *SIZES)


def test_the_working_directory_is_searched_only_for_code_that_the_configuration_names(things, monkeypatch):
    typed(monkeypatch, "data=scenes", *QUICK[1:], "max_epochs=1", "hydra.run.dir=outputs/b")
    assert "" not in sys.path
    callback = "+callbacks.mine._target_=my_things.Counting"
    typed(monkeypatch, "data=scenes", *QUICK[1:], "max_epochs=1", callback, "hydra.run.dir=outputs/c")
    assert sys.path[-1] == ""


@pytest.mark.slow
def test_the_example_of_an_own_network_survives_kill_9_and_ends_in_the_same_bits(tmp_path):
    shutil.copytree(ROOT / "examples/own_network", tmp_path, dirs_exist_ok=True)
    own = SEARCH, "model=dilated", *QUICK, "max_epochs=20", "trainer.enable_progress_bar=false"
    whole = Process(*own, "hydra.run.dir=whole", cwd=tmp_path)
    assert whole.wait() == 0, whole.stderr()
    killed = Process(*own, "hydra.run.dir=killed", cwd=tmp_path)
    killed.wait_for((tmp_path / "killed/metrics.csv").exists)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert run_folder.state(tmp_path / "killed") == "killed" and len(rows(tmp_path / "killed")) < 20
    again = Process("resume=killed", SEARCH, "model=dilated", cwd=tmp_path)
    assert again.wait() == 0, again.stderr()
    assert len(rows(tmp_path / "killed")) == 20
    assert equal(weights(tmp_path / "killed"), weights(tmp_path / "whole"))


def blocks(name):
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs" / name).read_text(), re.S)


@pytest.mark.slow
def test_the_page_on_python_runs(tmp_path, monkeypatch, no_figures, capsys):
    monkeypatch.chdir(tmp_path)
    Image.linear_gradient("L").resize((40, 30)).save("photo.png")
    program = blocks("python.md")
    assert all(len([line for line in block.splitlines() if line.strip()]) <= 5 for block in program)
    names: dict[str, Any] = {}
    for block in program:
        exec(block, names)
    table = names["table"]
    assert list(table.index) == [0, 1] and table["val/loss"].iloc[-1] == names["measures"]["val/loss"]
    rows = names["rows"]
    assert (
        rows["cross_entropy low"]["ResUNet"] < rows["cross_entropy"]["ResUNet"] < rows["cross_entropy high"]["ResUNet"]
    )
    with Image.open("coloured.png") as coloured:
        assert coloured.size == (40, 30)
    (run, *_) = (run for run in listing.found([Path("outputs")]) if run.name == "first")
    assert resume.resumed([f"resume={run.folder}"])[: len(names["words"])] == names["words"]
    assert len(listing.found([Path("outputs/rates")])) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["kernl=3"], "kernl is not a knob; did you mean kernel"),
        (["kernel=0"], "kernel must be >= 1, got 0"),
        (["kernel=wide"], "kernel must be an integer, got wide"),
        (["model=vnet"], "model=vnet is unknown; did you mean unet"),
        (["trainer.devices=0"], "devices must be >= 1, got 0"),
    ],
)
def test_wrong_words_are_one_line_in_python_too(words, message):
    for call in (colourize.compose, lambda *words: colourize.train("nowhere", *words)):
        with pytest.raises(InputError, match=re.escape(message)) as caught:
            call(*words)
        assert "\n" not in str(caught.value)


def test_importing_colourize_imports_nothing_heavy_and_lists_its_functions():
    code = (
        "import sys, colourize; found = set(dir(colourize)); "
        "print(sorted({'torch', 'hydra', 'pandas', 'numpy', 'huggingface_hub'} & set(sys.modules)), "
        "sorted({'compose', 'train', 'epochs', 'evaluate', 'load', 'push', 'Model'} - found))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[] []\n"


def kinds(notebook):
    """For each cell the kinds of its outputs: stream, or the formats of what it shows."""
    return [
        sorted({name for each in cell.get("outputs", []) for name in each.get("data", ["stream"])} - {"image/jpeg"})
        for cell in notebook.cells
    ]


def test_the_notebook_is_small_and_holds_its_pictures():
    text = (ROOT / "docs/tour.ipynb").read_text()
    assert len(text.encode()) < 300_000 and str(ROOT.parent) not in text
    assert sum("image/png" in each for each in kinds(nbformat.reads(text, 4))) == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # of the client's event loop
def test_the_notebook_runs_and_shows_what_it_holds(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    stored = nbformat.read(ROOT / "docs/tour.ipynb", 4)
    done = nbformat.from_dict(copy.deepcopy(stored))
    NotebookClient(done, timeout=250, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert kinds(done) == kinds(stored)
    text = "".join(each.get("text", "") for cell in done.cells for each in cell.get("outputs", []))
    assert "ResUNet is better than look-up table" in text and "\x1b" not in text
    assert (tmp_path / "outputs/tour/run.json").is_file()
