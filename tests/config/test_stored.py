"""A configuration from a file, with any content, runs no code and writes only to our own cache."""

import copy
import pickle
import sys

import pytest
import torch

from colourize.cli.main import main
from colourize.config import stored
from colourize.config.knobs import NODES
from colourize.errors import InputError
from colourize.evaluation.comparison import evaluate
from colourize.evaluation.inputs import data_config
from colourize.runs import checkpoint
from colourize.runs.trained import load
from tests.conftest import QUICK, knobs
from tests.hostile import Hostile

CANARY = "canary"
HOSTILE = [
    {"_target_": "os.system", "command": f"touch {CANARY}"},
    {"_target_": "os.mkdir", "path": CANARY},
    {"_target_": "subprocess.check_output", "args": ["touch", CANARY]},
    {"_target_": "sympy.sympify", "a": f"__import__('os').system('touch {CANARY}')"},
    {"_target_": "torch.load", "f": "evil.pt", "weights_only": False},
    {"_target_": "torch.save", "obj": 1, "f": CANARY},
    {"_target_": "numpy.load", "file": "evil.npy", "allow_pickle": True},
    {"_target_": "numpy.save", "file": CANARY, "arr": [1]},
    {"_target_": "joblib.load", "filename": "evil.pt"},
    {"_target_": "joblib.dump", "value": 1, "filename": CANARY},
    {"_target_": "pathlib.Path.write_text", "self": {"_target_": "pathlib.Path", "_args_": [CANARY]}, "data": "x"},
    {"_target_": "pathlib.Path.touch", "self": {"_target_": "pathlib.Path", "_args_": [CANARY]}},
    {"_target_": "logging.FileHandler", "filename": CANARY},
    {"_target_": "builtins.open", "file": CANARY, "mode": "w"},
    {"_target_": "builtins.exec", "_args_": [f"open('{CANARY}', 'w')"]},
    {"_target_": "hydra.utils.instantiate", "config": {"_target_": "os.mkdir", "path": CANARY}},
    {"_target_": "colourize.data.folder.tempfile.mkdtemp", "prefix": CANARY, "dir": "."},
    {"_target_": "colourize.files.replace_text", "path": CANARY, "text": "x"},
    {"_target_": "colourize.models.unet.torch.save", "obj": 1, "f": CANARY},
]


def paths(value, prefix=()):
    """The path of every entry in a configuration: its nodes and their values."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield (*prefix, key)
        yield from paths(entry, (*prefix, key))


def put(config, path, value):
    """A copy of the configuration with a value at a path."""
    changed = copy.deepcopy(config)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


FULL = knobs(
    *QUICK, "model=resunet", "augment=flips", "loss=soft", "scheduler=onecycle", "trainer.max_time='01:00:00:00'"
)
PLACES = [*paths(FULL), *((node, "surplus") for node in NODES), ("trainer", "surplus"), ("surplus",)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with pickles that would create the canary file."""
    monkeypatch.chdir(tmp_path)
    for name in ("evil.pt", "evil.npy"):
        (tmp_path / name).write_bytes(pickle.dumps(Hostile(tmp_path / CANARY)))
    return tmp_path


@pytest.mark.parametrize("node", HOSTILE, ids=lambda node: node["_target_"])
def test_a_hostile_node_in_any_place_is_refused_and_not_built(folder, node):
    before = sorted(folder.iterdir())
    for path in PLACES:
        with pytest.raises(InputError) as caught:
            stored.checked(put(FULL, path, node), "x.ckpt")
        assert str(caught.value).startswith("x.ckpt: ") and "\n" not in str(caught.value)
    assert sorted(folder.iterdir()) == before


def test_our_own_configurations_are_accepted():
    assert stored.checked(FULL, "x.ckpt") is FULL
    for group, name in (("model", "lookup"), ("data", "cifar10"), ("optimizer", "sgdw"), ("loss", "focal")):
        stored.checked(knobs("image_size=32", f"{group}={name}"), "x.ckpt")


@pytest.mark.parametrize("node", HOSTILE[:5], ids=lambda node: node["_target_"])
@pytest.mark.parametrize("place", [("loss",), ("augment",), ("data",), ("data", "classes"), ("model", "num_filters")])
@pytest.mark.parametrize("verb", ["evaluate", "decode-curve", "calibrate", "hints"])
def test_no_command_runs_code_named_in_a_checkpoint(finished_run, folder, monkeypatch, capsys, verb, place, node):
    contents = checkpoint.read(finished_run / "checkpoints/last.ckpt")
    torch.save({**contents, "config": put(contents["config"], place, node)}, folder / "evil.ckpt")
    monkeypatch.setattr(sys, "argv", ["colourize", verb, "evil.ckpt"])
    with pytest.raises(SystemExit, match=r"colourize: evil\.ckpt: .*") as caught:
        main()
    assert "\n" not in str(caught.value.code)
    assert not (folder / CANARY).exists()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("kernel",), "big", "kernel must be an integer, got big"),
        (("kernel",), [3], "kernel must be an integer, got a list"),
        (("kernel",), "${oc.env:HOME}", "config.kernel must be a plain value"),
        (("classes",), ["${oc.env:HOME}"], "config.classes.0 must be a plain value"),
        (("model", "kernel"), torch.ones(3), "config.model.kernel must be a plain value, got Tensor"),
        (("model",), "unet", "model must be an option of colourize, got unet"),
        (("data", "_target_"), "colourize.data.folder.os.mkdir", "data must be an option of colourize, got colourize."),
        (("model", "_partial_"), True, "config.model: _partial_ must not be a key"),
        (("trainer", "_target_"), "x.y", "config.trainer: _target_ must not be a key"),
        (("kernl",), 3, "kernl is not a knob"),
        (("classes",), [0] * 5000, "config must have at most 4096 values"),
        (("classes",), "x" * 5000, "config.classes must be a plain value"),
    ],
)
def test_other_values_than_a_configuration_are_refused(path, value, message):
    with pytest.raises(InputError, match=r"^x\.ckpt: ") as caught:
        stored.checked(put(FULL, path, value), "x.ckpt")
    assert message in str(caught.value)


def test_a_deep_nest_is_refused():
    nest = []
    for _ in range(10_000):
        nest = [nest]
    with pytest.raises(InputError, match="must be a plain value, got list"):
        stored.checked({**FULL, "classes": nest}, "x.ckpt")


def test_a_missing_knob_is_named():
    with pytest.raises(InputError, match="config lacks kernel, lr"):
        stored.checked({name: value for name, value in FULL.items() if name not in ("kernel", "lr")}, "x.ckpt")


def test_a_file_does_not_determine_the_cache_folder(finished_run, folder):
    contents = checkpoint.read(finished_run / "checkpoints/last.ckpt")
    config = {**contents["config"], "cache_dir": str(folder / CANARY)}
    torch.save({**contents, "config": config}, folder / "evil.ckpt")
    evaluate(["evil.ckpt"], num_resamples=10)
    assert not (folder / CANARY).exists()
    hostile = knobs("data=folder", "data.root=.", f"cache_dir={folder / CANARY}")
    run = load("evil.ckpt")._replace(config=hostile)
    config = data_config([run], [])
    assert (config["cache_dir"], config["data"]["cache_dir"]) == ("data/cache", "data/cache")
    config = data_config([run], ["cache_dir=mine"])
    assert (config["cache_dir"], config["data"]["cache_dir"]) == ("mine", "mine")


def test_nothing_is_downloaded_to_a_folder_named_only_in_a_file(finished_run, folder):
    run = load(finished_run / "checkpoints/last.ckpt")
    for root, words, downloads in ((folder / CANARY, [], False), ("data", [], True), ("x", ["data.root=y"], True)):
        elsewhere = run._replace(config=knobs(f"data.root={root}"))
        assert data_config([elsewhere], words)["data"].get("download", True) is downloads
    hostile = knobs(f"data.root={folder / CANARY}")
    torch.save({**checkpoint.read(finished_run / "checkpoints/last.ckpt"), "config": hostile}, "evil.ckpt")
    with pytest.raises(InputError):
        evaluate(["evil.ckpt"], num_resamples=10)
    assert not (folder / CANARY).exists()


def test_no_address_of_a_file_is_asked(finished_run, monkeypatch):
    run = load(finished_run / "checkpoints/last.ckpt")
    theirs = run._replace(config=knobs("data=shards", "data.root=http://127.0.0.1:9/theirs"))
    with pytest.raises(InputError, match="data.root=http://127.0.0.1:9/theirs is only in the file; type it"):
        data_config([theirs], [])
    assert data_config([theirs], ["data.root=http://127.0.0.1:9/ours"])["data"]["root"].endswith("ours")


OWN = """
import os
from torch import nn
class Net(nn.Module):
    def __init__(self, num_colours):
        super().__init__()
        self.layer = nn.Conv2d(1, num_colours, 1)
    def forward(self, grey):
        return self.layer(grey)
"""


@pytest.fixture
def own_network(finished_run, folder):
    """A checkpoint of a network in the user's own package."""
    (folder / "my_networks").mkdir()
    (folder / "my_networks/__init__.py").write_text("")
    (folder / "my_networks/nets.py").write_text(OWN)
    contents = checkpoint.read(finished_run / "checkpoints/last.ckpt")
    config = {**contents["config"], "model": {"_target_": "my_networks.nets.Net", "num_colours": 4}}
    state = {"model.palette": contents["state_dict"]["model.palette"]}
    state |= {"model.network.layer.weight": torch.zeros(4, 1, 1, 1), "model.network.layer.bias": torch.arange(4.0)}
    torch.save({**contents, "config": config, "state_dict": state}, folder / "own.ckpt")
    yield folder / "own.ckpt"
    for name in [name for name in sys.modules if name.startswith("my_networks")]:
        del sys.modules[name]


def test_an_own_network_is_built_if_its_package_is_trusted(own_network):
    with pytest.raises(
        InputError, match=r"got my_networks\.nets\.Net; your own code runs only where the command names it"
    ):
        evaluate(["own.ckpt"], num_resamples=10)
    assert "my_networks" not in sys.modules
    rows = evaluate(["own.ckpt"], num_resamples=10, trusted=["my_networks"])
    assert [row.name for row in rows if row.kind == "model"] == ["Net"]


def test_trust_in_a_package_does_not_include_its_imports(own_network, folder):
    contents = torch.load(own_network, weights_only=True)
    for target in ("my_networks.nets.os.mkdir", "my_networks.nets.nn.Conv2d", "my_networks.nets.nn"):
        data = {"_target_": target, "path": CANARY}
        torch.save({**contents, "config": {**contents["config"], "data": data}}, own_network)
        with pytest.raises(InputError):
            evaluate(["own.ckpt"], num_resamples=10, trusted=["my_networks"])
    assert not (folder / CANARY).exists()


@pytest.mark.parametrize("package", ["os", "os.path", "builtins", "colourize", "a b", "../x", ""])
def test_only_the_user_s_own_packages_can_be_trusted(own_network, package):
    with pytest.raises(InputError, match="--trust"):
        evaluate(["own.ckpt"], num_resamples=10, trusted=[package])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_filters": 10**9}, "do not fit"),
        ({"kernel": 9}, "do not fit"),
        ({"num_filters": "x"}, "do not fit"),
        ({"surplus": 1}, "do not fit"),
    ],
)
def test_a_network_that_does_not_fit_its_weights_is_refused_before_it_takes_memory(
    finished_run, folder, change, message
):
    contents = checkpoint.read(finished_run / "checkpoints/last.ckpt")
    model = {**contents["config"]["model"], **change}
    torch.save({**contents, "config": {**contents["config"], "model": model}}, "other.ckpt")
    with pytest.raises(InputError, match=message):
        load("other.ckpt")


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"palette": 3},
        {"palette": torch.ones(2, 2)},
        {"model.palette": torch.ones(4, 3), "more": torch.ones(1)},
        [],
        None,
    ],
)
def test_values_other_than_weights_are_refused(finished_run, folder, state):
    contents = checkpoint.read(finished_run / "checkpoints/last.ckpt")
    torch.save({**contents, "state_dict": state}, "other.ckpt")
    with pytest.raises(InputError, match=r"other\.ckpt"):
        load("other.ckpt")
