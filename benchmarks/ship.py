"""Exports a network to colourize/weights, evaluates it, and writes its figures as JSON and as a model card.

python benchmarks/ship.py CHECKPOINT --test DIR --kodak DIR --classes CSV data.root=DIR

CHECKPOINT is a run, a checkpoint, or ``shipped`` to evaluate the current network. DIR of --test contains the folders
varied, objects and scenes; data.root is the folder of training photographs, to which the floors are fitted. The card's
text about limits, data and licence is not changed: check it by hand.
"""

import argparse
import datetime
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from colourize.evaluation import photograph_floors
from colourize.evaluation.inputs import load
from colourize.evaluation.photograph_floors import PLACE, SEPIA, TABLE
from colourize.evaluation.photograph_table import floors_of, judge
from colourize.evaluation.photograph_text import as_json
from colourize.evaluation.recognition import CLASSIFIER
from colourize.files import replace_text
from colourize.present.tables import as_markdown
from colourize.runs import shipped

WEIGHTS = shipped.FOLDER / "photographs.safetensors"
FIGURES, CARD = WEIGHTS.with_suffix(".json"), WEIGHTS.with_suffix(".md")
SEEN = 128  # pixels of the shorter side that the network sees of larger photographs, as in ``colourize photo``
SETS: dict[str, tuple[str, int, bool]] = {  # folder, shorter side in pixels, whether centre squares
    "varied, squares of 128 pixels": ("varied", 128, True),
    "varied, shorter side 256 pixels": ("varied", 256, False),
    "objects, shorter side 128 pixels": ("objects", 128, False),
    "scenes, shorter side 128 pixels": ("scenes", 128, False),
    "Kodak's, shorter side 128 pixels": ("", 128, False),
    "Kodak's, shorter side 256 pixels": ("", 256, False),
}


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", metavar="CHECKPOINT")
    parser.add_argument("--test", type=Path, required=True, metavar="DIR")
    parser.add_argument("--kodak", type=Path, required=True, metavar="DIR")
    parser.add_argument("--classes", type=Path, metavar="CSV", help="ImageNet classes of the varied photographs")
    parser.add_argument(
        "--frechet", action="store_true", help="also Fréchet distances of the varied photographs: minutes"
    )
    parser.add_argument("--size", type=int, choices=(128, 256), help="measure only the sets of this size")
    parser.add_argument("overrides", nargs="*", metavar="NAME=VALUE", help="data.root=DIR, cache_dir=DIR")
    given = parser.parse_intermixed_args()
    head = None if given.checkpoint == shipped.NAME else exported(given.checkpoint, given.overrides)
    figures = measured(given)
    replace_text(FIGURES, json.dumps(figures, indent=1, allow_nan=False) + "\n")
    replace_text(CARD, card(CARD.read_text(), figures, head))


def exported(checkpoint: str, overrides: list[str]) -> str:
    """Writes the weights in float16; returns the export's own card."""
    command = [sys.executable, "-m", "colourize", "export", checkpoint, *overrides, "-o", str(WEIGHTS), "--half"]
    subprocess.run(command, check=True)
    beside = WEIGHTS.with_name(f"{WEIGHTS.name}.md")
    page = beside.read_text()
    beside.unlink()
    return page


def measured(given: argparse.Namespace) -> dict[str, Any]:
    """The figures of the shipped network on every set. Fits its floors if overrides name the training photographs."""
    (trained,) = load([WEIGHTS])
    model = trained.model
    if given.overrides and (fitted := floors_of(trained, given.overrides)) is not None:
        photograph_floors.write(shipped.floors(), fitted, model.palette)
    floors = photograph_floors.read(shipped.floors(), model.palette)
    sets = {}
    for name, (folder, size, cut) in SETS.items():
        if given.size not in (None, size):
            continue
        varied, pictures = folder == "varied", given.test / folder if folder else given.kodak
        asked = given.classes if varied and not cut else None
        seen = SEEN if size > SEEN else None
        sets[name] = as_json(judge(model, pictures, size, cut, floors, asked, varied and given.frechet, seen))
        print(f"{name}: {sets[name]['db_above_grey']:+.2f} dB above the grey", flush=True)
    return {"weights": digest(), "date": f"{datetime.date.today()}", "sets": sets}


def digest() -> str:
    """SHA-256 of the shipped weights."""
    return hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()


def card(page: str, figures: dict[str, Any], head: str | None = None) -> str:
    """Replaces the figures in the card, and its first part by that of another card, if given."""
    first, rest = page.split("\n## Figures\n")
    if head is not None:
        first = head.split("\n## Figures\n")[0]
    limits = rest.partition("\n## Limits\n")[2]
    return f"{first}\n## Figures\n\n{section(figures)}\n## Limits\n{limits}"


def section(figures: dict[str, Any]) -> str:
    """The card's section on figures, in Markdown."""
    sets = figures["sets"]
    worse = [name for name, each in sets.items() if each["db_above_grey"] < 0]
    parts = [
        f"`colourize evaluate shipped --photographs`, {figures['date']}, on photographs that were in no training set; "
        "what each word means: docs/studies/photographs.md. PSNR is that of the mean of the classes. Colourfulness\n"
        "ratios are shares of the truth's, where PSNR has fallen to the grey's: by temperature, by saturation.\n"
        f"Of larger photographs the network sees a copy with a shorter side of {SEEN} pixels, as in `colourize photo`.",
        as_markdown(_summary(sets)),
        *([f"**It is worse than the untouched grey on: {'; '.join(worse)}.**"] if worse else []),
        "Predictors without a network, PSNR in dB of their mean colours:",
        as_markdown(_floors(sets)),
        "Error of the chroma, (a, b) of CIELAB, over all pixels and over the tenth with the steepest lightness:",
        as_markdown(_errors(sets)),
        *_classifier(sets),
    ]
    return "\n\n".join(parts) + "\n"


def _summary(sets: dict[str, Any]) -> list[list[str]]:
    rows = [
        [
            f"{each['photographs']} {name}",
            f"{each['grey_psnr']:.2f}",
            f"{each['grey_psnr'] + each['db_above_grey']:.2f}",
            f"{each['db_above_grey']:+.2f}",
            f"{each['colourfulness_ratio_at_grey_psnr']:.2f}, "
            f"{each['colourfulness_ratio_at_grey_psnr_by_saturation']:.2f}",
            f"{each['skills'][TABLE]:.3f}",
            f"{each['skills'][PLACE]:.3f}",
            f"{100 * each['calibration_error']:.1f}",
        ]
        for name, each in sets.items()
    ]
    header = ["photographs", "grey, dB", "network, dB", "above", "colourfulness ratios", f"skill over {TABLE}"]
    return [[*header, f"over {PLACE}", "calibration error, %"], *rows]


def _floors(sets: dict[str, Any]) -> list[list[str]]:
    names = SEPIA, TABLE, PLACE
    rows = [[name, *(f"{each['floors'][floor]['psnr']:.2f}" for floor in names)] for name, each in sets.items()]
    return [["photographs", *names], *rows]


def _errors(sets: dict[str, Any]) -> list[list[str]]:
    rows = [
        [
            name,
            *(
                f"{each['errors'][key]['all']:.1f} / {each['errors'][key]['edges']:.1f}"
                for key in ("grey", "mean", "blocks")
            ),
        ]
        for name, each in sets.items()
    ]
    return [["photographs", "grey", "network", "true means of its blocks"], *rows]


def _classifier(sets: dict[str, Any]) -> list[str]:
    """Sentences about the Fréchet distances and a classifier's accuracy."""
    sentences = []
    for name, each in sets.items():
        if found := each.get("frechet"):
            values = ", ".join(f"{key} {value:.1f}" for key, value in found.items())
            sentences.append(f"Fréchet distance on features of {CLASSIFIER} (not FID), {name}: {values}.")
        if found := each.get("recognised"):
            colour, grey, coloured = (f"{100 * found[key]:.1f} %" for key in ("colour", "grey", "coloured"))
            sentences.append(
                f"{CLASSIFIER} recognises {colour} of the photographs ({name}) in colour, {grey} in grey, {coloured} "
                f"coloured by this network: {100 * found['given_back']:.0f} % of the loss is recovered."
            )
    return sentences


if __name__ == "__main__":
    main()
