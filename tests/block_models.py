"""A network of blocks with random weights, photographs for it, and a classifier of our own."""

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from colourize.data.scenes import load
from colourize.evaluation.photograph_scores import scored
from colourize.evaluation.recognition import Looks
from colourize.model import Model

PALETTE = torch.tensor([[0.0, 0.0], [30.0, 20.0], [-20.0, 30.0], [10.0, -30.0]])


class Blocks(torch.nn.Module):
    """Scores at a stride from the mean grey of each block."""

    stride = 4

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Conv2d(1, 4, 4, stride=4)

    def forward(self, grey: Tensor) -> Tensor:
        return 3 * self.layer(grey)


def block_model() -> Model:
    """A model of blocks in lab with four colours."""
    return Model(Blocks().eval(), PALETTE, "lab").eval()


def save(folder: Path, *sizes: tuple[int, int]) -> Path:
    """Writes a photograph of each height and width; returns the folder."""
    for number, (height, width) in enumerate(sizes):
        side = max(height, width)
        image = load(2, 2, image_size=max(32, side), seed=number).train[0, :height, :width]
        folder.mkdir(exist_ok=True)
        Image.fromarray(image.numpy()).save(folder / f"{number}.png")
    return folder


class Redness:
    """A picture is a 7 if its red exceeds its blue, as in every photograph here."""

    def features(self, pictures: Tensor) -> Tensor:
        return pictures.mean((2, 3))

    def classes(self, features: Tensor) -> Tensor:
        return torch.where(features[:, 0] > features[:, 2] + 0.01, 7, 8)


def shown(model: Model, folder: Path, looks: Looks) -> Looks:
    """Shows every photograph of a folder to a classifier."""
    for one in scored(model, folder, None, False, []):
        looks.add(one)
    return looks
