"""Prints the tables of docs/speed.md from the measured figures: python benchmarks/pages.py FILE."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

NETWORKS = {"convtranspose": "ConvTransposeNet", "unet": "UNet", "poolupsample": "PoolUpsampleNet"}
RATIOS = {
    "a step: plain loop / colourize": ("step", "step, {}", "plain loop / colourize"),
    "with `precision=bf16-mixed`": ("step", "step, {}", "plain loop / bf16"),
    "to the loss of the plain loop's 25 epochs: plain loop / `experiment=speedrun`": (
        "result", "time to the result, {}", "plain loop / speedrun",
    ),
}  # fmt: skip
"""Rows of the page's first table: section, row and ratio."""


def summary(results: Mapping[str, Any]) -> str:
    """The page's first table: medians of ratios with their ranges."""
    lines = [f"| | {' | '.join(NETWORKS.values())} |", "|---|--:|--:|--:|"]
    for title, (section, row, ratio) in RATIOS.items():
        cells = [_cell(_named(results[section], row.format(network))[ratio]) for network in NETWORKS]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def tables(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A section's rows in Markdown: one table for all rows with the same columns."""
    kinds: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        kinds.setdefault(tuple(key for key in row if key not in ("name", "unit", "repeats", "losses")), []).append(row)
    return [_table(columns, alike) for columns, alike in kinds.items()]


def _table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    head = [f"| | {' | '.join(columns)} |", "|---|" + "--:|" * len(columns)]
    return "\n".join(
        [*head, *(f"| {_title(row)} | {' | '.join(_cell(row[key]) for key in columns)} |" for row in rows)]
    )


def _title(row: Mapping[str, Any]) -> str:
    return f"{row['name']} ({row['unit']})"


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}".rstrip(".")
    low, high = value.get("quartiles") or value["range"]
    return f"{_cell(value['median'])} ({_cell(low)} to {_cell(high)})"


def _named(rows: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return next(row for row in rows if row["name"] == name)


def main() -> None:
    """Prints the tables of a file of figures."""
    found = json.loads(Path(sys.argv[1]).read_text())
    print(summary(found))
    for name, rows in found.items():
        if name not in ("machine", "words"):
            print("", *tables(rows), sep="\n\n")


if __name__ == "__main__":
    main()
