"""Cases 22 and 23: checkpoints do not run code, and all can be loaded with weights_only."""

import os
import pickle
import subprocess
import sys

import pytest
import torch

from colourize.errors import InputError
from colourize.runs import checkpoint
from colourize.runs.trained import load
from colourize.tasks.chosen import train
from tests.hostile import Hostile

HOSTILE = {
    "zip": torch.save,
    "legacy": lambda evil, file: torch.save(evil, file, _use_new_zipfile_serialization=False),
    "raw": lambda evil, file: file.write_bytes(pickle.dumps(evil)),
}


@pytest.mark.case(22)
@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("place", ["state_dict", "optimizer_states", "the whole"])
def test_22_a_pickle_that_runs_code_is_not_run(tmp_path, seen, kind, place):
    file, mark = tmp_path / "evil.ckpt", tmp_path / "ran"
    evil = {"config": {}, "state_dict": {}, place: Hostile(mark)}
    HOSTILE[kind](evil[place] if place == "the whole" else evil, file)
    for opened in (checkpoint.read, load):
        with pytest.raises(InputError, match=r"evil\.ckpt is damaged or not a checkpoint") as caught:
            opened(file)
        assert_no_advice(str(caught.value))
    assert not mark.exists()
    with file.open("rb") as pickled:
        pickle.load(pickled) if kind == "raw" else torch.load(pickled, weights_only=False)
    assert mark.exists()  # so it would have run
    seen(kind)


def assert_no_advice(text):
    for word in ("weights_only", "safe_globals", "trust", "Traceback"):
        assert word not in text
    assert text.count("\n") <= 1


@pytest.mark.case(22)
@pytest.mark.parametrize("kind", HOSTILE)
def test_22_no_command_runs_it_or_suggests_this(run, start, tmp_path, seen, kind):
    file, mark = tmp_path / "evil.ckpt", tmp_path / "ran"
    HOSTILE[kind]({"config": {}, "state_dict": Hostile(mark)}, file)
    for process in (run("fork", f"ckpt_path={file}"), start(file, cwd=tmp_path, verb="evaluate")):
        assert process.wait() == 1
        assert process.stderr().startswith(f"colourize: {file} is damaged or not a checkpoint")
        assert_no_advice(process.stderr())
    assert not mark.exists()
    seen(f"ckpt_path= and evaluate with {kind}: one line, exit 1")


BARE = """
import sys, torch
for file in sys.argv[1:]:
    contents = torch.load(file, weights_only=True)
    print(file, contents["config"]["model"]["name"], len(contents["state_dict"]))
assert not {"colourize", "pytorch_lightning", "lightning_fabric", "numpy.core.multiarray"} & sys.modules.keys()
"""


@pytest.mark.case(23)
def test_23_every_checkpoint_of_every_run_loads_with_weights_only_in_a_bare_process(quick, tmp_path, seen):
    runs = {
        "convtranspose": ["scheduler=onecycle", "patience=2", "max_epochs=3", "save_every=2"],
        "unet": ["scheduler=plateau", "scheduler.wait=0", "optimizer=adamw"],
        "lookup": [],
    }
    for model, words in runs.items():
        train(quick(f"model={model}", *words), tmp_path / model)
    files = [tmp_path / model / f"checkpoints/{name}.ckpt" for model in runs for name in ("last", "best", "previous")]
    assert sorted(files) == sorted(tmp_path.glob("*/checkpoints/*"))
    command = [sys.executable, "-I", "-W", "error", "-c", BARE, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", env={"PATH": os.environ["PATH"]})
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(map(str, files))
    seen(f"{len(files)} of {len(files)}: last, best and previous of {', '.join(runs)}")
