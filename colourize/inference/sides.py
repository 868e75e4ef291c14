"""Runs an exported graph on pictures of any size: pads them before, then checks and crops the scores.

N pictures, C channels, K colours, H height, W width, s stride of the scores.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from colourize.errors import InputError, one_line
from colourize.inference.predictor import Card, Floats

CHANNELS = 5  # of a network with hints: grey, and four from ``colour.hints``


def scored(run: Callable[[Floats], Any], grey: Floats, card: Card) -> Floats:
    """Scores of pictures from a graph of a file: [N, 1, H, W] or, with hints, [N, 5, H, W] ->
    [N, K, ceil(H/s), ceil(W/s)].

    Args:
        run: the graph: [N, C, H', W'] -> [N, K, H'/s, W'/s], for multiples H' and W'; C is 5 with hints, else 1.
        grey: float32 in [0, 255/256].
        card: of the network.

    Raises:
        ValueError: the graph does not give scores.
    """
    full = padded(grey, card.multiple)
    if card.hints and full.shape[1] == 1:
        full = np.pad(full, ((0, 0), (0, CHANNELS - 1), (0, 0), (0, 0)))
    scores = np.asarray(run(full))
    if scores.ndim != 4 or scores.dtype != np.float32 or scores.shape[:2] != (len(grey), len(card.palette)):
        raise ValueError(f"it gives {scores.dtype} {list(scores.shape)} instead of scores")
    return cropped(scores, full.shape[2:], grey.shape[2:])


def scored_by_file(run: Callable[[Floats], Any], grey: Floats, card: Card, path: Path) -> Floats:
    """``scored`` for the graph of an exported file.

    Raises:
        InputError: the graph fails or does not give scores.
    """
    try:
        return scored(run, grey, card)
    except Exception as error:  # onnxruntime and OpenVINO raise a dozen kinds, few of which are public
        raise InputError(f"{path}: its network fails ({one_line(error)[:200]}); export it again") from error


def padded(grey: Floats, multiple: int) -> Floats:
    """Repeats the last row and column until both sides are multiples: [N, C, H, W] -> [N, C, H', W'].

    As ``models.blocks.padded``, in numpy.
    """
    below, right = (-side % multiple for side in grey.shape[2:])
    return np.pad(grey, ((0, 0), (0, 0), (0, below), (0, right)), mode="edge") if below or right else grey


def cropped(logits: Floats, padded: tuple[int, ...], wanted: tuple[int, ...]) -> Floats:
    """The scores without the padding: [N, K, H'/s, W'/s] -> [N, K, ceil(H/s), ceil(W/s)].

    Args:
        logits: of padded pictures.
        padded: H' and W'.
        wanted: H and W.

    Raises:
        ValueError: H' and W' are not the same whole multiple of the sides of the scores.
    """
    stride = padded[0] // max(1, logits.shape[2])
    if stride < 1 or (logits.shape[2] * stride, logits.shape[3] * stride) != tuple(padded):
        raise ValueError(f"it gives {logits.shape[2]} x {logits.shape[3]} scores for {padded[0]} x {padded[1]} pixels")
    height, width = (-(-side // stride) for side in wanted)
    return logits[:, :, :height, :width]
