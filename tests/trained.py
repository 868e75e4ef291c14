"""The results in a run's folder: weights, rows of metrics, and the recomputed validation loss."""

import csv

import torch

from colourize.colour.palette import quantize
from colourize.colour.rgb import grey
from colourize.config.instantiate import instantiate
from colourize.runs.trained import load


def weights(folder, name="last"):
    return torch.load(folder / f"checkpoints/{name}.ckpt", weights_only=True)["state_dict"]


def rows(folder):
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def validation_loss(folder, name="last"):
    """Cross-entropy in nats per pixel: the mean over the validation pixels in float64, from the checkpoint alone."""
    trained = load(folder / f"checkpoints/{name}.ckpt")
    images = instantiate(trained.config["data"]).validation
    with torch.no_grad():
        likelihood = trained.model(grey(images)).double().log_softmax(dim=1)
    labels = quantize(images, trained.model.palette).long()
    return -likelihood.gather(1, labels[:, None]).mean().item()


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)
