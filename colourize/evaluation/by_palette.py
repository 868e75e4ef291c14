"""Groups runs by palette, because each palette has its own floors and ceilings."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from colourize.colour.decoding import Decoding
from colourize.data.labelled import labelled, prepared
from colourize.data.pictures import Pictures
from colourize.evaluation.predictors import Predictor
from colourize.evaluation.yardstick import TABLE, Yardstick
from colourize.model import Model


def yardsticks(
    config: dict[str, Any], pictures: Pictures, models: list[tuple[str, Model]], others: Sequence[Decoding]
) -> list[tuple[Yardstick, list[Predictor]]]:
    """A yardstick for each palette and stride among the runs, with the predictors to measure: floors, runs, ceilings.

    Args:
        config: the resolved configuration of the pictures.
        pictures: those of the configuration.
        models: runs by name; without runs the palette of the configuration is used.
        others: additional decodings, besides the arg-max.
    """
    if not models:
        found = prepared(config, pictures)
        yardstick = Yardstick(pictures, found.train, found.validation, found.palette, found.space, config["cache_dir"])
        decoded = [yardstick.decoded(TABLE, yardstick.floor(yardstick.table), other) for other in others]
        return [(yardstick, [*yardstick.floors(), *decoded, *yardstick.ceilings()])]
    groups = _grouped(models)
    result = []
    names = suffixes([(len(runs[0][1].palette), runs[0][1].space.name) for runs in groups])
    for number, runs in enumerate(groups):
        palette, space, stride = runs[0][1].palette, runs[0][1].space, runs[0][1].stride
        found = labelled(pictures, palette, config["cache_dir"], space, stride)
        yardstick = Yardstick(pictures, found.train, found.validation, palette, space, config["cache_dir"])
        predictors = _predictors(yardstick, runs, others)
        if len(groups) > 1:
            predictors = [replace(p, name=f"{p.name} ({names[number]})", palette=1 + number) for p in predictors]
        result.append((yardstick, predictors))
    return result


def _grouped(models: Sequence[tuple[str, Model]]) -> list[list[tuple[str, Model]]]:
    """The runs of each palette and stride, in the order of their first run."""
    groups: list[list[tuple[str, Model]]] = []
    for name, model in models:
        group = next((runs for runs in groups if _same_labels(runs[0][1], model)), None)
        if group is None:
            groups.append([(name, model)])
        else:
            group.append((name, model))
    return groups


def _predictors(yardstick: Yardstick, runs: Sequence[tuple[str, Model]], others: Sequence[Decoding]) -> list[Predictor]:
    predictors = yardstick.floors()
    for name, model in runs:
        predictors.append(yardstick.model(name, model))
        predictors += [yardstick.decoded(name, model, other) for other in others]
    return predictors + yardstick.ceilings()


def suffixes(palettes: Sequence[tuple[int, str]]) -> list[str]:
    """A name for each palette: its number of colours and its space, and a number if several share both."""
    counted, seen = Counter(palettes), Counter[tuple[int, str]]()
    names = []
    for palette in palettes:
        seen[palette] += 1
        again = f", palette {seen[palette]}" if counted[palette] > 1 else ""
        names.append("{} in {}".format(*palette) + again)
    return names


def _same_labels(first: Model, second: Model) -> bool:
    same = first.space.name == second.space.name and first.stride == second.stride
    return same and torch.equal(first.palette, second.palette)
