"""Two sentences about a network, from its card and its model card."""

from dataclasses import replace

from colourize.app.networks import SHIPPED, Networks
from colourize.app.trust import sentences
from tests.predictors import Pointwise

CARD = replace(Pointwise().card, config={"data": {"_target_": "colourize.data.scenes.scenes"}})


def test_the_network_that_comes_with_colourize_states_its_photographs_and_its_gain():
    text = Networks(["shipped"], "cpu").about(SHIPPED)
    assert "47,482 photographs" in text and "1.0 dB nearer" in text and "guesses" in text
    assert text.count(". ") == 1 and text.endswith(".")


def test_without_a_model_card_the_configuration_names_the_data():
    assert "drawn landscapes" in sentences(CARD, "mine") and "not been measured" in sentences(CARD, "mine")
    assert "does not name" in sentences(replace(CARD, config={}), "mine")


def test_a_name_cannot_be_markup():
    assert "<" not in sentences(CARD, "<img src=x onerror=alert(1)>") and "](" not in sentences(CARD, "[a](b)")
