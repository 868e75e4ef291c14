"""Figures of a preparation, as plain values for ``prepared.json`` and the page."""

import re
import shlex
import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from colourize.config.quoting import word
from colourize.data.preparation.examined import (
    DUPLICATE,
    GREY,
    KEPT,
    NARROW,
    NEAR_DUPLICATE,
    TINTED,
    TINY,
    UNREADABLE,
    Outcome,
)
from colourize.data.preparation.settings import NARROW as MOST_NARROW
from colourize.data.preparation.settings import Settings
from colourize.data.preparation.splits import SPLITS

FORMAT = 1  # of prepared.json
DROPPED = UNREADABLE, TINY, NARROW, GREY, TINTED, DUPLICATE, NEAR_DUPLICATE
"""Reasons, in the order of the checks."""


def rules(settings: Settings) -> dict[str, str]:
    """The rule of each reason, in words."""
    return {
        UNREADABLE: "cannot be read",
        TINY: f"a side below {settings.smallest} pixels",
        NARROW: f"one side more than {MOST_NARROW} times the other",
        GREY: f"almost no colour: 99 % of the pixels have a CIELAB chroma of {settings.chroma:g} or less",
        TINTED: "one hue for each lightness, as in a sepia scan",
        DUPLICATE: "the same file as another, byte for byte",
        NEAR_DUPLICATE: f"looks like another, or like its mirror image: at most {settings.distance} of 256 bits of the "
        "perceptual hash differ",
    }


TRAINED = 64  # pixels: picture side for a first training, which takes minutes on a CPU


def training_command(out: str | Path, side: int, source: str = "folder") -> str:
    """The command to train on prepared pictures with a shorter side of ``side`` pixels, quoted for a shell."""
    text = word("data.root", out)
    in_double_quotes = "'" in text and not re.search(r'[$`"\\!]', text)  # shlex would write '"'"' for each '
    typed = f'"{text}"' if in_double_quotes else shlex.quote(text)
    return f"python train.py data={source} {typed} image_size={min(side, TRAINED)} colour_space=lab"


def counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """The number of pictures dropped for each reason, including zeros."""
    found = Counter(each.state for each in outcomes)
    return {reason: found[reason] for reason in DROPPED}


def summary(outcomes: Sequence[Outcome], settings: Settings) -> dict[str, Any]:
    """Counts, splits with their classes, sizes and colours."""
    kept = [each for each in outcomes if each.state == KEPT]
    read = [each.file for each in outcomes if each.file.state not in (UNREADABLE, TINY, NARROW)]
    without = [file for file in read if file.state in (GREY, TINTED)]
    return {
        "files": len(outcomes),
        "kept": len(kept),
        "dropped": counts(outcomes),
        "share_without_colour": round(len(without) / len(read), 4) if read else None,
        "splits": {split: _split(kept, split) for split in SPLITS},
        "width": _spread([each.file.width for each in kept]),
        "height": _spread([each.file.height for each in kept]),
        "smaller_than_side": sum(min(each.file.width, each.file.height) < settings.side for each in kept),
        "colourfulness": _spread([each.file.colourfulness for each in kept]),
        "chroma": _spread([each.file.chroma for each in kept]),
    }


def _split(kept: Sequence[Outcome], split: str) -> dict[str, Any]:
    inside = [each.written.split("/")[1:] for each in kept if each.split == split]
    classes = Counter(parts[0] for parts in inside if len(parts) > 1)
    return {"pictures": len(inside), "classes": dict(sorted(classes.items()))}


def _spread(values: Sequence[float]) -> dict[str, float]:
    """Smallest, mean, median and largest value."""
    if not values:
        return {}
    return {
        "least": min(values),
        "mean": round(statistics.fmean(values), 2),
        "median": statistics.median(values),
        "most": max(values),
    }
