"""Writes a network as TorchScript, for programs in C++ and on phones. ``colourize`` does not open such files."""

import io
import warnings
from collections.abc import Callable

import torch

from colourize.inference import cards
from colourize.inference.export.onnx_graph import example
from colourize.inference.predictor import Card, Floats
from colourize.inference.sides import scored
from colourize.model import Model


def script(model: Model, card: Card) -> bytes:
    """The bytes of a TorchScript file, which takes grey [N, 1, h, w] with sides that are multiples of
    ``card.multiple``; its extra file ``colourize`` is the card."""
    buffer = io.BytesIO()
    with torch.no_grad(), warnings.catch_warnings(action="ignore"):  # of deprecation, and of sides fixed by the example
        traced = torch.jit.trace(model.network, example(card), check_trace=False)
        torch.jit.save(traced, buffer, _extra_files={cards.KEY: cards.text(card)})
    return buffer.getvalue()


def scores(content: bytes, card: Card) -> Callable[[Floats], Floats]:
    """The network of a file that ``script`` has just made: [N, 1, h, w] -> [N, K, h / s, w / s].

    Only for our own files: ``torch.jit.load`` is not safe for files from strangers.
    """
    with warnings.catch_warnings(action="ignore"):
        network = torch.jit.load(io.BytesIO(content))

    @torch.no_grad()
    def run(full: Floats) -> Floats:
        found: Floats = network(torch.from_numpy(full)).numpy()
        return found

    return lambda grey: scored(run, grey, card)
