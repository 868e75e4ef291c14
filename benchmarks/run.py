"""Speed, measured side by side: python benchmarks/run.py [step guard labels start] [--json FILE].

Both sides of every ratio alternate within one run; what is printed is the median of the repeats, its quartiles, and the
median of the ratios of neighbours. Wants a machine that does nothing else.
"""

import argparse
import json
import logging
import platform
import statistics
import sys
from collections.abc import Callable, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

PACKAGES = "torch", "pytorch-lightning", "numpy"


def interleaved(contestants: dict[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each contestant, in turns: one turn to warm up, then ``repeats``."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(repeats + 1):
        for name, contestant in contestants.items():
            seconds = contestant()
            if turn:
                times[name].append(seconds)
    return times


def row(name: str, times: dict[str, list[float]], scale: float = 1.0, unit: str = "s") -> dict[str, Any]:
    """Median and quartiles of each contestant, and the first one's time as a multiple of each other's."""
    first, *others = times
    entry: dict[str, Any] = {"name": name, "unit": unit, "repeats": len(times[first])}
    for contestant, values in times.items():
        low, _, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
        entry[contestant] = {"median": scale * statistics.median(values), "quartiles": [scale * low, scale * high]}
    for other in others:
        ratios = [a / b for a, b in zip(times[first], times[other], strict=True)]
        entry[f"{first} / {other}"] = {"median": statistics.median(ratios), "range": [min(ratios), max(ratios)]}
    return entry


def told(entry: dict[str, Any]) -> str:
    parts = []
    for key, value in entry.items():
        if isinstance(value, dict) and "quartiles" in value:
            low, high = value["quartiles"]
            parts.append(f"{key} {value['median']:.4g} {entry['unit']} ({low:.4g} to {high:.4g})")
        elif isinstance(value, dict) and "range" in value:
            low, high = value["range"]
            parts.append(f"{key} = {value['median']:.3g} ({low:.3g} to {high:.3g})")
        elif key not in ("name", "unit", "repeats"):
            parts.append(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}")
    return f"{entry['name']}: " + "; ".join(parts)


def machine() -> dict[str, Any]:
    return {
        "date": str(date.today()), "processor": _processor(), "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(), **{name: version(name) for name in PACKAGES},
    }  # fmt: skip


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def main(arguments: Sequence[str] | None = None) -> None:
    from benchmarks import sections

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", help=f"some of {', '.join(sections.SECTIONS)}; all without a name")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures, with machine and versions")
    parser.add_argument("--pictures", metavar="DIR", help="real pictures, train/<class>/ and test/<class>/")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args(arguments)
    if unknown := set(given.sections) - sections.SECTIONS.keys():
        sys.exit(f"benchmarks: {', '.join(unknown)} is no section; pass some of {', '.join(sections.SECTIONS)}")
    for name in ("pytorch_lightning", "pytorch_lightning.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.WARNING)
    results: dict[str, Any] = {"machine": machine()}
    for name in given.sections or sections.SECTIONS:
        results[name] = []
        for entry in sections.SECTIONS[name](given.pictures, given.repeats):
            print(told(entry), flush=True)
            results[name].append(entry)
    if given.json is not None:
        given.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
