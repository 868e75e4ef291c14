"""Classification measures for each image. N images, H height, W width, K colours, B confidence bins.

Logits are [N, K, H, W] (log-probabilities also work), labels int64 [N, H, W]. Every measure is per image, [N], so that
`bootstrap` can resample images. If all images have one size, a mean over images is a mean over pixels.
"""

import math

import torch
from torch import Tensor, nn

from colourize.colour.lab import precise


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy in nats per pixel: [N, K, H, W], [N, H, W] -> [N] in [0, inf].

    -log softmax(logits)[label], averaged over the pixels of an image; inf where a label has probability 0.
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return nn.functional.cross_entropy(logits, labels, reduction="none").mean((1, 2))


def label_rank(logits: Tensor, labels: Tensor) -> Tensor:
    """Number of colours with a larger logit than the label: [N, K, H, W], [N, H, W] -> [N, H, W] int64 in 0 ... K.

    Ties count in the label's favour. A NaN counts as larger than the label, so a diverged network has the last rank.
    """
    own = logits.gather(1, labels[:, None])
    return logits.shape[1] - (logits <= own).sum(1)


def top_k_accuracy(logits: Tensor, labels: Tensor, k: int = 1) -> Tensor:
    """Share of pixels with their label among the k largest logits: [N, K, H, W], [N, H, W] -> [N] in [0, 1].

    Ties count in the label's favour (see `label_rank`). With k = 1 this is the accuracy of the arg-max if all logits
    differ, but 1 for constant logits; their `cross_entropy` is log K.
    """
    return (label_rank(logits, labels) < k).float().mean((1, 2))


def skill(model: Tensor | float, table: Tensor | float) -> Tensor:
    """Share of the look-up table's cross-entropy that the model removes, (table - model) / table: 2 x [...] -> [...].

    1 for the truth, 0 for the table itself, negative for a model worse than the table. NaN where the table's
    cross-entropy is 0 (nothing to remove) or infinite (a table without smoothing). For several images pass the means
    over images, or use `bootstrap.ratio`; a mean of the images' skills has no such meaning.
    """
    model, table = (torch.as_tensor(x, dtype=None if isinstance(x, Tensor) else torch.float64) for x in (model, table))
    return torch.where(table > 0, (table - model) / table, torch.nan)


def entropy(logits: Tensor) -> Tensor:
    """Entropy of each pixel's prediction in bits: [N, K, H, W] -> [N, H, W] in [0, log2 K].

    -sum_k p_k log2 p_k of p = softmax(logits) (Shannon 1948).
    """
    log_p = logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(1)
    return torch.special.entr(log_p.exp()).sum(1) / math.log(2)


def calibration_bins(logits: Tensor, labels: Tensor, num_bins: int = 15) -> Tensor:
    """Counts from which `ece` is computed: [N, K, H, W], [N, H, W] -> [N, B, 3] float64.

    Bin b of B = `num_bins` has the pixels with confidence (largest probability) in (b/B, (b+1)/B]. The last dimension
    is (number of pixels, sum of their confidences, number of pixels with the label as arg-max).
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    top, predicted = logits.max(1)
    confidence = (top - logits.logsumexp(1)).exp().flatten(1)
    edges = torch.arange(1, num_bins, device=top.device, dtype=top.dtype) / num_bins
    bins = torch.bucketize(confidence, edges)[:, :, None].expand(-1, -1, 3)
    correct = (predicted == labels).flatten(1)
    values = precise(torch.stack([torch.ones_like(confidence), confidence, correct.to(top.dtype)], 2))
    return values.new_zeros(len(logits), num_bins, 3).scatter_add_(1, bins, values)


def ece(bins: Tensor) -> Tensor:
    """Expected calibration error, sum_b |accuracy_b - confidence_b| count_b / count: [..., B, 3] -> [...] in [0, 1].

    Guo, Pleiss, Sun, Weinberger 2017, equation 3. Sum or average over images first,
    `ece(calibration_bins(...).sum(0))`, because the few pixels of one image overestimate the error. NaN without pixels.
    """
    count, confidence, correct = bins.unbind(-1)
    return (correct - confidence).abs().sum(-1) / count.sum(-1)
