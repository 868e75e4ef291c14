"""Knobs that were changed but have no effect with the others."""

from pathlib import Path

import pytest

from colourize.config.checks import without_effect
from colourize.config.folder import conf_dir
from colourize.config.knobs import KNOBS
from colourize.errors import InputError
from colourize.tasks.chosen import train
from tests.conftest import knobs
from tests.nets import MODELS

OF_NETWORKS = {"kernel": 5, "num_filters": 8, "encoder_weights": "none", "frozen_epochs": 2, "moving_norms": "true",
               "hints": "true", "dilation": 2}  # fmt: skip
WITHOUT = [
    ("moving_norms=true", ["init_from=shipped"]), ("moving_norms=true", ["freeze=1"]),
    ("moving_norms=true", ["model=encoder_unet"]), ("strategy=ddp", ["devices=2"]), ("strategy=ddp", ["num_nodes=2"]),
    ("sync_batchnorm=true", ["devices=2"]), ("sync_batchnorm=true", ["num_nodes=2"]),
    ("encoder_rate=0.5", ["model=encoder_unet", "frozen_epochs=2"]),
    ("frozen_stride=4", ["model=encoder_unet", "frozen_epochs=0"]),
]  # fmt: skip
"""Knobs, and what they have no effect without."""


def test_every_knob_that_may_have_no_effect_is_tested():
    tested = {*OF_NETWORKS, *(word.partition("=")[0] for word, _ in WITHOUT)}
    assert {name for name, knob in KNOBS.items() if knob.only_with} == tested


@pytest.mark.parametrize("network", MODELS)
def test_a_knob_that_the_network_does_not_use_is_named_and_one_that_it_uses_is_not(network):
    file = (Path(conf_dir()) / f"model/{network}.yaml").read_text()
    file += (Path(conf_dir()) / "model/unet.yaml").read_text() if "- unet" in file else ""
    for name, value in OF_NETWORKS.items():
        of_encoders = name in ("encoder_weights", "frozen_epochs", "moving_norms")
        used = network == "encoder_unet" if of_encoders else f"${{{name}}}" in file
        words = f"model={network}", f"{name}={value}"
        if name in ("hints", "dilation") and not used:  # what a network cannot do is refused
            with pytest.raises(InputError, match=f"^{name}={value}: .* does not take"):
                knobs(*words)
        else:
            assert without_effect(knobs(*words)) == ([] if used else [words[1]])


@pytest.mark.parametrize(("word", "others"), WITHOUT)
def test_a_knob_has_an_effect_only_with_all_of_these(word, others):
    assert without_effect(knobs(word, *others)) == []
    for other in others:
        fewer = [each for each in others if each != other]
        assert word in without_effect(knobs(word, *fewer))


def test_a_training_names_the_knobs_without_effect(quick, tmp_path, caplog):
    train(quick("model=pointwise", "kernel=5", "max_epochs=1"), tmp_path)
    assert "kernel=5: no effect with these options; leave out, or choose others" in caplog.text
