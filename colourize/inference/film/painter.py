"""Colours the frames of a film with a network, in their order. H height, W width."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from colourize.errors import InputError
from colourize.inference import colouring, decoded, space, working
from colourize.inference.colouring import Choices
from colourize.inference.film import motion, steady
from colourize.inference.film.parts import Memory
from colourize.inference.film.source import Picture
from colourize.inference.film.steady import Past
from colourize.inference.predictor import Predictor
from colourize.inference.space import Floats, Levels

LEAST = 1e-12  # a probability, before its logarithm


class NetworkPainter:
    """A painter (``film.Painter``) with a network.

    Args:
        predictor: the network.
        choices: how a frame is coloured; one sample, no hints.
        way: how probabilities are averaged over frames: flow, time or off.
        clip: identifies the film: with the seed, it determines the noise of a sample.
        model: distinguishes networks of the same name.

    Raises:
        InputError: an unknown way.
    """

    def __init__(
        self, predictor: Predictor, choices: Choices, way: str = "flow", clip: bytes = b"", model: str = ""
    ) -> None:
        if way not in steady.WAYS:
            raise InputError(f"--steady must be one of {', '.join(steady.WAYS)}, got {way!r}")
        self.predictor, self.choices, self.way = predictor, replace(choices, wide=False), way
        self.clip, self.model = clip, model
        self.past: Past | None = None

    @property
    def key(self) -> Mapping[str, Any]:
        """Plain values that determine the colours."""
        card, choices = self.predictor.card, self.choices
        return {
            "model": f"{card.name} {self.model}".strip(),
            "decoding": f"{choices.decoding.kind}:{choices.decoding.temperature:g}:{choices.decoding.seed}",
            "size": choices.size or card.size,
            "saturation": choices.saturation,
            "steady": self.way,
        }

    def paint(self, picture: Picture) -> Picture:
        """Colours the next frame and keeps its luminance, to one level: uint8 [H, W, 3] -> uint8 [H, W, 3]."""
        grey = space.grey_levels(picture)
        view = working.seen(grey, self.predictor.card, self.choices.size)
        logits = working.scores(self.predictor, view, self.choices.tile)
        lightness, content = working.cells(view, logits)
        self.past = steady.averaged(self.past, decoded.probabilities(logits), lightness, small(grey), content, self.way)
        scores = np.log(np.maximum(self.past.shares, LEAST)).astype(np.float32)
        drawn, choices = self._drawn(scores, self.past.origin)
        chroma = colouring.chromas(self.predictor, drawn, lightness, view, choices)
        coloured, _ = colouring.upsampled(grey, chroma, lightness, content, threads=self.choices.threads)
        return coloured.astype(np.uint8, copy=False)

    def _drawn(self, scores: Floats, origin: Floats) -> tuple[Floats, Choices]:
        """Scores to decode. For a sample they include its noise, which moves with the picture (Gumbel-max)."""
        decoding = self.choices.decoding
        if decoding.kind != "sample":
            return scores, self.choices
        shape = scores.shape[1], scores.shape[2]
        noise = decoded.noise(scores.shape, decoding.seed, self.clip)
        noise = motion.sampled(noise, motion.mirrored(origin, shape))
        drawn = scores + np.float32(decoding.temperature) * noise
        return drawn, replace(self.choices, decoding=decoded.Decoding("argmax"))

    def memory(self) -> Memory:
        """The state that later frames need."""
        return {} if self.past is None else dict(self.past._asdict())

    def recall(self, memory: Memory) -> None:
        """Restores the state that ``memory`` returned."""
        self.past = Past(**memory) if memory else None


def small(grey: Levels) -> Floats:
    """The picture on which motion and cuts are found: shorter side up to 128 pixels, [h, w] in [0, 1]."""
    height, width = grey.shape
    scale = min(motion.SIDE / min(height, width), 8 * motion.SIDE / max(height, width), 1.0)
    return working.resized(grey, max(1, round(height * scale)), max(1, round(width * scale)))
