"""The speeds of each landing, and what got slower by more than noise.

python benchmarks/history.py               # compares each speed's newest entry with the one before
python benchmarks/history.py --add FILE    # appends the speeds of a FILE of run.py to history.json

A speed is a ratio: the time of a reference over the time of ours, measured in alternating turns. Ratios of one machine
(processor and threads) are compared, never seconds, which depend on the day. Slower by more than noise means that
today's best turn is below the earlier one's worst.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

HISTORY = Path(__file__).with_name("history.json")
REFERENCES = {
    "plain loop", "limit", "bf16 limit", "numpy", "bare imports", "import torch", "step", "decode + network",
    "ImageFolder",
}  # fmt: skip
MACHINE = "processor", "threads", "gpu"


def speeds(results: Mapping[str, Any]) -> dict[str, list[float]]:
    """Median, lowest and highest turn of every ratio with a reference; higher is faster.

    Args:
        results: the figures of ``benchmarks/run.py --json``.
    """
    found = {}
    for row in (row for rows in results.values() if isinstance(rows, list) for row in rows if isinstance(row, dict)):
        for name, figures in row.items():
            if not isinstance(figures, dict) or "range" not in figures:
                continue
            first, _, second = name.partition(" / ")
            values = [figures["median"], *figures["range"]]
            if first in REFERENCES:
                found[f"{row['name']}: {second}"] = values
            elif second in REFERENCES:  # ours / reference: a fraction of the reference's speed
                median, low, high = values
                found[f"{row['name']}: {first}"] = [1 / median, 1 / high, 1 / low]
    return found


def entry(results: Mapping[str, Any]) -> dict[str, Any]:
    """One landing: the machine and versions, and the speeds, rounded to four digits."""
    rounded = {name: [float(f"{value:.4g}") for value in values] for name, values in speeds(results).items()}
    return {**results["machine"], "speeds": rounded}


def compared(history: Sequence[Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Each speed that was measured twice on one machine, with the entry before its newest and the newest."""
    pairs: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for landing in history:
        machine = tuple(landing.get(part) for part in MACHINE)
        for name in landing["speeds"]:
            pairs.setdefault((name, *machine), []).append(landing)
    return [(key[0], *landings[-2:]) for key, landings in pairs.items() if len(landings) > 1]


def slower(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each speed whose highest turn is below the lowest turn of the entry before."""
    lines = []
    for name, before, after in compared(history):
        (old, low, _), (new, _, high) = before["speeds"][name], after["speeds"][name]
        if high < low:
            lines.append(f"slower: {name}: {old:.3g} on {before['date']}, {new:.3g} on {after['date']}")
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Appends a landing, or prints what got slower."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--add", type=Path, metavar="FILE", help="figures of benchmarks/run.py --json")
    parser.add_argument(
        "--history", type=Path, default=HISTORY, metavar="FILE", help="default: benchmarks/history.json"
    )
    given = parser.parse_args(arguments)
    try:
        history = json.loads(given.history.read_text()) if given.history.exists() else []
        if given.add is not None:
            added = entry(json.loads(given.add.read_text()))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ZeroDivisionError) as error:
        sys.exit(f"benchmarks: {given.add or given.history} cannot be read ({error}); pass a file of benchmarks/run.py")
    if given.add is not None:
        from colourize import files

        history.append(added)
        files.replace_text(given.history, json.dumps(history, indent=1) + "\n")
    lines = slower(history)
    print("\n".join([*lines, f"{len(compared(history))} speeds were measured twice; {len(lines)} are slower"]))


if __name__ == "__main__":
    main()
