"""Columns: values of each picture from which measures are computed.

N images, H height, W width, K colours.
"""

from collections.abc import Callable, Set

import torch
from torch import Tensor

from colourize.evaluation import metrics, quality

NUM_BINS = 15
REBALANCED = "auc_weighted", "auc_weight"
OF_PICTURES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "psnr": quality.psnr,
    "ssim": quality.ssim,
    "ciede2000": quality.ciede2000,
    "ab_error": quality.ab_error,
    "auc": quality.raw_accuracy,
    "colourfulness": lambda shown, _: quality.colourfulness(shown),
    "colourfulness_gap": lambda shown, true: (quality.colourfulness(shown) - quality.colourfulness(true)).abs(),
}


def of_pictures(shown: Tensor, true: Tensor, prior: Callable[[], Tensor], wanted: Set[str]) -> dict[str, Tensor]:
    """The columns in ``wanted`` of ``OF_PICTURES`` and ``REBALANCED``, [N] each.

    Args:
        shown: a predictor's pictures, [N, 3, H, W] in [0, 1].
        true: the true pictures, [N, 3, H, W] in [0, 1].
        prior: returns the prior [529] of ``quality.rebalanced_accuracy``; called only if it is needed.
        wanted: names of columns.
    """
    values = {name: of(shown, true) for name, of in OF_PICTURES.items() if name in wanted}
    if not wanted.isdisjoint(REBALANCED):
        both = zip(REBALANCED, quality.rebalanced_accuracy(shown, true, prior()), strict=True)
        values |= {name: column for name, column in both if name in wanted}
    return values


def of_classes(logits: Tensor | None, predicted: Tensor | None, labels: Tensor, wanted: Set[str]) -> dict[str, Tensor]:
    """The columns in ``wanted`` of "cross_entropy", "top1", "top5", [N] each, and "bins", [N, B, 3].

    Args:
        logits: [N, K, H, W]; None for a predictor without probabilities.
        predicted: classes of such a predictor, int64 [N, H, W]; None if it has none either.
        labels: true classes, int64 [N, H, W].
        wanted: names of columns.
    """
    if logits is None:
        if predicted is None or "top1" not in wanted:
            return {}
        return {"top1": predicted.eq(labels).float().mean((1, 2))}
    number = torch.where(logits.isnan().any(1), torch.nan, 1.0)  # a diverged network gets NaN instead of an accuracy
    values = {}
    if "cross_entropy" in wanted:
        values["cross_entropy"] = metrics.cross_entropy(logits, labels)
    if "top1" in wanted:
        values["top1"] = ((logits.argmax(1) == labels) * number).mean((1, 2))
    if "bins" in wanted:
        values["bins"] = metrics.calibration_bins(logits, labels, NUM_BINS)
    if "top5" in wanted and logits.shape[1] > 5:
        values["top5"] = metrics.top_k_accuracy(logits, labels, 5) * number.mean((1, 2))
    return values
