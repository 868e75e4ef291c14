import logging

import pytest

from colourize import changes
from colourize.errors import InputError
from tests.conftest import QUICK, knobs


@pytest.mark.parametrize(
    "option", [("model", "unet"), ("optimizer", "adamw"), ("scheduler", "cosine"), ("data", "cifar10")]
)
def test_the_remedy_is_what_one_would_type(option):
    group, name = option
    words = [word for word in QUICK if not (group == "data" and word.startswith("data"))]
    config = knobs(*words, f"{group}={name}", "max_epochs=9", "image_size=32" if group == "data" else "image_size=8")
    before = {"model": "convtranspose", "optimizer": "adam", "scheduler": "none", "data": "scenes"}[group]
    with pytest.raises(InputError, match=f"x was trained with {group}={before}, not {name}; pass {group}={before}, or"):
        changes.check_changes(knobs(*QUICK), config, "x was trained")


def test_what_may_change_is_named(caplog):
    with caplog.at_level(logging.WARNING):
        changes.check_changes(knobs(*QUICK), knobs(*QUICK, "max_epochs=7", "cache_dir=elsewhere"), "x was trained")
    assert [record.getMessage() for record in caplog.records] == ["x was trained with max_epochs=2; it goes on with 7"]


def test_differences_name_the_innermost_key():
    old, new = {"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 1, "c": 4, "e": 5}, "d": 3}
    assert changes.differences("x", old, new) == [("x.a.c", 2, 4), ("x.a.e", None, 5)]


def test_the_hash_stands_for_what_makes_a_difference():
    hashes = {changes.config_hash(knobs(*QUICK, *words)) for words in ([], ["cache_dir=elsewhere"], ["save_every=7"])}
    assert len(hashes) == 1
    assert changes.config_hash(knobs(*QUICK, "seed=1")) not in hashes
