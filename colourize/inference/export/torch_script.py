"""A network as TorchScript, for programs in C++ and on phones. ``colourize`` itself opens no such file."""

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
    """The bytes of a TorchScript file that takes grey [N, 1, h, w] of any multiples; its extra file ``colourize`` is
    the card."""
    buffer = io.BytesIO()
    with torch.no_grad(), warnings.catch_warnings(action="ignore"):  # deprecation, and sides that are the example's
        traced = torch.jit.trace(model.network, example(card), check_trace=False)
        torch.jit.save(traced, buffer, _extra_files={cards.KEY: cards.text(card)})
    return buffer.getvalue()


def scores(content: bytes, card: Card) -> Callable[[Floats], Floats]:
    """The network of a file that we have just made ourselves: [N, 1, h, w] -> [N, K, h / s, w / s].

    A file from elsewhere must not be opened so: ``torch.jit.load`` is not meant for files of strangers.
    """
    with warnings.catch_warnings(action="ignore"):
        network = torch.jit.load(io.BytesIO(content))

    @torch.no_grad()
    def run(full: Floats) -> Floats:
        found: Floats = network(torch.from_numpy(full)).numpy()
        return found

    return lambda grey: scored(run, grey, card)
