"""Which boxes were found, missed or false: precision and recall by score, a confusion table, pictures to look at.

N pictures, K classes, n true boxes and m boxes found of a picture.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.ops import box_iou

from colourize.data.boxes.boxed import Boxed, Found
from colourize.evaluation.detection.matches import Matches
from colourize.present import boxes as drawing

OVERLAP = 0.5  # IoU from which a box found belongs to a true one
LEAST = 0.3  # score from which a box is shown and counted in the confusion table


class Curve(NamedTuple):
    """Precision and recall of the boxes with at least each score: float64 [D] each, best first."""

    scores: NDArray[np.float64]
    recall: NDArray[np.float64]
    precision: NDArray[np.float64]


def curve(found: Matches, threshold: int = 0) -> Curve:
    """Precision and recall of one class at a threshold of the IoU (0: 0.5); recall is NaN without true boxes."""
    kept = ~found.ignored[threshold]
    hits = np.cumsum(found.true[threshold][kept])
    total = found.positives.sum()
    recall = hits / total if total else np.full(len(hits), np.nan)
    return Curve(found.scores[kept], recall, hits / np.arange(1, len(hits) + 1))


def best_score(each: Curve) -> float:
    """The score with the highest F1 = 2 p r / (p + r); NaN without boxes found or true boxes."""
    if len(each.scores) == 0 or np.isnan(each.recall).any():
        return float("nan")
    total = each.precision + each.recall
    share = np.divide(2 * each.precision * each.recall, total, out=np.zeros_like(total), where=total > 0)
    return float(each.scores[share.argmax()])


def paired(true: Tensor, found: Tensor, overlap: float = OVERLAP) -> Tensor:
    """The true box of each box found, of any class: float [n, 4] and [m, 4] best first -> int64 [m], -1 for none.

    Each takes the free true box with the highest IoU, if that reaches ``overlap``.
    """
    result = torch.full((len(found),), -1)
    if len(true) == 0:
        return result
    ious = box_iou(found.double(), true.double())
    for row in range(len(found)):
        best = int(ious[row].argmax())
        if ious[row, best] >= overlap:
            result[row] = best
            ious[:, best] = -1
    return result


def confusion(truth: Boxed, found: Sequence[Found], least: float = LEAST) -> Tensor:
    """Counts of true classes (rows) by classes found (columns): int64 [K + 1, K + 1].

    The last row is boxes found where nothing is, the last column is true boxes that were not found. Boxes of any class
    are paired, so that a confused class is not a miss. Groups (``Boxed.crowds``) do not count.
    """
    size = len(truth.classes)
    table = torch.zeros(size + 1, size + 1, dtype=torch.int64)
    for index, each in enumerate(found):
        good = each.scores >= least
        pairs = paired(truth.boxes[index], each.boxes[good])
        labels, crowd = truth.labels[index], truth.crowd(index)
        for label, pair in zip(each.labels[good].tolist(), pairs.tolist(), strict=True):
            if pair < 0:
                table[size, label] += 1
            elif not crowd[pair]:
                table[int(labels[pair]), label] += 1
        for box in set(range(len(labels))) - set(pairs.tolist()):
            if not crowd[box]:
                table[int(labels[box]), size] += 1
    return table


def confusion_rows(truth: Boxed, table: Tensor) -> list[list[str]]:
    """The confusion table as text, with its headers."""
    header = ["true / found", *truth.classes, "missed"]
    names = [*truth.classes, "nothing there"]
    rows = [[name, *map(str, row)] for name, row in zip(names, table.tolist(), strict=True)]
    rows[-1][-1] = ""
    return [header, *rows]


def shown(truth: Boxed, index: int, found: Found, least: float = LEAST) -> NDArray[np.uint8]:
    """One picture with its boxes: green found, orange missed, red false; uint8 [H, W, 3]."""
    good = found.scores >= least
    boxes, labels, scores = found.boxes[good], found.labels[good].tolist(), found.scores[good].tolist()
    true, names = truth.labels[index].tolist(), truth.classes
    pairs = paired(truth.boxes[index], boxes).tolist()
    lines = []
    right = [pair >= 0 and true[pair] == label for pair, label in zip(pairs, labels, strict=True)]
    hit = {pair for pair, fits in zip(pairs, right, strict=True) if fits}
    for number, label in enumerate(true):
        if number not in hit and not truth.crowd(index)[number]:
            lines.append(drawing.Drawn(truth.boxes[index][number].tolist(), drawing.MISSED, names[label]))
    for box, label, score, fits in zip(boxes.tolist(), labels, scores, right, strict=True):
        colour = drawing.FOUND if fits else drawing.FALSE
        lines.append(drawing.Drawn(box, colour, f"{names[label]} {score:.2f}"))
    return drawing.drawn(truth.picture(index), lines)


def examples(truth: Boxed, found: Sequence[Found], count: int = 10, least: float = LEAST) -> NDArray[np.uint8]:
    """A sheet of evenly spaced pictures with their boxes: uint8 [H, W, 3]."""
    chosen = np.linspace(0, len(truth) - 1, min(count, len(truth))).astype(int).tolist()
    return drawing.sheet([shown(truth, index, found[index], least) for index in chosen])
