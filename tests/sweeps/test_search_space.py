import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from colourize.errors import InputError
from colourize.sweeps.search_space import distribution


def parsed(word):
    return OverridesParser.create().parse_override(word)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("lr=tag(log,interval(1e-4,1e-1))", FloatDistribution(1e-4, 1e-1, log=True)),
        ("lr=interval(0,0.5)", FloatDistribution(0.0, 0.5)),
        ("num_filters=int(interval(8,64))", IntDistribution(8, 64)),
        ("num_filters=tag(log,int(interval(8,64)))", IntDistribution(8, 64, log=True)),
        ("kernel=range(1,8)", IntDistribution(1, 7)),
        ("kernel=range(1,8,3)", IntDistribution(1, 7, step=3)),
        ("model=unet,resunet", CategoricalDistribution(["unet", "resunet"])),
        ("classes=choice(horse,[cat,dog])", CategoricalDistribution(["horse", "[cat,dog]"])),
    ],
)
def test_hydra_s_sweeps_are_optuna_s_distributions(word, expected):
    assert distribution(parsed(word)) == expected


@pytest.mark.parametrize("word", ["lr=interval(1,0)", "lr=tag(log,interval(0,1))", "kernel=range(3,1)"])
def test_a_range_without_values_is_refused(word):
    with pytest.raises(InputError, match=r"pass values from low to high"):
        distribution(parsed(word))


def test_fractions_for_an_integer_knob_are_refused():
    with pytest.raises(
        InputError, match=r"num_filters must be an integer, .*; pass num_filters=int\(interval\(8,48\)\)$"
    ):
        distribution(parsed("num_filters=interval(8,48)"))
