import itertools
import math

import numpy as np
import pytest
import torch

from colourize.colour.kmeans import fit
from colourize.colour.palette import quantize
from colourize.colour.rgb import grey
from colourize.data.scenes import load
from colourize.models import lookup
from colourize.models.lookup import ClassPrior, LookupTable, fold_counts, grey_level, smoothed_table
from colourize.tasks.colourization.module import pixel_cross_entropy


@pytest.fixture(scope="module")
def scenes():
    pictures = load(150, 50)
    palette = fit(pictures.train, 8, seed=0)
    labels = [quantize(images, palette) for images in (pictures.train, pictures.validation)]
    return grey(pictures.train), labels[0], grey(pictures.validation), labels[1]


def test_every_grey_of_8_bit_rgb_has_its_own_level():
    sums = torch.arange(766)
    images = torch.stack([sums.clamp(0, 255), (sums - 255).clamp(0, 255), (sums - 510).clamp(0, 255)], dim=-1)
    assert torch.equal(grey_level(grey(images.to(torch.uint8).view(1, 2, 383, 3))).flatten(), sums)


def test_the_table_s_cross_entropy_equals_a_numpy_computation(scenes, monkeypatch):
    """P(colour | level) with a Gaussian over levels and the prior, in numpy, at one setting."""
    monkeypatch.setattr(lookup, "BANDWIDTHS", (4.0,))
    monkeypatch.setattr(lookup, "WEIGHTS", (10.0,))
    train_grey, train_labels, val_grey, val_labels = scenes
    table = LookupTable(8)
    table.fit(train_grey, train_labels)
    levels = np.rint(train_grey.numpy() * 768).astype(int).ravel()
    counts = np.zeros((766, 8))
    np.add.at(counts, (levels, train_labels.numpy().ravel()), 1)
    distance = np.subtract.outer(np.arange(766), np.arange(766))
    smooth = np.exp(-0.5 * (distance / 4.0) ** 2) @ counts
    overall = (counts.sum(0) + 1) / (counts.sum() + 8)
    prior = (counts.sum(0) + overall) / (counts.sum() + 1)
    shares = (smooth + 10 * prior) / (smooth.sum(1, keepdims=True) + 10)
    chosen = shares[np.rint(val_grey.numpy() * 768).astype(int).ravel(), val_labels.numpy().ravel()]
    loss = pixel_cross_entropy(table(val_grey), val_labels.long())
    assert loss.item() == pytest.approx(-np.log(chosen).mean(), abs=1e-6)


def test_probabilities_sum_to_one_and_none_is_zero(scenes):
    table = LookupTable(8)
    table.fit(*scenes[:2])
    assert torch.allclose(table.scores.exp().sum(dim=1), torch.ones(766), atol=1e-5)
    assert table.scores.isfinite().all()


def test_the_smoothing_is_chosen_on_training_pictures_and_helps(scenes, monkeypatch):
    train_grey, train_labels, val_grey, val_labels = scenes
    chosen = LookupTable(8)
    chosen.fit(train_grey, train_labels)
    losses = []
    for bandwidth in lookup.BANDWIDTHS:
        monkeypatch.setattr(lookup, "BANDWIDTHS", (bandwidth,))
        table = LookupTable(8)
        table.fit(train_grey, train_labels)
        losses.append(pixel_cross_entropy(table(val_grey), val_labels.long()).item())
        monkeypatch.undo()
    best = pixel_cross_entropy(chosen(val_grey), val_labels.long()).item()
    assert best <= min(losses) + 0.01
    assert best < max(losses)


def test_the_prior_is_the_shares_of_the_training_labels(scenes):
    prior = ClassPrior(8)
    prior.fit(*scenes[:2])
    counts = np.bincount(scenes[1].numpy().ravel(), minlength=8) + 1
    np.testing.assert_allclose(prior.scores.exp().numpy(), counts / counts.sum(), rtol=1e-5)


def test_folds_sum_to_all_pixels_and_a_picture_is_in_one_fold(scenes):
    counts = fold_counts(scenes[0], scenes[1], 8)
    assert counts.sum().item() == scenes[1].numel()
    assert set((counts.sum((1, 2, 3)) / 1024).tolist()) == {50.0}


def test_knowing_the_group_increases_the_loss_at_most_by_sampling_error(scenes):
    """With the label itself as the group, the table is nearly certain."""
    train_grey, train_labels = scenes[:2]
    table = smoothed_table(fold_counts(train_grey, train_labels, 8, train_labels, 8))
    own = table[train_labels.long(), grey_level(train_grey)].gather(-1, train_labels[..., None].long())
    assert -own.mean().item() < 0.01


def test_an_unseen_colour_is_improbable_but_not_impossible():
    table = LookupTable(3)
    table.fit(torch.full((10, 1, 4, 4), 0.5), torch.zeros(10, 4, 4, dtype=torch.uint8))
    unseen = table(torch.full((1, 1, 1, 1), 0.5))[0, 2].item()
    assert -math.inf < unseen < math.log(0.02)


@pytest.mark.parametrize("pictures", [2, 40])
def test_width_and_weight_minimize_the_cross_entropy_over_the_whole_table(pictures, scenes):
    """In numpy, over every cell, including empty cells and a group without pixels."""
    labels = scenes[1][:pictures]
    folds = fold_counts(scenes[0][:pictures], labels, 8, labels % 3, 4).numpy()
    level = np.arange(lookup.LEVELS)
    kernels = {width: np.exp(-0.5 * ((level[:, None] - level) / width) ** 2) for width in lookup.BANDWIDTHS}

    def log_shares(counts, width, weight):
        smooth = kernels[width] @ counts
        prior = (counts.sum((0, 1)) + 1) / (counts.sum((0, 1)) + 1).sum()
        own = (counts.sum(1) + prior) / (counts.sum(1) + prior).sum(1, keepdims=True)
        return np.log((smooth + weight * own[:, None]) / (smooth.sum(2, keepdims=True) + weight))

    def loss(choice):
        return -sum((fold * log_shares(folds.sum(0) - fold, *choice)).sum() for fold in folds)

    best = min(itertools.product(lookup.BANDWIDTHS, lookup.WEIGHTS), key=loss)
    table = smoothed_table(torch.from_numpy(folds))
    np.testing.assert_allclose(table.numpy(), log_shares(folds.sum(0), *best), rtol=1e-5, atol=1e-6)
