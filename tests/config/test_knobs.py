"""One declaration per knob: everything else about a knob derives from it."""

import concurrent.futures
import importlib
import inspect
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import ConfigCompositionException

import colourize
from colourize.cli.hydra_errors import training_knobs
from colourize.colour import spaces
from colourize.config import compare, options, stored
from colourize.config.checks import check
from colourize.config.compose import schema
from colourize.config.folder import conf_dir, own
from colourize.config.knob import ALWAYS, Knob, Option, typed, within
from colourize.config.knobs import (
    KNOBS,
    NODES,
    OPTION_VALUES,
    SEVERAL,
    check_types,
    on_resume,
    required,
    value_in,
)
from colourize.config.page import page
from colourize.config.tasks import TASKS
from colourize.errors import InputError
from colourize.inference.cards import MOST_COLOURS
from colourize.runs.apart import hyperparameters, run_names, setting
from tests.conftest import QUICK, forget_compositions, knobs

TOY = Knob("toy", 3, int, "wheels of the toy", ">= 1", before=2, on_resume="same", heading="Network")


@pytest.fixture
def toy(monkeypatch):
    """A knob that is only declared."""
    monkeypatch.setitem(KNOBS, "toy", TOY)
    forget_compositions()
    yield
    forget_compositions()  # removes configurations composed with the toy


def test_a_declared_knob_is_in_the_schema_the_page_and_the_completion(toy):
    assert knobs(*QUICK)["toy"] == 3
    assert knobs(*QUICK, "toy=4")["toy"] == 4
    with pytest.raises(ConfigCompositionException, match="toy"):
        knobs(*QUICK, "toy=four")
    network = page().partition("# Network\n")[2].partition("\n\n")[0]
    assert "toy: 3  # wheels of the toy; >= 1" in network.splitlines()
    assert "toy" in training_knobs()


def test_a_declared_knob_is_checked(toy):
    with pytest.raises(InputError, match="^toy must be >= 1, got 0; pass toy=3$"):
        knobs(*QUICK, "toy=0")
    with pytest.raises(InputError, match="^x: toy must be an integer, got big$"):
        stored.checked({**knobs(*QUICK), "toy": "big"}, "x")


def test_a_declared_knob_is_compared_on_resume(toy, monkeypatch):
    three, two = knobs(*QUICK), knobs(*QUICK, "toy=2")
    older = {name: value for name, value in three.items() if name != "toy"}
    with pytest.raises(
        InputError, match="^x was trained with toy=2, not 3; pass toy=2, or start a new run in another hydra.run.dir$"
    ):
        compare.check_changes(two, three, "x was trained")
    with pytest.raises(
        InputError, match="^x was trained with toy=2, not 3; pass toy=2, or start a new run in another hydra.run.dir$"
    ):
        compare.check_changes(older, three, "x was trained")
    compare.check_changes(older, two, "x was trained")
    assert compare.config_hash(older) == compare.config_hash(two) != compare.config_hash(three)
    assert value_in(older, "toy") == 2
    monkeypatch.setitem(KNOBS, "toy", replace(TOY, on_resume="no difference"))
    assert compare.config_hash(two) == compare.config_hash(three)
    assert compare.telling(["toy=2", "lr=1"]) == {"lr=1"}
    assert compare.as_begun(three, older, [])["toy"] == 2


def test_a_declared_knob_is_in_names_hparams_and_reports(toy):
    three, four = knobs(*QUICK), knobs(*QUICK, "toy=4")
    assert run_names([three, four]) == ["ConvTransposeNet toy=3", "ConvTransposeNet toy=4"]
    assert hyperparameters(four)["toy"] == setting(four, "f")["toy"] == 4


def test_a_declared_knob_is_required_in_checkpoints_except_older_ones(toy, monkeypatch):
    config = knobs(*QUICK)
    older = {name: value for name, value in config.items() if name != "toy"}
    assert stored.checked(config, "x") == config and stored.checked(older, "x") == older
    monkeypatch.setitem(KNOBS, "toy", replace(TOY, before=ALWAYS))
    with pytest.raises(InputError, match="config lacks toy"):
        stored.checked(older, "x")


def named(alternatives):
    """The first word of each alternative in a comment, such as none in "none (a constant rate) | cosine"."""
    return {re.match(r"\w+", each.strip())[0] for each in alternatives.split(" | ")}


@pytest.mark.parametrize("group", [*NODES, *SEVERAL, "trainer", "debug", "task"])
def test_a_comment_names_exactly_the_options_of_its_group(group):
    files = {path.stem for path in (Path(conf_dir()) / group).glob("*.yaml")}
    comments = [KNOBS[group].comment, *(each.comments[group] for each in TASKS.values() if group in each.comments)]
    assert files <= {word for comment in comments for word in re.findall(r"\w+", comment)}
    assert set().union(*map(named, comments)) <= files
    assert not KNOBS[group].choices or set(KNOBS[group].choices) == files


def test_the_choices_of_the_colour_space_are_the_colour_spaces():
    assert KNOBS["colour_space"].choices == options.SPACES == tuple(spaces.SPACES)


def test_the_declarations_are_read_without_hydra_and_torch():
    heavy = "{'hydra', 'omegaconf', 'torch', 'pytorch_lightning'}"
    code = f"import sys; import colourize.config.knobs, colourize.config.stored; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("knob", KNOBS.values(), ids=lambda knob: knob.name)
def test_every_default_is_of_the_knob_s_type_and_in_its_range(knob):
    assert (knob.kind is Option) == (knob.name in NODES)
    if knob.kind is not Option:
        knob.check_type(knob.default)
        knob.check_range(knob.default)
        knob.check_range(knob.example)
    if knob.before is not ALWAYS and knob.kind is not Option:
        knob.check_type(knob.before)
        knob.check_range(knob.before)


def test_the_schema_s_types_are_the_declared_ones():
    annotations = schema().__annotations__
    assert annotations.keys() == KNOBS.keys()
    assert (annotations["kernel"], annotations["patience"], annotations["resume"]) == (int, int | None, str | None)


def test_the_page_prints_every_knob_once_with_the_option_that_is_chosen():
    names = re.findall(r"^(\w+): .*  # .", page(), re.M)
    assert names.count("kernel") == 1 and set(names) == {*KNOBS, "experiment"}
    chosen = {key: name for entry in own("config.yaml")["defaults"] if isinstance(entry, dict)
              for key, name in entry.items()}  # fmt: skip
    for group in NODES:
        assert f"\n{group}: {chosen[group]}  # " in page()
    assert "\nema: null  # " in page() and "\nhints: false  # " in page()


@pytest.mark.parametrize("task", TASKS)
def test_the_page_shows_the_values_that_are_composed(task):
    composed = knobs(f"task={task}")
    for name, shown in re.findall(r"^(\w+): (.*?)  # ", page(task), re.M):
        if " or " not in shown and name not in (*NODES, *SEVERAL, "trainer", "experiment"):
            assert shown == str(typed(composed[name])), name


def test_configuration_files_do_not_repeat_knobs():
    assert own("config.yaml").keys() == {"defaults", "hydra"}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("kernel", True, "kernel must be an integer, got true"),
        ("kernel", 2.0, "kernel must be an integer, got 2.0"),
        ("kernel", None, "kernel must be an integer, got null"),
        ("lr", "fast", "lr must be a number or auto, got fast"),
        ("lr", False, "lr must be a number or auto, got false"),
        ("hints", 1, "hints must be true or false, got 1"),
        ("palette", 3, "palette must be text, got 3"),
        ("ema", "x", "ema must be a number, or null, got x"),
        ("trainer", [], "trainer must be a dictionary, got a list"),
        ("model", None, "model must be a dictionary, got null"),
        ("classes", None, "classes must be a value, got null"),
        ("tags", "paper", "tags must be a list of texts, or null, got paper"),
        ("tags", [1], "tags must be a list of texts, or null, got a list"),
        ("kernl", 3, "kernl is not a knob; --help lists them"),
    ],
)
def test_a_value_of_another_type_is_named(name, value, message):
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        check_types({name: value})


def test_values_of_the_declared_types_pass():
    check_types(knobs(*QUICK, "ema=0.9", "loss=focal"))
    check_types({"lr": 1, "ema": None, "patience": 3, "classes": ["cat", 3], "loss": None, "augment": {}})


@pytest.mark.parametrize("label", ["", " x", "x" * 101, "a\nb", "a\x1b[31m"])
def test_a_name_or_tag_that_one_line_cannot_show_is_refused(label):
    rule = "must be 1 to 100 printable characters without spaces around them, got "
    for name, value, each in (("name", label, "name"), ("tags", ["good", label], "each of tags")):
        with pytest.raises(InputError, match=f"^{each} {rule}") as caught:
            check({**knobs(*QUICK), name: value})
        assert str(caught.value).isprintable()


def test_a_name_and_tags_do_not_change_what_a_run_is():
    plain, labelled = knobs(*QUICK), knobs(*QUICK, "name=a b", "tags=[baseline,2026]")
    assert (labelled["name"], labelled["tags"]) == ("a b", ["baseline", "2026"])
    assert compare.config_hash(plain) == compare.config_hash(labelled)
    assert setting(plain, "f") == setting(labelled, "f") and hyperparameters(plain) == hyperparameters(labelled)
    assert run_names([plain, labelled]) == ["ConvTransposeNet (1)", "ConvTransposeNet (2)"]
    assert stored.to_hand_on(labelled)["name"] is stored.to_hand_on(labelled)["tags"] is None


OWN_TARGETS = sorted({path for group in options.OPTIONS.values() for path in group.values() if "colourize." in path})


@pytest.mark.parametrize("path", OWN_TARGETS)
def test_a_default_in_a_signature_is_that_of_the_knob(path):
    home, _, name = path.rpartition(".")
    target = getattr(importlib.import_module(home), name)
    function = target.__init__ if inspect.isclass(target) else target
    for parameter in inspect.signature(function).parameters.values() if "colourize." in function.__module__ else ():
        but = parameter.empty, "all"  # of most sources' classes
        if parameter.name in KNOBS.keys() - {"name"} and parameter.default not in but:
            assert parameter.default == KNOBS[parameter.name].default, parameter


def test_an_exported_file_may_have_as_many_colours_as_a_network():
    limits = KNOBS["num_colours"].range
    assert within(limits, MOST_COLOURS) and not within(limits, MOST_COLOURS + 1)


def test_limits_are_compared_as_numbers():
    for value in (-1, 0, 0.5, 1, 2):
        assert within(">= 0 and < 1", value) is (0 <= value < 1)
        assert within("> 0 and <= 1", value) is (0 < value <= 1)
    assert within("", -5) and not within("> 0", float("nan"))
    with pytest.raises(ValueError, match="limits must have the form"):
        within("above 3", 4)


def test_a_resumed_run_must_keep_the_knobs_that_determine_its_bits():
    assert set(on_resume("same")) == {
        "model", "num_colours", "optimizer", "augment", "loss", "scheduler", "data", "seed", "batch_size", "patience",
        "ema", "trainer", "colour_space", "frozen_epochs", "frozen_stride", "encoder_rate", "init_from",
        "freeze", "unfreeze_every", "moving_norms", "lr_scale", "callbacks", "debug", "task",
        "sync_batchnorm",
    }  # fmt: skip
    assert set(on_resume("no difference")) == {
        "cache_dir", "ckpt_path", "resume", "save_every", "measures", "encoder_weights", "name", "tags", "logger",
        "strategy",
    }  # fmt: skip
    assert set(on_resume("no difference", "data")) == {"cache_dir", "download"}


def test_an_older_configuration_lacks_only_newer_knobs():
    later = {knob.name for knob in KNOBS.values() if knob.before is not ALWAYS}
    assert later == {
        "augment", "loss", "dilation", "hints", "colour_space", "ema", "measures", "encoder_weights", "frozen_epochs",
        "frozen_stride", "encoder_rate", "init_from", "freeze", "unfreeze_every", "moving_norms", "lr_scale",
        "name", "tags", "logger", "callbacks", "debug", "task", "devices", "num_nodes", "strategy", "sync_batchnorm",
        "one_pass",
    }  # fmt: skip
    assert not required() & later
    assert {(each.group, each.name) for each in OPTION_VALUES if each.before is not ALWAYS} == {
        ("model", "skips"), ("data", "validation_classes"), ("data", "profiles"), ("optimizer", "fused"),
    }  # fmt: skip


def test_knobs_are_composed_within_an_application_of_hydra_and_in_threads():
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        outer = GlobalHydra.instance().hydra
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            kernels = [
                knobs["kernel"] for knobs in pool.map(colourize.compose, [f"kernel={2 * n + 1}" for n in range(8)])
            ]
        assert kernels == [2 * n + 1 for n in range(8)]
        assert GlobalHydra.instance().hydra is outer
        assert compose("config", ["kernel=5"]).kernel == 5
    assert not GlobalHydra.instance().is_initialized()
