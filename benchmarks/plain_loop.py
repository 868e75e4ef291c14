"""The course's way of training, from its description: what one would write by hand, and what we are measured against.

Pictures and labels as numpy arrays, float64 greys made float32 in every batch, batches in file order, the loss over
transposed and copied logits, validation in batches after every epoch. N pictures, K colours.
"""

import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

Arrays = tuple[np.ndarray, np.ndarray]  # grey float64 [N, 1, 32, 32] in [0, 1), labels int64 [N, 1, 32, 32]


def nearest_colours(images: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Index of each pixel's nearest colour, picture by picture: uint8 [N, 32, 32, 3], [K, 3] -> [N, 1, 32, 32]."""
    labels = np.zeros((len(images), 1, *images.shape[1:3]), dtype=np.int64)
    for number, image in enumerate(images / 256.0):
        distance = np.linalg.norm(image[:, :, None, :] - palette, axis=-1)
        labels[number, 0] = distance.argmin(axis=-1)
    return labels


def arrays(images: np.ndarray, palette: np.ndarray) -> Arrays:
    """What the loop trains on, from uint8 [N, 32, 32, 3] and a palette [K, 3] in [0, 1]."""
    return (images / 256.0).mean(axis=-1)[:, None], nearest_colours(images, palette)


def batches(data: Arrays, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    grey, labels = data
    for start in range(0, len(grey), batch_size):
        part = slice(start, start + batch_size)
        yield torch.from_numpy(grey[part]).float(), torch.from_numpy(labels[part]).long()


def cross_entropy(criterion: nn.Module, logits: Tensor, labels: Tensor) -> Tensor:
    rows = logits.transpose(1, 3).contiguous().view(-1, logits.shape[1])
    return criterion(rows, labels.transpose(1, 3).contiguous().view(-1))


def train_epoch(network: nn.Module, optimizer: torch.optim.Optimizer, data: Arrays, batch_size: int) -> float:
    """One epoch; returns the mean of the batches' losses."""
    network.train()
    criterion = nn.CrossEntropyLoss()
    losses = []
    for grey, labels in batches(data, batch_size):
        optimizer.zero_grad()
        loss = cross_entropy(criterion, network(grey), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return float(np.mean(losses))


def validate(network: nn.Module, data: Arrays, batch_size: int) -> tuple[float, float]:
    """Mean loss of the batches and share of right pixels, as a number in [0, 1]."""
    network.eval()
    criterion = nn.CrossEntropyLoss()
    losses, right, total = [], 0, 0
    with torch.no_grad():
        for grey, labels in batches(data, batch_size):
            logits = network(grey)
            losses.append(cross_entropy(criterion, logits, labels).item())
            right += (logits.argmax(dim=1, keepdim=True) == labels).sum().item()
            total += labels.numel()
    return float(np.mean(losses)), right / total


def train(
    network: nn.Module, training: Arrays, validation: Arrays, batch_size: int = 100, epochs: int = 25
) -> list[tuple[float, float]]:
    """The whole run: seconds since its start and validation loss after each epoch."""
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001)
    start, history = time.perf_counter(), []
    for _ in range(epochs):
        train_epoch(network, optimizer, training, batch_size)
        loss, _ = validate(network, validation, batch_size)
        history.append((time.perf_counter() - start, loss))
    return history
