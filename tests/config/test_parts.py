"""Names, globs and numbers of a network's parts."""

import math

import pytest

from colourize.config.checks import check
from colourize.config.compose import plain
from colourize.config.parts import frozen, parts, scales
from colourize.config.stored import checked
from colourize.errors import InputError
from tests.conftest import QUICK, composed, knobs

NAMES = ["stem.0.weight", "stem.1.weight", "stem.1.bias", "down1.0.weight", "down2.0.weight", "scores.weight"]


def test_parts_are_modules_with_weights_and_parameters_in_order():
    assert parts(NAMES)[:6] == ["stem", "stem.0", "stem.0.weight", "stem.1", "stem.1.weight", "stem.1.bias"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, []),
        (2, ["stem", "down1"]),
        ("2", ["stem", "down1"]),
        ("first", ["stem"]),
        ("stem", ["stem"]),
        ("stem.1", ["stem.1"]),
        ("stem,scores", ["stem", "scores"]),
        (["down*", 1], ["down1", "down2", "stem"]),
        ("*.bias", ["stem.1.bias"]),
        ("*", ["stem", "down1", "down2", "scores"]),
    ],
)
def test_a_name_a_glob_or_a_number_names_the_outermost_parts(value, expected):
    assert frozen(value, None, NAMES) == dict.fromkeys(expected, math.inf)


def test_a_part_named_first_takes_precedence_over_the_first_module():
    assert frozen("first", None, ["stem.weight", "first.weight"]) == {"first": math.inf}


def test_gradual_unfreezing_goes_from_the_last_part_to_the_first():
    assert frozen([3], 2, NAMES) == {"down2": 2, "down1": 4, "stem": 6}
    assert frozen(["down*", "stem"], 1, NAMES) == {"down2": 1, "down1": 2, "stem": 3}


def test_epochs_may_be_named_for_each_part_and_the_longest_counts():
    assert frozen({"stem": 3, "down*": None}, None, NAMES) == {"stem": 3, "down1": math.inf, "down2": math.inf}
    assert frozen({"down1": 3, "down*": 2}, None, NAMES) == {"down1": 3, "down2": 2}


def test_factors_of_all_names_that_include_a_weight_are_multiplied():
    found = scales({"stem": 0.5, "*.bias": 2.0, "down*": 0.1, "*": 10.0}, NAMES)
    assert found == pytest.approx([5, 5, 10, 1, 1, 10])
    assert scales({}, NAMES) == [1] * 6


@pytest.mark.parametrize("value", ["enc", ["stem", "down3"], 5, {"x": 2}])
def test_a_name_that_the_network_lacks_is_named_with_those_it_has(value):
    with pytest.raises(InputError, match=r"freeze.*(no part|has 4 modules).*stem, down1, down2, scores"):
        frozen(value, None, NAMES)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("freeze=0", "freeze must be names, globs, or the number >= 1 of first modules, got 0; pass for example"),
        ("freeze=-1", "freeze must be names, globs, or the number >= 1 of first modules, got -1"),
        ("freeze=1.5", "got 1.5"),
        ("freeze=true", "got True"),
        ("freeze=[]", r"got \[\]"),
        ("freeze=[stem,true]", "got "),
        ("freeze={stem:0}", "freeze must name parts with a number of epochs >= 1, got {'stem': 0}"),
        ("freeze={stem:x}", "freeze must name parts with a number of epochs >= 1"),
        ("unfreeze_every=1", "unfreeze_every=1 requires freeze; pass for example freeze=2"),
        ("freeze=1 unfreeze_every=0", "unfreeze_every must be >= 1, or null, got 0; pass unfreeze_every=2"),
        ("freeze={stem:2} unfreeze_every=1", "unfreeze_every=1: freeze already names epochs; leave one of the two out"),
        ("lr_scale=0.1", "lr_scale must name parts with factors, got 0.1; pass for example lr_scale={encoder: 0.1}"),
        ("lr_scale={stem:0}", "lr_scale of stem must be finite and > 0, got 0; pass freeze to leave a part as it is"),
        ("lr_scale={stem:-1}", "lr_scale of stem must be finite and > 0, got -1"),
        ("lr_scale={stem:inf}", "lr_scale of stem must be finite and > 0, got inf"),
        ("lr_scale={stem:fast}", "lr_scale of stem must be finite and > 0, got fast"),
        ("lr_scale={_stem:0.1}", "lr_scale: '_stem' must not begin with _; pass a glob, such as [?]stem"),
        ("freeze={_stem:1}", "freeze: '_stem' must not begin with _; pass a glob, such as [?]stem"),
        ("lr=fast", "lr must be a number or auto, got fast"),
        ("lr=[1]", "lr must be a number or auto, got a list"),
        ("lr=null", "lr must be a number or auto, got null"),
        ("lr=auto optimizer=hypergradient", "changes the learning rate itself; pass lr=0.001, for example"),
        ("optimizer=hypergradient lr_scale={up1:0.5}", "one learning rate for all weights; leave lr_scale out"),
    ],
)
def test_a_bad_value_is_named_in_one_line(words, message):
    with pytest.raises(InputError, match=message) as caught:
        knobs(*QUICK, *words.split())
    assert "\n" not in str(caught.value)


def test_lr_may_be_an_integer_or_auto_and_options_refer_to_it():
    one = knobs(*QUICK, "lr=1", "scheduler=onecycle")
    assert [type(one[name][key]) for name, key in (("optimizer", "lr"), ("scheduler", "max_lr"))] == [float, float]
    assert type(one["lr"]) is float
    auto = plain(composed(*QUICK, "lr=auto", "scheduler=onecycle", "optimizer=rmspropw"))
    assert (auto["lr"], auto["optimizer"]["lr"], auto["scheduler"]["max_lr"]) == ("auto",) * 3
    check(auto)


def test_names_of_parts_may_be_keys_in_a_file_but_only_there():
    words = "freeze={stem.*:2,down?:3}", "lr_scale={*.bias:2,0.weight:3}"
    config = knobs(*QUICK, *words)
    assert checked(config, "x") is config
    for bad in ({**config, "lr_scale": {"_target_": 1}}, {**config, "model": {**config["model"], "a.b": 1}}):
        with pytest.raises(InputError, match="must not be a key in a file"):
            checked(bad, "x")
