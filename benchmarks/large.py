"""Contestants that train on large pictures, built and called like those in ``contestants``."""

import resource
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from benchmarks.contestants import Figures, Turn, colourize_epoch, knobs
from colourize.config.instantiate import instantiate
from colourize.data.labelled import palette_of, read

WORKERS = 2


def _settings(root: str, side: str, batch: str, steps: str) -> list[str]:
    return [
        "data=folder", f"data.root={root}", "data.mapped=true", f"image_size={side}", f"batch_size={batch}",
        "augment=crops", f"augment.size={side}", "model=unet", f"trainer.limit_train_batches={steps}",
        "trainer.limit_val_batches=1",
    ]  # fmt: skip


def colourize(root: str, side: str, batch: str, steps: str) -> Turn:
    """Training of ``colourize``: prepared pictures, crops and flips of a batch, labels by a table."""
    epoch = colourize_epoch(*_settings(root, side, batch, steps))

    def turn() -> Figures:
        return {"picture": epoch()["trained"] / (int(batch) * int(steps)), "peak MB": _peak()}

    return turn


def image_folder(root: str, side: str, batch: str, steps: str) -> Turn:
    """What a user would write: ImageFolder, transforms v2, a DataLoader with workers, labels by distance, Adam."""
    config = knobs(*_settings(root, side, batch, steps))
    palette = palette_of(read(config).train, config["num_colours"], config["cache_dir"])
    transform = v2.Compose([
        v2.ToImage(), v2.RandomResizedCrop(int(side), antialias=True), v2.RandomHorizontalFlip(),
        v2.ToDtype(torch.float32, scale=True),
    ])  # fmt: skip
    pictures = ImageFolder(str(Path(root, "train")), transform)
    network, criterion = instantiate(config["model"]), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(network.parameters(), lr=config["lr"])
    random = torch.Generator().manual_seed(0)

    def turn() -> Figures:
        chosen = torch.randperm(len(pictures), generator=random)[: int(batch) * int(steps)].tolist()
        loader = DataLoader(Subset(pictures, chosen), int(batch), num_workers=WORKERS)
        network.train()
        start = time.perf_counter()
        for images, _ in loader:
            optimizer.zero_grad()
            loss = criterion(network(images.mean(dim=1, keepdim=True)), nearest(images, palette))
            loss.backward()
            optimizer.step()
            loss.item()
        return {"picture": (time.perf_counter() - start) / len(chosen), "peak MB": _peak()}

    return turn


def nearest(images: Tensor, palette: Tensor) -> Tensor:
    """Index of each pixel's nearest colour: [N, 3, H, W] and [K, 3] in [0, 1] -> int64 [N, H, W]."""
    return torch.cdist(images.permute(0, 2, 3, 1).flatten(1, 2), palette).argmin(-1).view(-1, *images.shape[2:])


def _peak() -> float:
    """The largest memory of this process so far, and of its largest worker."""
    usages = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usages) / 1024
