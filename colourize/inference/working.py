"""Prepares the network's input: scales the picture to the working size and pads it to whole blocks.

H, W pixels; h, w working pixels.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colourize.errors import InputError
from colourize.inference import space
from colourize.inference.decoded import network_input
from colourize.inference.predictor import Card, Predictor
from colourize.inference.space import Floats, Levels

LONGEST = 8  # limit of the longer side, in working sizes: otherwise a 1 x 5000 picture would take gigabytes
LEAST, MOST = 8, 8192  # working size in pixels
BATCH = 1 << 17  # working pixels of a batch: larger batches are not faster on a CPU (docs/photographs.md)


class Seen(NamedTuple):
    """The network's input before its conversion to lightness.

    Attributes:
        grey: sRGB values in [0, 1], padded, float32 [h, w].
        content: height and width without the padding.
        size: height and width of the full picture.
    """

    grey: Floats
    content: tuple[int, int]
    size: tuple[int, int]


def check_size(size: int | None) -> None:
    """Checks a working size; raises InputError."""
    if size is not None and not LEAST <= size <= MOST:
        raise InputError(f"--size must be in [{LEAST}, {MOST}] pixels, got {size}; pass for example --size 256")


def content_of(height: int, width: int, side: int) -> tuple[int, int]:
    """Height and width of a picture at a working size."""
    scale = min(side / min(height, width), LONGEST * side / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def seen(grey: Levels, card: Card, size: int | None = None) -> Seen:
    """Scales a picture so that its shorter side is the working size, and pads it by its border.

    Args:
        grey: [H, W] levels.
        card: of the network.
        size: the working size, in pixels; by default the one that the network was trained for.

    Raises:
        InputError: a size outside [8, 8192].
    """
    side = card.size if size is None else size
    check_size(side)
    height, width = grey.shape
    content = content_of(height, width, side)
    scaled = resized(grey, *content)
    padding = [(0, -side % card.multiple) for side in content]
    return Seen(np.pad(scaled, padding, mode="edge"), content, (height, width))


def resized(levels: Levels, height: int, width: int) -> Floats:
    """Levels scaled by the Lanczos filter: [H, W] -> float32 [height, width] in [0, 1]."""
    values = Image.fromarray(np.ascontiguousarray(levels if levels.dtype == np.uint8 else levels.astype(np.float32)))
    small = values.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return (np.asarray(small, np.float32) / space.white_of(levels)).clip(0, 1)


def cells(view: Seen, logits: Floats) -> tuple[Floats, tuple[float, float]]:
    """Mean lightness of the cells of a network's output, and how many cells the content takes.

    Args:
        view: the network's input, [h, w].
        logits: [K, h / s, w / s].

    Returns:
        CIELAB's L, float32 [h / s, w / s]; and the content's height and width in cells.
    """
    height, width = logits.shape[-2:]
    stride = view.grey.shape[0] // height, view.grey.shape[1] // width
    lightness = space.lightness(view.grey).reshape(height, stride[0], width, stride[1]).mean((1, 3))
    return lightness.astype(np.float32), (view.content[0] / stride[0], view.content[1] / stride[1])


def scores(predictor: Predictor, view: Seen, tile: int | None = None, hints: Floats | None = None) -> Floats:
    """Calibrated logits of one picture: float32 [K, h / s, w / s].

    Args:
        predictor: the network.
        view: the picture.
        tile: side of square tiles in working pixels, which limit the memory of a large working size; None for no tiles.
            Tiles overlap by half and are blended. The result equals that without tiles if the receptive field reaches
            at most 3/16 of a tile.
        hints: [4, h, w] for a network that was trained with hints.

    Raises:
        InputError: the scores are not finite.
    """
    return _scored(predictor, given(view, predictor.card, hints), tile)


def all_scores(predictor: Predictor, inputs: Sequence[Floats], tile: int | None = None) -> list[Floats]:
    """Calibrated logits of several pictures; those of one shape in batches of at most ``BATCH`` pixels.

    Args:
        predictor: the network.
        inputs: [1, C, h, w] each, as ``given`` makes them.
        tile: as for ``scores``.

    Returns:
        float32 [K, h / s, w / s] each.

    Raises:
        InputError: as ``scores``.
    """
    results: dict[int, Floats] = {}
    for shape in dict.fromkeys(each.shape for each in inputs):
        numbers = [number for number, each in enumerate(inputs) if each.shape == shape]
        area = shape[2] * shape[3]
        step = 1 if tile is not None and max(shape[2:]) > tile else max(1, BATCH // area)
        for start in range(0, len(numbers), step):
            chosen = numbers[start : start + step]
            if len(chosen) == 1:
                results[chosen[0]] = _scored(predictor, inputs[chosen[0]], tile)
                continue
            batch = _logits(predictor, np.concatenate([inputs[number] for number in chosen]))
            results |= zip(chosen, batch / np.float32(predictor.card.temperature), strict=True)
    return [results[number] for number in range(len(inputs))]


def given(view: Seen, card: Card, hints: Floats | None = None) -> Floats:
    """The network's input for a picture: float32 [1, 1, h, w], or [1, 5, h, w] with hints [4, h, w]."""
    full = network_input(view.grey, card.space)
    return full if hints is None else np.concatenate([full, hints[None]], 1)


def _scored(predictor: Predictor, full: Floats, tile: int | None) -> Floats:
    card = predictor.card
    height, width = full.shape[2:]
    if tile is None or max(height, width) <= tile:
        return _logits(predictor, full)[0] / np.float32(card.temperature)
    return _tiled(predictor, full, max(tile // (2 * card.multiple), 1) * card.multiple) / np.float32(card.temperature)


def _logits(predictor: Predictor, full: Floats) -> Floats:
    """The network's scores; raises InputError where they give no probabilities. A single class may have -inf."""
    logits = predictor.logits(full)
    if not np.isfinite(logits.max(1)).all():
        raise InputError(
            f"{predictor.card.name} gives scores that are not finite: its training diverged, or the file is damaged; "
            "pass another --model"
        )
    return logits


def _tiled(predictor: Predictor, full: Floats, step: int) -> Floats:
    """Logits blended from tiles with a side of two steps, each weighted by a tent that is zero near inner borders."""
    height, width = full.shape[2:]
    total: Floats | None = None
    weight: Floats | None = None
    for top in range(0, max(height - step, 1), step):
        for left in range(0, max(width - step, 1), step):
            part = full[:, :, top : top + 2 * step, left : left + 2 * step]
            logits = _logits(predictor, np.ascontiguousarray(part))[0]
            stride = part.shape[2] // logits.shape[1]
            if total is None or weight is None:
                total = np.zeros((len(logits), height // stride, width // stride), np.float32)
                weight = np.zeros(total.shape[1:], np.float32)
            tent = np.outer(
                _tent(logits.shape[1], step // stride, top > 0, top + 2 * step < height),
                _tent(logits.shape[2], step // stride, left > 0, left + 2 * step < width),
            )
            rows, columns = (slice(at // stride, at // stride + n) for at, n in
                             ((top, logits.shape[1]), (left, logits.shape[2])))  # fmt: skip
            total[:, rows, columns] += logits * tent
            weight[rows, columns] += tent
    assert total is not None and weight is not None
    blended: Floats = total / weight
    return blended


def _tent(length: int, overlap: int, before: bool, after: bool) -> Floats:
    """Weights of a tile: they rise in the overlap with the tile before, fall in that with the next: [length].

    They rise over the middle quarter of the overlap. In the outer 3/8, where a network sees too little of the picture,
    they are zero.
    """
    ramp = ((np.arange(length) + 0.5) / overlap - 0.375) / 0.25
    tent: NDArray[Any] = np.ones(length)
    if before:
        tent = np.minimum(tent, ramp)
    if after:
        tent = np.minimum(tent, ramp[::-1])
    return tent.clip(0, 1).astype(np.float32)
