"""Projects training on many GPUs from a step on one: python benchmarks/costs.py --step 0.012 --batch 256 ...

W ranks each compute a step of `batch` pictures, average their gradients in a ring, and read their pictures. The model:

    all-reduce(W) = 2 (W - 1) latency + 2 (W - 1) / W * bytes / bandwidth   [Patarasuk, Yuan 2009, "Bandwidth optimal"]
    step(W)       = max(step(1) + (1 - overlap) all-reduce(W), batch / reader)
    epoch(W)      = ceil(pictures / (W batch)) step(W)
    price(W)      = epoch(W) / 3600 * W * price

It prints a projection from the given numbers, not a measurement. With --fit it first prints what the measured
figures in benchmarks/results/scaling.json say about this machine.
"""

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

sys.path.insert(0, str(Path(__file__).parent.parent))
from benchmarks.pages import tables

MEASURED = Path(__file__).parent / "results/scaling.json"
SUFFIXES = {"k": 1e3, "M": 1e6, "G": 1e9, "B": 1e9}


@dataclass(frozen=True)
class Costs:
    """What one rank takes, and what lies between ranks.

    Args:
        step: seconds of a step on one rank, without a sum over ranks.
        batch: pictures of that step.
        gradients: bytes that the ranks sum.
        bandwidth: bytes a second through the slowest link of the ring, in each direction.
        latency: seconds of a message.
        overlap: share of the all-reduce that the backward pass hides, 0 to 1.
        reader: pictures a second that a rank can read.
        price: of a rank's hour, in any currency.
    """

    step: float
    batch: int
    gradients: float
    bandwidth: float
    latency: float = 0.0
    overlap: float = 0.0
    reader: float = math.inf
    price: float = 0.0


def all_reduce(ranks: int, size: float, bandwidth: float, latency: float = 0.0) -> float:
    """Seconds of a ring all-reduce of ``size`` bytes: each rank sends 2 (W - 1) messages of size / W bytes."""
    return 2 * (ranks - 1) * (latency + size / ranks / bandwidth)


def step_seconds(costs: Costs, ranks: int) -> float:
    """Seconds of a step of all ranks; reading goes on beside it."""
    reduce = all_reduce(ranks, costs.gradients, costs.bandwidth, costs.latency)
    return max(costs.step + (1 - costs.overlap) * reduce, costs.batch / costs.reader)


def epoch_seconds(costs: Costs, ranks: int, pictures: float) -> float:
    """Seconds of an epoch."""
    return math.ceil(pictures / (ranks * costs.batch)) * step_seconds(costs, ranks)


def epoch_price(costs: Costs, ranks: int, pictures: float) -> float:
    """The price of an epoch."""
    return epoch_seconds(costs, ranks, pictures) / 3600 * ranks * costs.price


def efficiency(costs: Costs, ranks: int) -> float:
    """Pictures a second of each rank, against one rank alone."""
    return step_seconds(costs, 1) / step_seconds(costs, ranks)


@dataclass(frozen=True)
class Fitted:
    """Least squares over measured steps: seconds of a step by network, and of what lies between the ranks."""

    steps: dict[str, float]
    latency: float
    bandwidth: float
    residual: float  # the largest deviation of a measured step, as a share of it


def fitted(rows: Sequence[Mapping[str, Any]]) -> Fitted:
    """Fits step(1) of each network, latency and 1 / bandwidth, all >= 0, to measured steps on any numbers of ranks.

    Args:
        rows: ``name`` of the network, ``ranks``, ``bytes`` of its gradients, median ``seconds`` of a step.

    Raises:
        ValueError: fewer than two sizes on more than one rank: latency and bandwidth cannot be told apart.
    """
    names = list(dict.fromkeys(row["name"] for row in rows))
    if len({row["bytes"] for row in rows if row["ranks"] > 1}) < 2:
        raise ValueError("a fit requires two networks of different size on two ranks or more")
    matrix = np.zeros((len(rows), len(names) + 2))
    for at, row in enumerate(rows):
        matrix[at, names.index(row["name"])] = 1
        matrix[at, -2] = all_reduce(row["ranks"], 0, 1, 1)
        matrix[at, -1] = all_reduce(row["ranks"], row["bytes"], 1)
    seconds = np.array([row["seconds"] for row in rows])
    scale = np.abs(matrix).max(axis=0)
    found = nnls(matrix / seconds[:, None] / scale, np.ones(len(rows)))[0] / scale  # relative deviations
    deviations = np.abs(matrix @ found / seconds - 1)
    bandwidth = 1 / found[-1] if found[-1] else math.inf
    return Fitted(dict(zip(names, found, strict=False)), float(found[-2]), float(bandwidth), float(deviations.max()))


def table(costs: Costs, ranks: Sequence[int], pictures: float) -> str:
    """The projection in Markdown."""
    lines = [
        "| GPUs | all-reduce (ms) | step (ms) | pictures/s | efficiency | epoch | price of an epoch |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for count in ranks:
        reduce = all_reduce(count, costs.gradients, costs.bandwidth, costs.latency)
        step = step_seconds(costs, count)
        cells = [
            f"{count:,}",
            f"{1000 * reduce:.2f}",
            f"{1000 * step:.2f}",
            f"{count * costs.batch / step:,.0f}",
            f"{100 * efficiency(costs, count):.0f} %",
            _duration(epoch_seconds(costs, count, pictures)),
            f"{epoch_price(costs, count, pictures):,.2f}" if costs.price else "-",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def assumptions(costs: Costs, pictures: float) -> str:
    """The assumptions of a projection, in a sentence."""
    reader = "reading never waits" if math.isinf(costs.reader) else f"a rank reads {costs.reader:,.0f} pictures/s"
    hidden = f"{100 * costs.overlap:.0f} % of the all-reduce is hidden" if costs.overlap else "nothing of it is hidden"
    price = f"; {costs.price:g} for a GPU's hour" if costs.price else ""
    return (
        f"Projection, not measured. Assumed: {1000 * costs.step:g} ms for a step of {costs.batch:,} pictures on a GPU, "
        f"{costs.gradients / 1e6:,.1f} MB of gradients, {costs.bandwidth / 1e9:g} GB/s and {1e6 * costs.latency:g} µs "
        f"between ranks in a ring, {hidden}; {reader}; {pictures:,.0f} pictures{price}."
    )


def measured_lines(results: Mapping[str, Any]) -> list[str]:
    """A table of the measured steps, their fit in a sentence, and tables of the other sections."""
    rows = results["ranks"]
    lines = [
        "| network | MB of gradients | 1 rank (ms) | 2 ranks (ms) | pictures/s, 2 ranks / 1 |",
        "|---|--:|--:|--:|--:|",
    ]
    for name in dict.fromkeys(row["name"] for row in rows):
        one, two = (next(r for r in rows if (r["name"], r["ranks"]) == (name, count)) for count in (1, 2))
        gains = sorted(2 * a / b for a, b in zip(one["turns"], two["turns"], strict=True))
        gain = f"{gains[len(gains) // 2]:.2f} ({gains[0]:.2f} to {gains[-1]:.2f})"
        seconds = (f"{1000 * row['seconds']:.1f}" for row in (one, two))
        lines.append(f"| {name} | {one['bytes'] / 1e6:.2f} | {' | '.join(seconds)} | {gain} |")
    found = fitted(rows)
    speed = "not limiting" if math.isinf(found.bandwidth) else f"{found.bandwidth / 1e9:.2f} GB/s"
    text = (
        f"Least squares: {1e6 * found.latency:,.0f} µs for a message, bandwidth {speed}; the largest deviation of a "
        f"measured step is {100 * found.residual:.0f} %."
    )
    others = (results.get(name, ()) for name in ("nodes", "raylets", "store", "shards"))
    return ["\n".join(lines), text, *(table for rows in others for table in tables(rows))]


def number(text: str) -> float:
    """A positive number, such as 31M, 100e6 or 0.012."""
    try:
        value = float(text[:-1]) * SUFFIXES[text[-1]] if text[-1:] in SUFFIXES else float(text)
    except ValueError:
        value = math.nan
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"must be a number > 0, such as 31M or 0.012, got {text}")
    return value


def counts(text: str) -> list[int]:
    """Numbers of GPUs: 8,64,512."""
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 1:
        raise argparse.ArgumentTypeError(f"must be whole numbers >= 1, such as 8,64,512, got {text}")
    return found


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be from 0 to 1, got {text}")
    return value


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the fit, the projection, or both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true", help="print the measured figures and their fit")
    parser.add_argument("--step", type=number, metavar="S", help="seconds of a step on one of your GPUs")
    parser.add_argument("--weights", type=number, metavar="N", help="trained weights, such as 31M")
    parser.add_argument(
        "--bytes", type=number, default=4, metavar="B", help="bytes of a gradient (default: 4, float32)"
    )
    parser.add_argument("--batch", type=number, metavar="N", help="pictures of that step")
    parser.add_argument("--bandwidth", type=number, metavar="GB/S", help="of the slowest link between ranks")
    parser.add_argument("--latency", type=float, default=0, metavar="US", help="microseconds of a message (default: 0)")
    parser.add_argument("--overlap", type=share, default=0, metavar="X", help="hidden share of the sums (default: 0)")
    parser.add_argument("--reader", type=number, default=math.inf, metavar="N", help="pictures/s a rank can read")
    parser.add_argument("--price", type=float, default=0, metavar="P", help="of a GPU's hour")
    parser.add_argument("--gpus", type=counts, default=[1, 8, 64, 512], help="default: 1,8,64,512")
    parser.add_argument("--pictures", type=number, default=100e6, metavar="N", help="of an epoch (default: 100e6)")
    given = parser.parse_args(arguments)
    needed = [name for name in ("step", "weights", "batch", "bandwidth") if getattr(given, name) is None]
    if needed and not (given.fit and len(needed) == 4):
        sys.exit(f"costs: pass --{' --'.join(needed)}: your own numbers; there are no defaults for them")
    if given.latency < 0 or given.price < 0:
        sys.exit("costs: --latency and --price must be >= 0")
    if given.fit:
        if not MEASURED.is_file():
            sys.exit(f"costs: {MEASURED} is missing; measure it with python benchmarks/scaling.py ranks")
        print(*measured_lines(json.loads(MEASURED.read_text())), sep="\n\n")
    if not needed:
        costs = Costs(
            given.step, int(given.batch), given.weights * given.bytes, given.bandwidth * 1e9, given.latency / 1e6,
            given.overlap, given.reader, given.price,
        )  # fmt: skip
        print(assumptions(costs, given.pictures), table(costs, given.gpus, given.pictures), sep="\n\n")


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


if __name__ == "__main__":
    main()
