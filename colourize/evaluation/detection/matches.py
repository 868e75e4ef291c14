"""Which boxes found are true, by pycocotools. N pictures, D boxes found of a class, T thresholds of the IoU.

The rules are those of COCO (cocodataset.org, "detection evaluation"): the best box first, each takes the true box of
its class with the highest IoU that no better one took, if the IoU reaches the threshold; at most 100 boxes of a picture
count. Boxes around groups (``Boxed.crowds``) are neither true nor false.
"""

import contextlib
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from colourize.data.boxes.boxed import Boxed, Found
from colourize.errors import InputError, to_install

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""IoU from which a box counts as found: AP is the mean over them, AP50 takes the first."""
MOST = 100  # boxes of a picture that count


class Matches(NamedTuple):
    """The boxes found of one class, best first, over all pictures.

    ``scores`` float64 [D], ``pictures`` int64 [D] the picture of each, ``true`` bool [T, D], ``ignored`` bool [T, D]
    for boxes on a group, ``positives`` float64 [N] the number of true boxes of each picture.
    """

    scores: NDArray[np.float64]
    pictures: NDArray[np.int64]
    true: NDArray[np.bool_]
    ignored: NDArray[np.bool_]
    positives: NDArray[np.float64]


def matches(truth: Boxed, found: Sequence[Found]) -> list[Matches]:
    """The matches of each class.

    Raises:
        InputError: pycocotools is not installed.
        ValueError: not one prediction for each picture.
    """
    if len(found) != len(truth):
        raise ValueError(f"found must contain one entry for each of {len(truth)} pictures, got {len(found)}")
    evaluated = _evaluated(truth, found)
    count = len(truth)
    return [_joined(evaluated[label * count : (label + 1) * count]) for label in range(len(truth.classes))]


def _joined(pictures: Sequence[dict[str, Any] | None]) -> Matches:
    """The results of one class for all pictures, sorted by score; equal scores keep the order of pictures."""
    present = [(index, each) for index, each in enumerate(pictures) if each is not None]
    scores = np.concatenate([np.zeros(0), *(each["dtScores"] for _, each in present)])
    order = np.argsort(-scores, kind="stable")
    none = np.zeros((len(THRESHOLDS), 0), bool)
    taken = np.concatenate([none, *(np.asarray(each["dtMatches"]) > 0 for _, each in present)], axis=1)
    ignored = np.concatenate([none, *(np.asarray(each["dtIgnore"]).astype(bool) for _, each in present)], axis=1)
    where = np.repeat([index for index, _ in present], [len(each["dtScores"]) for _, each in present])
    positives = np.zeros(len(pictures))
    for index, each in present:
        positives[index] = np.count_nonzero(np.asarray(each["gtIgnore"]) == 0)
    return Matches(scores[order], where.astype(np.int64)[order], taken[:, order], ignored[:, order], positives)


def _evaluated(truth: Boxed, found: Sequence[Found]) -> list[dict[str, Any] | None]:
    """The entries ``evalImgs`` of pycocotools: class by class, for each picture."""
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        raise InputError(f"the average precision requires pycocotools: {to_install('detection')}") from error
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
        true, detected = COCO(), COCO()
        true.dataset, detected.dataset = _truth(truth), _found(truth, found)
        true.createIndex()
        detected.createIndex()
        evaluation = COCOeval(true, detected, "bbox")
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.params.iouThrs, evaluation.params.maxDets = THRESHOLDS, [MOST]
        evaluation.evaluate()
    return evaluation.evalImgs


def _truth(truth: Boxed) -> dict[str, Any]:
    rows = [
        {"image_id": index, "category_id": int(label), "bbox": _sides(box), "iscrowd": int(crowd)}
        for index in range(len(truth))
        for box, label, crowd in zip(truth.boxes[index].tolist(), truth.labels[index], truth.crowd(index), strict=True)
    ]
    return _dataset(truth, rows)


def _found(truth: Boxed, found: Sequence[Found]) -> dict[str, Any]:
    rows = [
        {"image_id": index, "category_id": int(label), "bbox": _sides(box), "score": float(score), "iscrowd": 0}
        for index, each in enumerate(found)
        for box, score, label in zip(each.boxes.tolist(), each.scores, each.labels, strict=True)
    ]
    return _dataset(truth, rows)


def _dataset(truth: Boxed, rows: list[dict[str, Any]]) -> dict[str, Any]:
    numbered = [{**row, "id": number, "area": row["bbox"][2] * row["bbox"][3]} for number, row in enumerate(rows, 1)]
    return {
        "images": [{"id": index} for index in range(len(truth))],
        "categories": [{"id": label} for label in range(len(truth.classes))],
        "annotations": numbered,
    }


def _sides(box: Sequence[float]) -> list[float]:
    """x1, y1, x2, y2 as x, y, width, height."""
    x1, y1, x2, y2 = box
    return [x1, y1, x2 - x1, y2 - y1]
