import math

import pytest
import torch

from colourize.errors import InputError
from colourize.models.resunet import ResUNet, Waves
from colourize.tasks.chosen import train
from tests.conftest import knobs


def test_waves_distinguish_neighbouring_levels_of_grey():
    """|e^{i f pi (g + d)} - e^{i f pi g}|^2 = 2 - 2 cos(f pi d), summed over f, for any grey."""
    step = 1 / 255
    levels = torch.arange(256).view(1, 1, 1, -1) * step
    waves = Waves(8)(levels)[0, 1:, 0].double()
    expected = sum(2 - 2 * math.cos(f * math.pi * step) for f in range(1, 9))
    assert waves.diff(dim=1).square().sum(0) == pytest.approx(torch.full((255,), expected), rel=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (33, 17), (8, 40)])
def test_scores_have_the_size_of_any_picture(size):
    network = ResUNet(2, 5).eval()
    grey = torch.rand(1, 1, *size)
    with torch.no_grad():
        assert network(grey).shape == (1, 5, *size)


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (9, 5)])
def test_a_single_small_picture_can_be_trained_on(size):
    network = ResUNet(2, 5)
    network(torch.rand(1, 1, *size)).sum().backward()
    assert all(bool(parameter.grad.isfinite().all()) for parameter in network.parameters())


def test_a_last_batch_of_one_picture_can_be_trained_on(quick, tmp_path):
    train(quick("model=resunet_small", "batch_size=23", "max_epochs=1"), tmp_path / "run")
    assert len((tmp_path / "run/metrics.csv").read_text().splitlines()) == 2


@pytest.mark.parametrize("size", [(16, 16), (24, 40)])
def test_sides_of_16_and_more_are_padded_to_a_multiple_of_8_and_no_further(size):
    """A network without padding gives the same bits."""
    network, grey = ResUNet(2, 5).eval(), torch.rand(2, 1, *size)
    with torch.no_grad():
        scores = network(grey)
        network.multiple = 1
        assert network(grey).equal(scores)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"widths": [], "blocks": []}, r"model.widths must have one width per level, got \[\]; pass"),
        ({"blocks": [1, 1]}, r"as long as model.widths=\[1, 2, 4, 6\], got \[1, 1\]; pass 4 numbers of blocks"),
        ({"blocks": [1, 1, 1, -1]}, "model.blocks must be integers >= 0, got -1; pass"),
        ({"blocks": [1, 1, 1, 0.5]}, "model.blocks must be integers >= 0, got 0.5; pass"),
        ({"widths": [-1, 1, 1, 1]}, "model.widths must be finite and > 0, got -1; pass"),
        ({"widths": [1, 1, 1, math.inf]}, "model.widths must be finite and > 0, got inf; pass"),
        ({"head": 0}, "model.head must be >= 1, got 0; pass model.head=1 or more"),
        ({"num_frequencies": -1}, "model.num_frequencies must be >= 0, got -1; pass"),
    ],
)
def test_an_error_states_the_rule_the_value_and_the_remedy(values, message):
    with pytest.raises(InputError, match=message):
        ResUNet(2, 5, **values)


def test_without_frequencies_only_the_grey_itself_is_used():
    with torch.no_grad():
        assert ResUNet(2, 5, num_frequencies=0).eval()(torch.rand(1, 1, 16, 16)).shape == (1, 5, 16, 16)


@pytest.mark.slow
def test_it_beats_the_look_up_table_on_landscapes(tmp_path):
    """A quarter of the width, 240 small steps: skill 0.141, 0.179, 0.146 with seeds 0, 1, 2; 0 is the table."""
    words = ("data=scenes", "data.num_train=400", "data.num_validation=60", "image_size=16", "num_filters=8")
    metrics = train(
        knobs(
            "experiment=resunet", *words, "batch_size=10", "max_epochs=6", "precision=32-true", f"cache_dir={tmp_path}"
        ),
        tmp_path / "run",
    )
    assert metrics["val/skill"] > 0.08
