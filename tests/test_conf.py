"""The configuration tree by discovery: adding a file adds its tests."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from hydra.errors import ConfigCompositionException
from omegaconf.errors import OmegaConfBaseException

from colourize.config import Knobs, conf_dir, instantiate, plain
from colourize.errors import InputError
from tests.conftest import composed, knobs

CONF = Path(conf_dir())
OPTIONS = sorted((path.parent.name, path.stem) for path in CONF.glob("*/*.yaml"))
EXTRA = {("data", "folder"): ["data.root=pictures"]}


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_option_composes_without_a_hydra_runtime(group, option):
    assert plain(composed(f"{group}={option}", *EXTRA.get((group, option), [])))


@pytest.mark.parametrize(
    ("group", "option"), [pair for pair in OPTIONS if pair[0] != "experiment" and pair != ("scheduler", "none")]
)
def test_every_target_takes_its_option_s_keys(group, option):
    node = knobs(f"{group}={option}", *EXTRA.get((group, option), []))[group]
    assert callable(instantiate(node, partial=True))


def test_the_defaults_are_the_course_s_settings():
    course = knobs()
    assert {key: course[key] for key in ("kernel", "num_filters", "num_colours", "classes", "image_size", "batch_size",
                                         "max_epochs", "lr", "seed")} == {
        "kernel": 3, "num_filters": 32, "num_colours": 24, "classes": "horse", "image_size": 32, "batch_size": 100,
        "max_epochs": 25, "lr": 0.001, "seed": 0,
    }  # fmt: skip
    assert course["optimizer"]["_target_"] == "torch.optim.Adam"
    assert course["data"]["_target_"] == "colourize.data.cifar10.load"


def test_every_knob_has_a_comment_on_the_page():
    page = (CONF / "config.yaml").read_text().partition("\nhydra:")[0]
    for knob in {field.name for field in fields(Knobs)}:
        assert re.search(rf"^(  - )?{knob}: .*  # .{{10,}}", page, re.M), knob


def test_every_knob_reaches_a_node_or_the_code():
    """A knob that nothing reads would be silently without effect."""
    files = [path.read_text() for path in CONF.glob("*/*.yaml")]
    code = "".join(path.read_text() for path in (CONF.parent / "colourize").glob("*.py") if path.stem != "config")
    for knob in (field.name for field in fields(Knobs)):
        assert any(f"${{{knob}}}" in text for text in files) or f'"{knob}"' in code, knob


def test_experiments_win_over_the_page_and_the_command_line_over_experiments(tmp_path):
    assert composed("experiment=batch_size", "model=unet").model["_target_"].endswith("UNet")
    assert composed("experiment=batch_size").model["_target_"].endswith("ConvTransposeNet")


@pytest.mark.parametrize("override", ["kernl=3", "data.rooot=x", "optimizer.foo=1"])
def test_a_misspelt_key_on_the_command_line_is_named(override):
    with pytest.raises(ConfigCompositionException, match=override.partition("=")[0]):
        composed(override)


@pytest.mark.parametrize("override", ["kernel=abc", "kernel=2.5", "lr=fast", "batch_size=null"])
def test_a_wrong_type_on_the_command_line_is_named(override):
    with pytest.raises(ConfigCompositionException, match=override.partition("=")[0]):
        composed(override)


@pytest.mark.parametrize(
    ("text", "key"), [("kernl: 5", "kernl"), ("kernel: five", "kernel"), ("trainer: 3", "trainer")]
)
def test_a_mistake_in_an_experiment_file_stops_with_the_key_s_name(tmp_path, text, key, monkeypatch):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment/mine.yaml").write_text(f"# @package _global_\n{text}\n")
    with pytest.raises((ConfigCompositionException, OmegaConfBaseException), match=key):
        composed(f"hydra.searchpath=[file://{tmp_path}]", "experiment=mine")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("kernel=0", "kernel=0 is too small; pass kernel=1 or more"),
        ("num_colours=1", "num_colours=1 is too small"),
        ("num_colours=40000", "num_colours=40000 is too large"),
        ("image_size=7", "image_size=7 is too small"),
        ("batch_size=0", "batch_size=0 is too small"),
        ("max_epochs=0", "max_epochs=0 is too small"),
        ("lr=0", "lr=0.0 is no learning rate"),
        ("lr=nan", "lr=nan is no learning rate"),
        ("holdout=1", "holdout=1.0 is no share"),
        ("seed=-1", "seed=-1 is too small"),
        ("accelerator=tpu", "accelerator=tpu is unknown; pass one of auto, cpu, gpu"),
        ("data=folder", "data.root has no value; pass data.root="),
    ],
)
def test_a_knob_outside_its_range_is_named_with_the_remedy(override, message):
    with pytest.raises(InputError, match=re.escape(message)):
        knobs(override)
