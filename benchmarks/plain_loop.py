"""The course's training loop, written from its description: the reference for the speed of colourize.

It uses torch's own layers, pictures and labels as numpy arrays, float64 greys converted to float32 in every batch,
batches in file order, the loss over transposed and copied logits, and validation in batches after every epoch.
N pictures, K colours.
"""

import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

Arrays = tuple[np.ndarray, np.ndarray]  # grey float64 [N, 1, 32, 32] in [0, 1), labels int64 [N, 1, 32, 32]


def block(layer: nn.Module, channels: int, *resize: nn.Module) -> nn.Sequential:
    """A layer, resizing layers, batch norm and ReLU."""
    return nn.Sequential(layer, *resize, nn.BatchNorm2d(channels), nn.ReLU())


class Network(nn.Module):
    """One of the course's three networks, kernel 3: poolupsample, convtranspose or unet."""

    def __init__(self, name: str, nf: int = 32, nc: int = 24, nic: int = 1) -> None:
        super().__init__()
        self.skips = name == "unet"
        if name == "poolupsample":
            self.down1 = block(nn.Conv2d(nic, nf, 3, padding=1), nf, nn.MaxPool2d(2))
            self.down2 = block(nn.Conv2d(nf, 2 * nf, 3, padding=1), 2 * nf, nn.MaxPool2d(2))
            self.up1 = block(nn.Conv2d(2 * nf, nf, 3, padding=1), nf, nn.Upsample(scale_factor=2))
            self.up2 = block(nn.Conv2d(nf, nc, 3, padding=1), nc, nn.Upsample(scale_factor=2))
        else:
            half = {"kernel_size": 3, "stride": 2, "padding": 1}
            self.down1 = block(nn.Conv2d(nic, nf, **half), nf)
            self.down2 = block(nn.Conv2d(nf, 2 * nf, **half), 2 * nf)
            self.up1 = block(nn.ConvTranspose2d(2 * nf, nf, output_padding=1, **half), nf)
            self.up2 = block(nn.ConvTranspose2d(nf * (1 + self.skips), nc, output_padding=1, **half), nc)
        self.scores = nn.Conv2d(nc + nic * self.skips, nc, 3, padding=1)

    def forward(self, grey: Tensor) -> Tensor:
        first = self.down1(grey)
        x = self.up1(self.down2(first))
        x = self.up2(torch.cat([x, first], 1) if self.skips else x)
        return self.scores(torch.cat([x, grey], 1) if self.skips else x)


def nearest_colours(images: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Index of each pixel's nearest colour, 100 pictures at a time: uint8 [N, 32, 32, 3], [K, 3] -> [N, 1, 32, 32]."""
    parts = []
    for start in range(0, len(images), 100):
        pixels = images[start : start + 100].transpose(0, 3, 1, 2)[None] / 256.0  # [1, n, 3, 32, 32]
        distance = np.linalg.norm(pixels - palette[:, None, :, None, None], axis=2)
        parts.append(distance.argmin(axis=0)[:, None])
    return np.concatenate(parts)


def arrays(images: np.ndarray, palette: np.ndarray) -> Arrays:
    """The data of the loop: uint8 [N, 32, 32, 3], palette [K, 3] in [0, 1] -> greys and labels."""
    return (images / 256.0).mean(axis=-1)[:, None], nearest_colours(images, palette)


def batches(data: Arrays, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches in file order: float32 [n, 1, 32, 32], int64 [n, 1, 32, 32]."""
    grey, labels = data
    for start in range(0, len(grey), batch_size):
        part = slice(start, start + batch_size)
        yield torch.from_numpy(grey[part]).float(), torch.from_numpy(labels[part]).long()


def cross_entropy(criterion: nn.Module, logits: Tensor, labels: Tensor) -> Tensor:
    """The mean loss over pixels: [N, K, H, W], [N, 1, H, W] -> []."""
    rows = logits.transpose(1, 3).contiguous().view(-1, logits.shape[1])
    return criterion(rows, labels.transpose(1, 3).contiguous().view(-1))


def train_epoch(network: nn.Module, optimizer: torch.optim.Optimizer, data: Arrays, batch_size: int) -> list[float]:
    """Trains one epoch; returns the batches' losses."""
    network.train()
    device = next(network.parameters()).device
    criterion = nn.CrossEntropyLoss()
    losses = []
    for grey, labels in batches(data, batch_size):
        optimizer.zero_grad()
        loss = cross_entropy(criterion, network(grey.to(device)), labels.to(device))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def validate(network: nn.Module, data: Arrays, batch_size: int) -> tuple[float, float]:
    """Mean loss of the batches, and share of correct pixels in [0, 1]."""
    network.eval()
    device = next(network.parameters()).device
    criterion = nn.CrossEntropyLoss()
    losses, right, total = [], 0, 0
    with torch.no_grad():
        for batch in batches(data, batch_size):
            grey, labels = (part.to(device) for part in batch)
            logits = network(grey)
            losses.append(cross_entropy(criterion, logits, labels).item())
            right += (logits.argmax(dim=1, keepdim=True) == labels).sum().item()
            total += labels.numel()
    return float(np.mean(losses)), right / total


def train(
    network: nn.Module, training: Arrays, validation: Arrays, batch_size: int = 100, epochs: int = 25
) -> tuple[float, float]:
    """Trains a whole run; returns its seconds and the final validation loss."""
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001)
    start, loss = time.perf_counter(), float("nan")
    for _ in range(epochs):
        train_epoch(network, optimizer, training, batch_size)
        loss, _ = validate(network, validation, batch_size)
    return time.perf_counter() - start, loss
