"""The shipped network: small, ours, and the same on every machine."""

import json
import re

import numpy as np
import pytest
import torch

import colourize
from benchmarks import ship
from colourize.inference import space
from colourize.runs import shipped
from tests.drawn_pictures import landscape


def test_it_is_small_and_has_a_card():
    assert shipped.file().stat().st_size <= 12_000_000
    card = shipped.file().with_suffix(".md").read_text()
    weights = sum(tensor.numel() for tensor in colourize.load().network.parameters())
    assert f"{weights:,} weights" in card
    assert {"## Figures", "## Limits", "## Data and licence"} <= set(re.findall(r"^## .*$", card, re.M))


def test_the_card_states_the_figures_that_were_measured_of_these_weights():
    figures = json.loads(ship.FIGURES.read_text())
    assert figures["weights"] == ship.digest()
    assert ship.section(figures) in ship.CARD.read_text()


def test_its_digits():
    """Cross-entropy of a drawn landscape's true chroma, in nats per cell."""
    model = colourize.load()
    picture = np.asarray(landscape(128, 96))
    grey = model.space.lightness(torch.tensor(picture)[None])
    with torch.no_grad():
        scores = model(grey).double().log_softmax(1)
    blocks = space.lab(picture / 255).reshape(24, 4, 32, 4, 3).mean((1, 3))[..., 1:]
    distances = torch.cdist(torch.tensor(blocks).flatten(0, 1), model.palette)
    labels = distances.argmin(1).view(1, 1, 24, 32)
    loss = -scores.gather(1, labels).mean().item()
    assert loss == pytest.approx(4.8906108, abs=1e-5)


def test_it_colours_a_drawn_landscape():
    picture = np.asarray(landscape(128, 96))
    lab = space.lab(colourize.load().colourize(space.grey_levels(picture)) / 255)
    assert np.ptp(lab[..., 1:], axis=(0, 1)).max() > 5
