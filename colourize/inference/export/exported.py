"""``colourize export``: writes a trained network as one file, after a comparison with its checkpoint."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from colourize import files
from colourize.config import stored
from colourize.errors import InputError
from colourize.inference import openvino_file
from colourize.inference.export import (
    onnx_graph,
    openvino_model,
    parity,
    pictures,
    quantized,
    torch_script,
    whole_graph,
    whole_parity,
)
from colourize.inference.export.parity import Difference, Scores
from colourize.inference.onnx_predictor import OnnxPredictor
from colourize.inference.openvino_predictor import OpenvinoPredictor
from colourize.inference.predictor import Card, Floats
from colourize.inference.torch_predictor import TorchPredictor
from colourize.runs import weights
from colourize.runs.manifest import finite
from colourize.runs.trained import Trained, load

SUFFIXES = {"safetensors": weights.SUFFIX, "onnx": ".onnx", "torchscript": ".torchscript", "openvino": ".openvino"}
"""Formats and their file name suffixes."""
HALVED = "safetensors", "openvino"  # formats that can hold float16


@dataclass(frozen=True)
class Form:
    """How a network is written.

    Attributes:
        format: safetensors, onnx, torchscript or openvino.
        half: float16 weights; safetensors and openvino.
        int8: 8-bit weights and activations; onnx.
        whole: one graph from a grey picture to a coloured one (``whole_graph``); onnx.
    """

    format: str
    half: bool = False
    int8: bool = False
    whole: bool = False

    @property
    def lossy(self) -> bool:
        """Whether the file's network differs from the checkpoint's."""
        return self.half or self.int8


class Exported(NamedTuple):
    """The written network, and its difference from the checkpoint; ``checked`` is a sentence about the difference."""

    path: Path
    card: Card
    difference: Difference
    checked: str
    form: Form


def form(path: Path | None, format: str | None, half: bool, int8: bool, whole: bool = False) -> Form:
    """The form from the arguments of the command.

    Raises:
        InputError: neither ``format`` nor the suffix gives a format; they differ; ``half``, ``int8`` or ``whole`` does
            not exist for the format.

    >>> form(Path("horse.onnx"), None, half=False, int8=True)
    Form(format='onnx', half=False, int8=True, whole=False)
    """
    if format is None:
        format = next((name for name, end in SUFFIXES.items() if path and path.suffix.lower() == end), None)
    if format is None:
        raise InputError(
            f"--format must be one of {', '.join(SUFFIXES)}, or FILE must end in {', '.join(SUFFIXES.values())}"
        )
    files.check_output(path, [SUFFIXES[format]])
    if half and format not in HALVED:
        raise InputError(f"--half is for --format {' and '.join(HALVED)}, got {format}; leave it out")
    for name, chosen in (("int8", int8), ("whole", whole)):
        if chosen and format != "onnx":
            raise InputError(f"--{name} is for --format onnx, got {format}; leave it out")
    return Form(format, half, int8, whole)


def export(trained: Trained, path: Path, form: Form, chosen: pictures.Chosen, trusted: Sequence[str] = ()) -> Exported:
    """Writes a network in a form, after a check that the file can be opened and gives the checkpoint's scores.

    Args:
        trained: the network.
        path: of the file, which is replaced.
        form: how.
        chosen: the pictures of the comparison.
        trusted: packages whose networks the file may name, besides colourize's.

    Raises:
        InputError: the form cannot hold this network, or the scores of a lossless form differ by more than 1e-3, or the
            colours of a whole graph by more than ``whole_parity`` allows; nothing is written.

    >>> import numpy
    >>> from colourize.runs import shipped
    >>> trained = load(shipped.file())
    >>> ramp = numpy.tile(numpy.arange(192, dtype=numpy.uint8)[:, None], (128, 1, 3))
    >>> path = Path(tempfile.mkdtemp(), "net.safetensors")
    >>> found = export(trained, path, Form("safetensors"), pictures.Chosen([ramp], "a ramp"))
    >>> found.difference.logits, path.stat().st_size > 10**6
    (0.0, True)
    """
    predictor = TorchPredictor(trained.model)
    if form.whole:
        whole_graph.check(predictor.card)
    name = "".join(character if character.isprintable() else "?" for character in path.name)[:120]
    config = finite(stored.packed(stored.to_hand_on(trained.config)))
    card = replace(predictor.card, name=name, config=config)
    batches = pictures.batches(chosen.pictures, card)
    half = max(1, len(chosen.pictures) // 2)
    if form.int8:  # test on other pictures than those that give the ranges
        batches = pictures.batches(chosen.pictures[half:] or chosen.pictures, card)
    content = _content(trained, form, card, pictures.batches(chosen.pictures[:half], card), predictor, batches)
    difference = _compared(content, path, form, predictor, batches, trusted)
    parity.check(difference, form.lossy)
    checked = parity.sentence(difference, chosen.words, form.lossy)
    if form.whole:
        content, words = _whole(content, form, card, predictor, chosen.pictures)
        checked = f"{checked}; {words}"
    files.remove_stale([path])
    files.replace(path, lambda file: file.write(content))
    return Exported(path, card, difference, checked, form)


def _content(
    trained: Trained,
    form: Form,
    card: Card,
    ranges: Sequence[Floats],
    predictor: TorchPredictor,
    batches: Sequence[Floats],
) -> bytes:
    """The bytes of the file. Before quantization the graph itself is compared with the checkpoint."""
    model = trained.model
    match form.format:
        case "safetensors":
            return weights.written(model, trained.config, trained.fingerprint, card.temperature, form.half)
        case "torchscript":
            return torch_script.script(model, card)
        case "openvino":
            return openvino_file.joined(openvino_model.converted(onnx_graph.graph(model, card), card, form.half))
    content = onnx_graph.graph(model, card)
    if not form.int8:
        return content
    parity.check(_compared(content, Path("float.onnx"), Form("onnx"), predictor, batches, ()))
    return quantized.int8(content, ranges)


def _whole(
    content: bytes, form: Form, card: Card, predictor: TorchPredictor, given: Sequence[pictures.Picture]
) -> tuple[bytes, str]:
    """The network of an .onnx file in a whole graph, and how far its colours are from those of the checkpoint."""
    cells = predictor.logits(np.zeros((1, 1, card.multiple, card.multiple), np.float32)).shape
    whole = whole_graph.joined(content, card, (card.multiple // cells[2], card.multiple // cells[3]))
    difference = whole_parity.compared(whole, predictor, given)
    whole_parity.check(difference, form.lossy)
    return whole, whole_parity.sentence(difference)


def _compared(
    content: bytes, path: Path, form: Form, predictor: TorchPredictor, batches: Sequence[Floats], trusted: Sequence[str]
) -> Difference:
    """Opens the content as a user will, and compares its scores."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / path.name
        files.replace(place, lambda file: file.write(content))  # its errors name the file
        found = _scores(place, content, form, predictor.card, trusted)
        return parity.compared(predictor.logits, found, batches)


def _scores(place: Path, content: bytes, form: Form, card: Card, trusted: Sequence[str]) -> Scores:
    match form.format:
        case "safetensors":
            return TorchPredictor(load(place, trusted).model).logits
        case "torchscript":
            return torch_script.scores(content, card)
        case "openvino":
            return OpenvinoPredictor(place).logits
    return OnnxPredictor(place).logits
