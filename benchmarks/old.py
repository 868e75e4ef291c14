"""Measures networks on photographs that look like scans of old ones: does grain become colour noise?

python benchmarks/old.py RUN [RUN ...] --photographs DIR [--size 128] [--json FILE]

Each photograph's grey is degraded, in the ways of ``augment=old``; its colours stay those of the clean photograph. For
each run and degradation the table gives

- the cross-entropy, nats per label;
- the error of the mean of the classes: the mean distance to the true (a, b) over the network's blocks;
- the roughness: the mean distance of (a, b) between neighbouring blocks, as a multiple of the same network's on the
  clean photograph. Colour noise makes it greater than 1.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent.parent))

from colourize.colour import palette as palettes
from colourize.colour.decoding import annealed_mean
from colourize.data import old
from colourize.evaluation import metrics
from colourize.evaluation.inputs import load, single_checkpoint
from colourize.evaluation.photograph_files import photographs
from colourize.files import replace_text
from colourize.model import Model
from colourize.present import tables, terminal

MEASURES = "cross-entropy", "error of (a, b)", "roughness"


def grain(grey: Tensor) -> Tensor:
    noise = old.blurred(torch.randn(grey.shape), torch.tensor([0.5]))
    return old.grained(grey, noise, torch.tensor([0.08]))


def scratches(grey: Tensor) -> Tensor:
    for _ in range(3):
        at, slant = torch.rand(1), torch.empty(1).uniform_(-0.1, 0.1)
        grey = old.scratched(grey, at, slant, torch.ones(1))
    for _ in range(8):
        grey = old.dusted(grey, torch.rand(1, 2), torch.tensor([1.0]), torch.ones(1))
    return grey


DEGRADED: dict[str, Callable[[Tensor], Tensor]] = {
    "clean": lambda grey: grey,
    "blur of 1 pixel": lambda grey: old.blurred(grey, torch.ones(1)),
    "grain of 0.08": grain,
    "black at 0.15, white at 0.8": lambda grey: old.faded(grey, torch.tensor([0.15]), torch.tensor([0.8])),
    "3 scratches, 8 specks of dust": scratches,
    "JPEG of quality 50": lambda grey: old.compressed(grey, torch.tensor([50])),
    "drawn as by augment=old": old.aged,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--photographs", type=Path, required=True, metavar="DIR")
    parser.add_argument("--size", type=int, default=128, metavar="PIXELS", help="side of the centre squares")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    trained = load([single_checkpoint(run) for run in given.runs])
    found = {
        run: measured(each.model, given.photographs, given.size) for run, each in zip(given.runs, trained, strict=True)
    }
    if given.json is not None:
        replace_text(given.json, json.dumps(found, indent=1, allow_nan=False) + "\n")
    rows = [
        [run, name, *(f"{value:.3f}" for value in values.values())]
        for run, of_run in found.items()
        for name, values in of_run.items()
    ]
    terminal.console(soft_wrap=True).print(tables.as_text([["run", "photographs", *MEASURES], *rows]))


def measured(model: Model, folder: Path, size: int) -> dict[str, dict[str, float]]:
    """The means of each measure over the photographs, by degradation; the same degradations for every network."""
    sums: dict[str, Tensor] = {}
    for index, (_, image) in enumerate(photographs(folder, size, True, model.stride, [])):
        torch.manual_seed(index)
        grey, points = model.space.both(image)
        labels = palettes.labels_of_blocks(points, model.palette, model.stride)
        true = F.avg_pool2d(points, model.stride)
        for name, degrade in DEGRADED.items():
            with torch.no_grad():
                logits = model(degrade(grey)).float()
            values = annealed_mean(logits, model.palette, 1.0)
            error = (values - true).norm(dim=1).mean()
            of_this = torch.stack([metrics.cross_entropy(logits, labels)[0], error, roughness(values)])
            sums[name] = sums.get(name, torch.zeros(4)) + torch.cat([of_this, torch.ones(1)])
    clean = sums["clean"][2]
    return {
        name: dict(zip(MEASURES, (*(each[:2] / each[3]).tolist(), float(each[2] / clean)), strict=True))
        for name, each in sums.items()
    }


def roughness(values: Tensor) -> Tensor:
    """The mean distance between neighbours in a row or a column: [1, C, h, w] -> []."""
    distances = [values.diff(dim=dim).norm(dim=1).flatten() for dim in (2, 3)]
    return torch.cat(distances).mean()


if __name__ == "__main__":
    main()
