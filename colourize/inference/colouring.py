"""Colours one grey picture: runs the network at its working size, and interpolates the chroma to every pixel.

H height, W width, K colours, h, w cells of the network's output.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from colourize.colour.usual import TEMPERATURE
from colourize.errors import InputError
from colourize.inference import decoded, hinted, space, working
from colourize.inference.decoded import Decoding
from colourize.inference.hinted import Hint
from colourize.inference.predictor import Predictor
from colourize.inference.space import Floats, Levels
from colourize.inference.upsampling import Upsampler
from colourize.inference.working import Seen
from colourize.kernels import photograph

DEFAULT = Decoding("mean", TEMPERATURE)


@dataclass(frozen=True)
class Choices:
    """How a picture is coloured.

    Attributes:
        decoding: from scores to colours; see ``decoded``.
        size: the working size, its shorter side in pixels; None for the size that the network was trained for.
        saturation: >= 0; the network's chroma is multiplied by it, before hints are spread, which keep their colours.
        samples: number of pictures; their seeds count up from the one of the decoding.
        hints: colours given at pixels.
        palette: another palette for the network's classes, as ``referred.palette`` gives it.
        tile: side of tiles in working pixels; None for one piece.
        wide: whether the result has 16 bits.
        threads: number of threads that colour strips.
        uncertainty: whether the entropy is computed.
    """

    decoding: Decoding = DEFAULT
    size: int | None = None
    saturation: float = 1.0
    samples: int = 1
    hints: Sequence[Hint] = ()
    palette: Floats | None = None
    tile: int | None = None
    wide: bool = False
    threads: int = 2
    uncertainty: bool = False


@dataclass(frozen=True)
class Coloured:
    """Coloured pictures.

    Attributes:
        pictures: [H, W, 3] levels each, one for each sample.
        outside: share of the first picture's pixels, in [0, 1], whose chroma was reduced to fit the gamut.
        entropy: how unsure the network is at each cell, float32 [h, w] in [0, 1]; None without ``uncertainty``.
    """

    pictures: list[Levels]
    outside: float
    entropy: Floats | None = None


def coloured(predictor: Predictor, grey: Levels, choices: Choices | None = None, key: bytes = b"") -> Coloured:
    """Colours a grey picture of any size and keeps its luminance, to one level.

    Args:
        predictor: the network.
        grey: uint8 or uint16 [H, W].
        choices: how; by default the mean at the usual temperature.
        key: with the seed, determines the noise of a sample.

    Raises:
        InputError: choices out of their range, or a hint outside the picture.
    """
    return all_coloured(predictor, [grey], [choices or Choices()], key)[0]


def all_coloured(
    predictor: Predictor, greys: Sequence[Levels], choices: Sequence[Choices], key: bytes = b""
) -> list[Coloured]:
    """The same for several pictures: those that the network sees in one size go through it in batches.

    Raises:
        InputError: as ``coloured``.
    """
    views = [_seen(predictor, grey, each) for grey, each in zip(greys, choices, strict=True)]
    inputs = []
    for view, each in zip(views, choices, strict=True):
        hints = hinted.channels(each.hints, view) if predictor.card.hints and each.hints else None
        inputs.append(working.given(view, predictor.card, hints))
    scores = working.all_scores(predictor, inputs, choices[0].tile if choices else None)
    return [_finished(predictor, *each, key) for each in zip(greys, views, scores, choices, strict=True)]


def of_view(predictor: Predictor, view: Seen, grey: Levels, choices: Choices, key: bytes = b"") -> Coloured:
    """``coloured`` for a picture that is scaled for the network already, shown in another size.

    Args:
        predictor: the network.
        view: the full picture as the network sees it; hints count its pixels.
        grey: the picture or a smaller copy, uint8 or uint16 [H, W], which gives the result its size.
        choices: how; their ``size`` has no effect.
        key: as for ``coloured``.

    Raises:
        InputError: as ``coloured``.
    """
    check(choices)
    hints = hinted.channels(choices.hints, view) if predictor.card.hints and choices.hints else None
    return _finished(predictor, grey, view, working.scores(predictor, view, choices.tile, hints), choices, key)


def check(choices: Choices) -> None:
    """Checks the choices that do not depend on the network.

    Raises:
        InputError: a choice out of its range.
    """
    working.check_size(choices.size)
    if not 0 <= choices.saturation <= 10:
        raise InputError(f"--saturation must be in [0, 10], got {choices.saturation:g}; pass for example 1.2")
    if choices.threads < 1:
        raise InputError(f"threads must be >= 1, got {choices.threads}; pass for example threads=2")


def _seen(predictor: Predictor, grey: Levels, choices: Choices) -> Seen:
    check(choices)
    return working.seen(grey, predictor.card, choices.size)


def _finished(predictor: Predictor, grey: Levels, view: Seen, logits: Floats, choices: Choices, key: bytes) -> Coloured:
    """The full picture of calibrated logits [K, h, w]."""
    lightness, content = working.cells(view, logits)
    results = []
    for number in range(choices.samples):
        sample = replace(choices, decoding=_seeded(choices.decoding, number))
        chroma = chromas(predictor, logits, lightness, view, sample, key)
        results.append(upsampled(grey, chroma, lightness, content, choices.wide, choices.threads))
    entropy = None
    if choices.uncertainty:
        rows, columns = (max(1, round(side)) for side in content)
        entropy = decoded.entropy(logits[:, :rows, :columns])
    return Coloured([picture for picture, _ in results], results[0][1], entropy)


def _seeded(decoding: Decoding, number: int) -> Decoding:
    return replace(decoding, seed=decoding.seed + number)


def chromas(
    predictor: Predictor, logits: Floats, lightness: Floats, view: Seen, choices: Choices, key: bytes = b""
) -> Floats:
    """CIELAB's (a, b) of each cell: calibrated logits [K, h, w], mean L [h, w] -> float32 [2, h, w]."""
    card = predictor.card
    palette = card.palette if choices.palette is None else choices.palette
    values = decoded.values(logits, palette, choices.decoding, key)
    chroma, factor = decoded.chroma(values, space.grey_of(lightness), card), np.float32(choices.saturation)
    if not choices.hints:
        return (chroma * factor).astype(np.float32)
    if card.hints:  # the network has spread the hints itself, so their colours are not scaled
        share = 1 - hinted.influence(logits, lightness, choices.hints, view)
        return (chroma * (1 + (factor - 1) * share)).astype(np.float32)
    return hinted.spread(chroma * factor, logits, lightness, choices.hints, view)


def upsampled(
    grey: Levels, chroma: Floats, lightness: Floats, content: tuple[float, float], wide: bool = False, threads: int = 2
) -> tuple[Levels, float]:
    """Interpolates coarse chroma to the full picture, strip by strip, so memory is little more than the result.

    Args:
        grey: [H, W] levels.
        chroma: [2, h, w].
        lightness: mean L of each cell, [h, w].
        content: height and width of the picture in cells, without the padding.
        wide: whether the result is uint16.
        threads: number of threads.

    Returns:
        [H, W, 3] levels; the share of the pixels whose chroma was reduced to fit the gamut.
    """
    height, width = grey.shape
    up = Upsampler(chroma, lightness, content, (height, width))
    picture = np.empty((height, width, 3), np.uint16 if wide else np.uint8)
    if not wide and photograph.library() is not None:
        levels = np.ascontiguousarray(grey)
        tables, maths = space.tables(space.white_of(grey)), space.maths()
        rows = max(1, min(4 * space.STRIP // width, -(-height // threads)))

        def strip(top: int) -> int:
            part, target = levels[top : top + rows], picture[top : top + rows]
            return photograph.coloured(part, tables, maths, *up.coarse(top, len(part)), target)
    else:
        table, rows = space.lightness_of_levels(space.white_of(grey)), max(1, space.STRIP // width)

        def strip(top: int) -> int:
            part = grey[top : top + rows]
            picture[top : top + rows], count = space.joined(part, up.strip(top, table[part]), wide)
            return count

    with ThreadPoolExecutor(threads) as pool:
        outside = sum(pool.map(strip, range(0, height, rows)))
    return picture, outside / (height * width)
