"""Measures speed side by side: python benchmarks/run.py [SECTION ...] [NAME=VALUE ...] [--json FILE].

The contestants of a ratio alternate, each in its own process. Prints the median of the repeats, its quartiles, and the
median of the ratios of neighbouring turns. The machine must be otherwise idle.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the sections that the arguments name; without a name, all of them."""
    from benchmarks.report import line_of, machine
    from benchmarks.sections import FIXED, PHOTOGRAPHS, SECTIONS
    from colourize import files

    listed = "; ".join(f"{name}: {(section.__doc__ or '').partition('.')[0]}" for name, section in SECTIONS.items())
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="SECTION", help=f"default: all; {listed}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures, with machine and versions")
    parser.add_argument("--pictures", metavar="DIR", help="real pictures, train/<class>/ and test/<class>/")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args(arguments)
    names = [word for word in given.words if "=" not in word]
    overrides = [word for word in given.words if "=" in word]  # for colourize, such as accelerator=gpu
    if unknown := set(names) - SECTIONS.keys():
        sys.exit(f"benchmarks: unknown section {', '.join(unknown)}; pass some of {', '.join(SECTIONS)}")
    pictures = str(Path(given.pictures).expanduser().resolve()) if given.pictures else None
    if not pictures and (without := PHOTOGRAPHS & set(names)):
        sys.exit(f"benchmarks: {', '.join(without)} requires photographs; pass --pictures DIR")
    names = names or [name for name in SECTIONS if pictures or name not in PHOTOGRAPHS]
    results: dict[str, Any] = {"machine": machine(), "words": overrides}
    if given.repeats < 1:
        sys.exit(f"benchmarks: --repeats {given.repeats} must be >= 1")
    if overrides and (fixed := set(names) & FIXED):
        sys.exit(f"benchmarks: {', '.join(sorted(fixed))} take no {overrides[0]}; leave it out, or name other sections")
    if given.json is not None and not given.json.absolute().parent.is_dir():
        sys.exit(f"benchmarks: --json {given.json}: there is no folder {given.json.parent}; create it, or pass another")
    if given.json is not None and given.json.exists():  # so that sections of the same day and machine are in one file
        before = json.loads(given.json.read_text())
        results = before if results.items() <= before.items() else results
    for name in names:
        results[name] = []
        for entry in SECTIONS[name](pictures, given.repeats, overrides):
            print(line_of(entry), flush=True)
            results[name].append(entry)
        if given.json is not None:
            files.replace_text(given.json, json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
