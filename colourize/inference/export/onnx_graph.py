"""A network as an ONNX graph: grey [N, 1, h, w] -> logits [N, K, h / s, w / s], batch and sides dynamic."""

import logging
import warnings
from typing import Any

import torch

from colourize.errors import InputError, one_line, to_install
from colourize.inference import cards
from colourize.inference.export.fixed_padding import fixed
from colourize.inference.predictor import Card
from colourize.model import Model

INPUT, OUTPUT = "grey", "logits"
EXAMPLE = 2, 3, 5  # number of pictures, height and width in multiples: all different, so that torch keeps them apart


def example(card: Card) -> torch.Tensor:
    """A batch of inputs to trace the network with: float32 [2, 1 or 5, 3m, 5m] in [0, 1), m the multiple."""
    number, height, width = EXAMPLE
    channels = 5 if card.hints else 1
    generator = torch.Generator().manual_seed(0)
    return torch.rand(number, channels, height * card.multiple, width * card.multiple, generator=generator)


def graph(model: Model, card: Card) -> bytes:
    """The bytes of an ONNX file: the network, and its card under the key ``colourize`` of the metadata.

    Raises:
        InputError: the libraries of the export are not installed, or torch cannot export this network.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise InputError(f"ONNX requires onnx and onnxscript; install them by {to_install('export')}") from error
    proto = _exported(model, card)
    _strip(proto)
    entry = proto.metadata_props.add()
    entry.key, entry.value = cards.KEY, cards.text(card)
    proto.producer_name, proto.producer_version = "colourize", ""
    content: bytes = proto.SerializeToString()
    return content


def _exported(model: Model, card: Card) -> Any:
    side = torch.export.Dim("h"), torch.export.Dim("w")
    sides = {axis: card.multiple * dim if card.multiple > 1 else dim for axis, dim in zip((2, 3), side, strict=True)}
    dynamic = ({0: torch.export.Dim("batch"), **sides},)
    quiet = logging.getLogger("torch.onnx"), logging.getLogger("onnxscript")
    levels = [logger.level for logger in quiet]
    try:
        for logger in quiet:
            logger.setLevel(logging.ERROR)
        with torch.no_grad(), warnings.catch_warnings(action="ignore"):
            program = torch.onnx.export(
                fixed(model.network), (example(card),), dynamo=True, external_data=False, dynamic_shapes=dynamic,
                input_names=[INPUT], output_names=[OUTPUT], verbose=False,
            )  # fmt: skip
    except Exception as error:  # each stage of torch's exporter raises its own types
        cause = one_line(error)[:300]
        raise InputError(f"torch cannot export this network to ONNX ({cause}); pass --format safetensors") from error
    finally:
        for logger, level in zip(quiet, levels, strict=True):
            logger.setLevel(level)
    assert program is not None
    return program.model_proto


def _strip(proto: Any) -> None:
    """Removes torch's notes about the export, such as paths of source files."""
    graph = proto.graph
    graph.ClearField("value_info")
    for part in (proto, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
