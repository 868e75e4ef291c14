"""The configuration tree by discovery: adding a file adds its tests."""

import re
from pathlib import Path

import pytest
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from colourize.config import options
from colourize.config.compose import plain
from colourize.config.folder import conf_dir
from colourize.config.instantiate import instantiate
from colourize.config.knobs import KNOBS, NODES
from colourize.config.page import page
from colourize.errors import InputError
from tests.conftest import composed, knobs, wholly_composed
from tests.nets import DETECTORS

CONF = Path(conf_dir())
FILES = sorted((path.parent.name, path.stem) for path in CONF.glob("*/*.yaml"))
OPTIONS = [pair for pair in FILES if pair[0] != "demo"]  # those of theory.yaml: tests/cli/test_theory.py
WITHOUT_TARGET = "experiment", "logger", "callbacks", "trainer", "debug", "task"
OF_DETECTION = [("data", "boxes"), ("augment", "mosaic"), *(("model", name) for name in DETECTORS)]
NOTHING_TO_BUILD = ("scheduler", "none"), ("augment", "none"), ("loss", "cross_entropy")
WITH_ROOT = (
    ("data", "folder"), ("data", "shards"), ("experiment", "photographs"), ("experiment", "fine_tuning"),
    ("experiment", "detector"),
)  # fmt: skip
EXTRA = {pair: ["data.root=pictures"] for pair in WITH_ROOT} | {
    pair: ["task=detection", "data.root=pictures"][: 1 + (pair[0] == "data")] for pair in OF_DETECTION
}


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_option_composes_without_a_hydra_runtime(group, option):
    assert plain(composed(f"{group}={option}", *EXTRA.get((group, option), [])))


@pytest.mark.parametrize(
    "words",
    [
        ["experiment=photographs", "data=scenes", "data.num_train=3", "augment.size=48", "tags=[a,b]"],
        ["model=unet", "freeze={down1: 1, up*: 2}", "trainer.max_time=00:01:00:00", "optimizer=sgd", "name='a b'"],
    ],
)
def test_values_that_the_tests_set_afterwards_are_as_composed_by_hydra(words):
    assert OmegaConf.to_container(composed(*words)) == OmegaConf.to_container(wholly_composed(conf_dir(), words))


@pytest.mark.parametrize(
    ("group", "option"),
    [pair for pair in OPTIONS if pair[0] not in WITHOUT_TARGET and pair not in NOTHING_TO_BUILD],
)
def test_every_target_takes_its_option_s_keys(group, option):
    node = knobs(f"{group}={option}", *EXTRA.get((group, option), []))[group]
    assert callable(instantiate(node, partial=True))


def test_the_table_of_names_contains_exactly_the_targets_of_the_option_files():
    """So that checkpoints of all options can be opened, and no others."""
    built = {group: set() for group in NODES}
    for group, name in OPTIONS:
        if group not in WITHOUT_TARGET and (group, name) not in NOTHING_TO_BUILD:
            built[group].add(knobs(f"{group}={name}", *EXTRA.get((group, name), []))[group]["_target_"])
    added = {name: knobs(f"callbacks={name}")["callbacks"] for group, name in OPTIONS if group == "callbacks"}
    built["callbacks"] = {node["_target_"] for nodes in added.values() for node in nodes.values()}
    assert built == {group: set(table.values()) for group, table in options.OPTIONS.items()}
    assert all(set(nodes) <= {name} for name, nodes in added.items())


def test_several_loggers_are_chosen_by_a_list_in_its_order():
    assert list(knobs()["logger"]) == ["tensorboard"]
    assert list(knobs("logger=csv")["logger"]) == ["csv"]
    assert list(knobs("logger=[wandb,csv]", "logger.wandb.project=mine")["logger"].items()) == [
        ("wandb", {"project": "mine", "entity": None}),
        ("csv", {}),
    ]
    assert knobs("logger=none")["logger"] == knobs("logger=[]")["logger"] == {}


def test_the_name_of_an_option_is_typed_and_the_path_of_own_code_is_complete():
    assert options.option("colourize.models.unet.UNet", "model") == "unet"
    assert options.option("torch.optim.SGD", "optimizer") == "sgd"
    assert [options.option(None, group) for group in ("loss", "augment")] == ["cross_entropy", "none"]
    for own in ("mydata.load", "load", "a.b.c.Net", "colourize.models.unet"):
        assert options.option(own, "data") == own


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
    for knob in KNOBS:
        assert re.search(rf"^{knob}: .*  # .{{10,}}", page(), re.M), knob


def test_the_page_of_detection_has_its_defaults_and_no_knob_of_colourization():
    found = page("detection")
    for line in (
        "model: yolox  # yolox (small for data=scenes",
        "data: scenes  #",
        "image_size: scenes:96 or boxes:416",
    ):
        assert f"\n{line}" in found
    for knob, declared in KNOBS.items():
        assert bool(re.search(rf"^{knob}: .*  # .{{10,}}", found, re.M)) == (declared.task == ""), knob


def test_detection_has_other_defaults_and_colourization_those_of_before():
    before, found = knobs(), knobs("task=detection")
    assert before["task"] == "colourization"
    assert options.option(found["model"]["_target_"], "model") == "yolox"
    assert (found["image_size"], found["data"]["image_size"], found["data"]["num_train"]) == (96, 96, 600)
    assert knobs("task=detection", "data=boxes", "data.root=pictures")["image_size"] == 416
    nano = {"width": 0.25, "depthwise": True, "depth": 0.33, "_target_": found["model"]["_target_"]}
    assert knobs("task=detection", "data=boxes", "data.root=pictures")["model"] == nano
    assert (found["model"]["width"], found["model"]["depthwise"]) == (0.125, False)
    assert knobs("task=detection", "image_size=64", "model=yolox_tiny")["model"]["width"] == 0.375


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model=yolox_nano"], "model=yolox belongs to task=detection; pass task=detection, or another model"),
        (["data=boxes", "data.root=x"], "data=boxes belongs to task=detection"),
        (["task=detection", "model=unet"], "model=unet belongs to task=colourization"),
        (["task=detection", "data=cifar10"], "data=cifar10 belongs to task=colourization"),
        (["task=detection", "augment=flips"], "augment=flips belongs to task=colourization"),
        (["task=detection", "loss=focal"], "loss=focal belongs to task=colourization"),
        (["task=detection", "kernel=5"], "kernel=5 has no effect with task=detection; leave it out"),
        (["task=detection", "augment.share=2"], "augment.share must be >= 0 and <= 1, got 2"),
    ],
)
def test_options_and_knobs_of_another_task_are_refused(words, message):
    with pytest.raises(InputError, match=re.escape(message)):
        knobs(*words)


@pytest.mark.parametrize(
    ("group", "knob", "value", "but"),
    [
        ("model", "kernel", 7, ("lookup", "prior", "pointwise")),
        (
            "model",
            "dilation",
            2,
            ("lookup", "prior", "poolupsample", "resunet", "resunet_small", "pointwise", "encoder_unet"),
        ),
        ("model", "num_filters", 5, ("lookup", "prior")),
        ("model", "num_colours", 9, ()),
        ("optimizer", "lr", 0.25, ()),
        ("data", "classes", 3, ()),
        ("data", "image_size", 64, ()),
        ("data", "holdout", 0.25, ()),
        ("data", "cache_dir", "elsewhere", ("cifar10", "scenes")),
    ],
)
def test_a_knob_reaches_every_option_of_its_group(group, knob, value, but):
    """A knob to which no option refers would have no effect, without a warning."""
    for option in (name for of, name in OPTIONS if of == group and name not in but and (of, name) not in OF_DETECTION):
        node = knobs(f"{group}={option}", f"{knob}={value}", *EXTRA.get((group, option), []))[group]
        assert node[knob] == value, option


def test_experiments_win_over_the_page_and_the_command_line_over_experiments(tmp_path):
    assert composed("experiment=batch_size", "model=unet").model["_target_"].endswith("UNet")
    assert composed("experiment=batch_size").model["_target_"].endswith("ConvTransposeNet")


def test_hypergradient_with_a_scheduler_is_refused():
    with pytest.raises(InputError, match="optimizer=hypergradient changes the learning rate itself; pass scheduler=n"):
        knobs("optimizer=hypergradient", "scheduler=cosine")


@pytest.mark.parametrize("model", ["poolupsample", "lookup", "resunet"])
def test_a_dilation_for_a_network_without_dilation_is_refused(model):
    with pytest.raises(InputError, match=r"dilation=2: colourize\.models.* does not take a dilation; leave it out"):
        knobs(f"model={model}", "dilation=2")


def test_the_speedrun_s_values_follow_the_network():
    rates = {model: knobs("experiment=speedrun", f"model={model}")["lr"] for model in ("convtranspose", "poolupsample")}
    assert rates == {"convtranspose": 0.1, "poolupsample": 0.08}
    assert knobs("experiment=speedrun", "max_epochs=7")["trainer"]["check_val_every_n_epoch"] == 7
    with pytest.raises(
        OmegaConfBaseException, match="must be a value for LookupTable, got values for ConvTransposeNet, UNet"
    ):
        knobs("experiment=speedrun", "model=lookup")


@pytest.mark.parametrize("batch_size", [32, 64, 128, 256, 512])
def test_rate_and_epochs_follow_the_batch_size(batch_size):
    word, share = f"batch_size={batch_size}", batch_size / 100
    assert knobs("experiment=batch_size_linear", word)["lr"] == pytest.approx(0.001 * share, rel=1e-12)
    assert knobs("experiment=batch_size_sqrt", word)["lr"] == pytest.approx(0.001 * share**0.5, rel=1e-12)
    steps = knobs("experiment=batch_size_steps", word)
    assert steps["max_epochs"] * 5000 / batch_size == pytest.approx(1250, rel=1e-12)
    assert steps["lr"] == 0.001


@pytest.mark.parametrize("override", ["kernl=3", "data.rooot=x", "optimizer.foo=1"])
def test_a_misspelt_key_on_the_command_line_is_named(override):
    with pytest.raises(ConfigCompositionException, match=override.partition("=")[0]):
        composed(override)


@pytest.mark.parametrize("override", ["kernel=abc", "kernel=2.5", "ema=high", "batch_size=null"])
def test_a_wrong_type_on_the_command_line_is_named(override):
    with pytest.raises(ConfigCompositionException, match=override.partition("=")[0]):
        composed(override)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("kernl: 5", "kernl"),
        ("kernel: five", "kernel"),
        ("trainer: 3", "TrainerKnobs"),  # in one line: tests/test_trainer_knobs.py
        ("model: {kernl: 5}", "kernl"),
        ("model: unet", "override /model: unet"),
        ("data: {root: 3}", "data.root must be a path or text, got 3"),
    ],
)
def test_a_mistake_in_an_experiment_file_stops_with_the_key_s_name(tmp_path, text, key, monkeypatch):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment/mine.yaml").write_text(f"# @package _global_\n{text}\n")
    with pytest.raises((ConfigCompositionException, OmegaConfBaseException, InputError), match=key):
        knobs(f"hydra.searchpath=[file://{tmp_path}]", "experiment=mine")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("kernel=0", "kernel must be >= 1, got 0; pass kernel=3"),
        ("dilation=0", "dilation must be >= 1, got 0; pass dilation=1"),
        ("num_colours=1", "num_colours must be >= 2 and <= 32768, got 1; pass num_colours=24"),
        ("num_colours=40000", "num_colours must be >= 2 and <= 32768, got 40000"),
        ("image_size=7", "image_size must be >= 8, got 7; pass image_size=32"),
        ("batch_size=0", "batch_size must be >= 1, got 0; pass batch_size=100"),
        ("max_epochs=0", "max_epochs must be >= 1, got 0; pass max_epochs=25"),
        ("lr=0", "lr must be > 0, got 0.0; pass lr=0.001"),
        ("lr=-1", "lr must be > 0, got -1.0; pass lr=0.001"),
        ("lr=nan", "lr must be finite and > 0, got nan; pass lr=0.001"),
        ("lr=inf", "lr must be finite and > 0, got inf; pass lr=0.001"),
        ("patience=0", "patience must be >= 1, or null, got 0; pass patience=5"),
        ("holdout=1", "holdout must be >= 0 and < 1, got 1.0; pass holdout=0.1"),
        ("ema=1", "ema must be > 0 and < 1, or null, got 1.0; pass ema=0.998"),
        ("ema=nan", "ema must be finite and > 0 and < 1, or null, got nan; pass ema=0.998"),
        ("seed=-1", "seed must be >= 0 and <= 4294967295, got -1; pass seed=0"),
        ("colour_space=hsv", "colour_space must be one of rgb, lab, oklab, got hsv"),
        ("accelerator=tpu", "accelerator must be one of auto, cpu, gpu, got tpu"),
        ("data=folder", "data.root has no value; pass data.root="),
        ("precision=bf16-true", "precision must be one of 32-true, bf16-mixed, 16-mixed, 64-true, auto, got bf16-true"),
        (
            "hints=true",
            "hints=true: colourize.models.convtranspose.ConvTransposeNet does not take hints; pass model=resunet",
        ),
        ("model.kernel=0", "model.kernel must be >= 1, got 0; pass kernel=3"),
        ("data.holdout=1", "data.holdout must be >= 0 and < 1, got 1; pass holdout=0.1"),
        ("data.holdout=-0.5", "data.holdout must be >= 0 and < 1, got -0.5; pass holdout=0.1"),
        ("data.image_size=4", "data.image_size must be >= 8, got 4; pass image_size=32"),
        ("model.kernel=abc", "model.kernel must be an integer, got abc"),
        ("model.num_colours=6", "model.num_colours=6 but num_colours=24; pass only num_colours"),
        ("data.root=2023", "data.root must be a path or text, got 2023"),
        ("+foo=1", "foo is not a knob; --help lists them"),
        ("+scheduler.foo=1", "scheduler must be an option with a _target_, got {'foo': 1}; pass scheduler=OPTION"),
        ("+optimizer.foo=1", "unexpected keyword argument 'foo'"),
        ("+model.foo=1", "unexpected keyword argument 'foo'"),
        ("+data.foo=1", "unexpected keyword argument 'foo'"),
        ("+trainer.devices=2", "trainer.devices=2 is refused: it is a separate knob"),
        ("precision=16-mixed trainer.gradient_clip_val=1", "precision=16-mixed requires optimizer.fused=false"),
        ("precision=bf16-mixed trainer.gradient_clip_val=1", "precision=bf16-mixed requires optimizer.fused=false"),
        ("precision=auto trainer.gradient_clip_val=1", "precision=auto requires optimizer.fused=false"),
        ("augment=flips augment.shift=-1", "augment.shift must be >= 0 pixels, got -1"),
        ("augment=flips augment.noise=2", "augment.noise must be in [0, 1], got 2"),
        ("loss=focal loss.gamma=-1", "loss.gamma must be >= 0 and finite, got -1"),
        ("loss=focal loss.gamma=inf", "loss.gamma must be >= 0 and finite, got inf"),
        ("loss=smoothed loss.epsilon=1", "loss.epsilon must be in [0, 1), got 1"),
        ("loss=rebalanced loss.uniform=2", "loss.uniform must be in [0, 1], got 2; 1 means no rebalancing"),
        (
            "loss=rebalanced loss.sigma=-1",
            "loss.sigma must be >= 0 and finite, in distances between neighbours, got -1",
        ),
        ("loss=soft loss.neighbours=0", "loss.neighbours must be >= 1, got 0"),
        ("loss=soft loss.sigma=0", "loss.sigma must be > 0, got 0; loss.neighbours=1 trains only on the label"),
        ("loss=focal loss.gamma=high", "loss.gamma must be a number, got high"),
        ("+trainer.overfit_batches=1", "trainer.overfit_batches=1 is refused"),
    ],
)
def test_a_knob_outside_its_range_is_named_with_the_remedy(override, message):
    with pytest.raises(InputError, match=re.escape(message)):
        knobs(*override.split())
