"""What runs are measured with: a yardstick for each of their palettes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from colourize.colour.decoding import Decoding
from colourize.data.labelled import labelled, prepared
from colourize.data.pictures import Pictures
from colourize.evaluation.yardstick import TABLE, Predictor, Yardstick
from colourize.model import Model


def yardsticks(
    config: dict[str, Any], pictures: Pictures, models: list[tuple[str, Model]], others: Sequence[Decoding]
) -> list[tuple[Yardstick, list[Predictor]]]:
    """One yardstick for each palette (and stride) among the runs, with its floors, its runs and its ceilings.

    Without models one for the palette of the configuration, whose pictures are given.
    """
    if not models:
        found = prepared(config, pictures)
        yardstick = Yardstick(pictures, found.train, found.validation, found.palette, found.space, config["cache_dir"])
        decoded = [yardstick.decoded(TABLE, yardstick.baseline(yardstick.table), other) for other in others]
        return [(yardstick, [*yardstick.floors(), *decoded, *yardstick.ceilings()])]
    palettes: list[list[tuple[str, Model]]] = []
    for name, model in models:
        alike = next((runs for runs in palettes if _same_labels(runs[0][1], model)), None)
        if alike is None:
            palettes.append([(name, model)])
        else:
            alike.append((name, model))
    result = []
    suffixes = _suffixes([(len(runs[0][1].palette), runs[0][1].space.name) for runs in palettes])
    for number, runs in enumerate(palettes):
        palette, space, stride = runs[0][1].palette, runs[0][1].space, runs[0][1].stride
        found = labelled(pictures, palette, config["cache_dir"], space, stride)
        yardstick = Yardstick(pictures, found.train, found.validation, palette, space, config["cache_dir"])
        predictors = yardstick.floors()
        for name, model in runs:
            predictors.append(yardstick.model(name, model))
            predictors += [yardstick.decoded(name, model, other) for other in others]
        predictors += yardstick.ceilings()
        if len(palettes) > 1:
            predictors = [replace(p, name=f"{p.name} ({suffixes[number]})", palette=1 + number) for p in predictors]
        result.append((yardstick, predictors))
    return result


def _suffixes(palettes: Sequence[tuple[int, str]]) -> list[str]:
    """Which palette is meant, by its number of colours and its space; with a number where others have both too."""
    counted, seen = Counter(palettes), Counter[tuple[int, str]]()
    suffixes = []
    for palette in palettes:
        seen[palette] += 1
        again = f", palette {seen[palette]}" if counted[palette] > 1 else ""
        suffixes.append("{} in {}".format(*palette) + again)
    return suffixes


def _same_labels(first: Model, second: Model) -> bool:
    same = first.space.name == second.space.name and first.stride == second.stride
    return same and torch.equal(first.palette, second.palette)
