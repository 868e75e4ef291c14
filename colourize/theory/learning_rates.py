"""The final loss of finished runs against their learning rates: with and without the hypergradient."""

from collections import defaultdict
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from colourize import manifest
from colourize.errors import InputError
from colourize.targets import short_name
from colourize.theory import Study, figure

PLAIN = "Adam", "AdamW", "SGD", "SGDW", "RMSprop", "RMSpropW"


def study(runs: str) -> Study:
    """Reads every finished run below a folder, such as that of ``experiment=hypergradient``.

    Raises:
        InputError: no folder, or no finished run in it.
    """
    found = [manifest.read(file.parent) for file in sorted(Path(runs).expanduser().rglob(manifest.NAME))]
    finished = [said for said in found if said.get("status") == "finished"]
    if not finished:
        raise InputError(
            f"study.runs={runs} holds no finished run; pass the folder of a sweep, as colourize runs lists"
        )
    groups: dict[tuple[str, str, float], list[dict[str, float]]] = defaultdict(list)
    for said in finished:
        config = said["config"]
        groups[short_name(config["model"]), optimizer_name(config["optimizer"]), config["lr"]].append(said["metrics"])
    rows = [_row(*key, metrics) for key, metrics in sorted(groups.items())]
    failed = len(found) - len(finished)
    sentences = [f"{failed} of {len(found)} runs did not finish and are left out"] if failed else []
    return Study("Final loss against the first learning rate", rows, sentences, _figure(rows))


def optimizer_name(node: dict[str, Any]) -> str:
    """The optimizer in words: Hypergradient with its base, beta and rule."""
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
