"""Converts an ONNX graph for OpenVINO."""

import tempfile
from pathlib import Path

from colourize.inference import cards
from colourize.inference.openvino_file import GRAPH, WEIGHTS, Parts, library
from colourize.inference.predictor import Card


def converted(graph: bytes, card: Card, half: bool = False) -> Parts:
    """Converts the bytes of an ONNX file to OpenVINO's format; with ``half`` the weights are float16.

    Raises:
        InputError: OpenVINO is not installed.
    """
    openvino = library("--format openvino")
    model = openvino.Core().read_model(graph)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        openvino.save_model(model, place / GRAPH, compress_to_fp16=half)
        return Parts((place / GRAPH).read_bytes(), (place / WEIGHTS).read_bytes(), cards.text(card).encode())
