"""What a run left in its folder: the weights, the rows of metrics."""

import csv

import torch


def weights(folder, name="last"):
    return torch.load(folder / f"checkpoints/{name}.ckpt", weights_only=True)["state_dict"]


def rows(folder):
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)
