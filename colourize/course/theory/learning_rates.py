"""The final loss of finished runs against their learning rates, with and without the hypergradient."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from colourize.config.compare import comparable
from colourize.config.instantiate import short_name
from colourize.course.theory import Demo, figure
from colourize.errors import InputError
from colourize.present.terminal import cleaned
from colourize.runs import manifest
from colourize.runs.apart import effective
from colourize.runs.whole import is_finite, is_whole

MEASURES = "val/loss", "train/loss", "lr"
REPEATED = "seed", "lr", "optimizer.lr"  # the runs of a row, and its column
PLAIN = "Adam", "AdamW", "SGD", "SGDW", "RMSprop", "RMSpropW"


def demo(runs: str) -> Demo:
    """Reads the finished runs below a folder, such as that of ``experiment=hypergradient``, and averages over seeds.

    Raises:
        InputError: there is no folder, or no finished run in it.
    """
    found = [cleaned(manifest.read(file.parent)) for file in sorted(Path(runs).expanduser().rglob(manifest.NAME))]
    finished = [read for read in found if read.get("status") == "finished" and _is_complete(read)]
    if not finished:
        raise InputError(
            f"demo.runs={runs} contains no finished run; pass the folder of a sweep, for example from colourize runs"
        )
    groups: dict[tuple[str, str, float], list[dict[str, float]]] = defaultdict(list)
    configs = [read["config"] for read in finished]
    for read, (model, optimizer) in zip(finished, names(configs), strict=True):
        groups[model, optimizer, read["config"]["optimizer"]["lr"]].append(read["metrics"])
    rows = [_row(*key, metrics) for key, metrics in sorted(groups.items())]
    failed = len(found) - len(finished)
    sentences = [f"{failed} of {len(found)} runs did not finish and are left out"] if failed else []
    return Demo("Final loss against the first learning rate", rows, sentences, _figure(rows))


def _is_complete(read: dict[str, Any]) -> bool:
    """Whether a manifest contains all values of a row."""
    config, metrics = read.get("config", {}), read.get("metrics", {})
    if not is_whole(config):
        return False
    numbers = [config["optimizer"].get("lr"), *(metrics.get(name) for name in MEASURES)]
    return all(map(manifest.is_number, numbers)) and is_finite(numbers)


def names(configs: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Network and optimizer of each run, with the other values in which the runs differ, except seed and rate."""
    parts = [(short_name(config["model"]), optimizer_name(config["optimizer"])) for config in configs]
    flat = [{key: str(value) for key, value in effective(comparable(config)).items() if key not in REPEATED}
            for config in configs]  # fmt: skip
    found = []
    for pair, own in zip(parts, flat, strict=True):
        same = [other for other, name in zip(flat, parts, strict=True) if name == pair]
        differing = {key.rpartition(".")[2]: value for key, value in own.items()
                     if any(other.get(key) != value for other in same)}  # fmt: skip
        found.append((", ".join([pair[0], *(f"{key} {value}" for key, value in differing.items())]), pair[1]))
    return found


def optimizer_name(node: dict[str, Any]) -> str:
    """The optimizer's name; for Hypergradient also its base, beta and rule."""
    name = short_name(node)
    if name in PLAIN:
        return name
    rule = ", multiplicative" if node.get("multiplicative") else ""
    return f"{name} ({node.get('base')}, beta {node.get('hyper_lr')}{rule})"


def _row(model: str, optimizer: str, lr: float, metrics: list[dict[str, float]]) -> dict[str, Any]:
    losses = [each["val/loss"] for each in metrics]
    return {
        "model": model,
        "optimizer": optimizer,
        "first lr": lr,
        "lr of the last epoch": fmean(each["lr"] for each in metrics),
        "training loss": fmean(each["train/loss"] for each in metrics),
        "validation loss": fmean(losses),
        "sd": stdev(losses) if len(losses) > 1 else None,
        "runs": len(losses),
    }


def _figure(rows: list[dict[str, Any]]) -> Any:
    made = figure("Final validation loss against the first learning rate")
    axis = made.subplots()
    for line in sorted({(row["model"], row["optimizer"]) for row in rows}):
        chosen = [row for row in rows if (row["model"], row["optimizer"]) == line]
        rates, losses = [row["first lr"] for row in chosen], [row["validation loss"] for row in chosen]
        axis.errorbar(rates, losses, [row["sd"] or 0 for row in chosen], marker="o", capsize=3, label="\n".join(line))
    axis.set(xlabel="first learning rate", ylabel="validation loss (nats/pixel)", xscale="log")
    axis.grid(alpha=0.3)
    made.legend(fontsize=8, loc="outside right center")
    return made
