"""Checks an ONNX file from its bytes before onnxruntime loads it, since onnxruntime itself has no such check.

Protocol buffers (https://protobuf.dev/programming-guides/encoding/): a message is a list of fields, each a number and a
value. The field numbers are those of ``onnx.proto`` (ONNX 1.23).
"""

from collections.abc import Iterator
from typing import Any, cast

from colourize.errors import shown
from colourize.inference.cards import WHOLE

GRAPH, FUNCTIONS, TRAINING, METADATA = 7, 25, 20, 14  # of a model
NODE, INITIALIZER, SPARSE_INITIALIZER = 1, 5, 15  # of a graph
OPERATOR, ATTRIBUTE, DOMAIN = 4, 5, 7  # of a node
TENSOR, SUBGRAPH, TENSORS, SUBGRAPHS, SPARSE, SPARSES = 5, 6, 10, 11, 22, 23  # of an attribute
EXTERNAL, LOCATION = 13, 14  # of a tensor
LARGEST_METADATA = 8 << 20  # bytes
OPERATORS = frozenset([
    "Add", "AveragePool", "BatchNormalization", "Cast", "Clip", "Concat", "Conv", "ConvTranspose", "Cos",
    "DequantizeLinear", "Div", "Expand", "Gather", "GatherND", "Greater", "LessOrEqual", "Max", "MaxPool", "Mul",
    "Pad", "Pow", "QuantizeLinear", "ReduceMean", "Relu", "Reshape", "Resize", "Round", "Shape", "Sigmoid", "Sin",
    "Slice", "Sub", "Transpose", "Unsqueeze", "Where",
])  # fmt: skip
"""The operators in exports of the networks of conf/model, also quantized."""
ENCODERS = frozenset(["Erf", "Gelu", "GlobalAveragePool", "HardSigmoid", "HardSwish", "LayerNormalization", "MatMul"])
"""Further operators in exports of ``encoder_unet`` with other encoders of timm."""


def metadata(content: bytes) -> dict[str, str]:
    """Checks that an ONNX model is plain, and returns its metadata.

    A plain model has only operators that exports of our networks have, no loops or branches, no functions, and all of
    its weights inside the file. A whole graph, which colourize itself never runs, may have other standard operators.

    Raises:
        ValueError: the bytes are not a model, or not a plain one.
    """
    found: dict[str, str] = {}
    operators: set[str] = set()
    size, graphs = 0, 0
    for number, value in _fields(memoryview(content)):
        if number in (FUNCTIONS, TRAINING):
            raise ValueError("a model must not contain functions or a training graph")
        if number == GRAPH:
            graphs += 1
            operators |= _operators(_message(value))
        elif number == METADATA:
            size += len(_message(value))
            if size > LARGEST_METADATA:
                raise ValueError(f"metadata must have <= {LARGEST_METADATA:,} bytes")
            entry = {key: bytes(_message(text)).decode() for key, text in _fields(_message(value)) if key in (1, 2)}
            found[entry.get(1, "")] = entry.get(2, "")
    if graphs != 1:
        raise ValueError(f"a model must have one graph, got {graphs}")
    if WHOLE not in found and (others := sorted(operators - OPERATORS - ENCODERS)):
        raise ValueError(
            f"networks of colourize have no operator {shown(others[0])}, so export its checkpoint to safetensors"
        )
    return found


def _operators(graph: memoryview) -> set[str]:
    """The names of a graph's operators; raises ValueError if a node or a weight is not plain."""
    found = set()
    for number, value in _fields(graph):
        if number == NODE:
            found.add(_operator(_message(value)))
        elif number == INITIALIZER:
            _check_tensor(_message(value))
        elif number == SPARSE_INITIALIZER:
            raise ValueError("weights must not be sparse")
    return found


def _operator(node: memoryview) -> str:
    operator = domain = ""
    for number, value in _fields(node):
        if number == OPERATOR:
            operator = bytes(_message(value)).decode()
        elif number == DOMAIN:
            domain = bytes(_message(value)).decode()
        elif number == ATTRIBUTE:
            for key, inner in _fields(_message(value)):
                if key in (SUBGRAPH, SUBGRAPHS):
                    raise ValueError("a model must have no loops or branches")
                if key in (SPARSE, SPARSES):
                    raise ValueError("weights must not be sparse")
                if key in (TENSOR, TENSORS):
                    _check_tensor(_message(inner))
    if domain not in ("", "ai.onnx"):
        raise ValueError(f"operators must belong to the ONNX standard, got {shown(f'{domain}.{operator}')}")
    return operator


def _check_tensor(tensor: memoryview) -> None:
    for number, value in _fields(tensor):
        if number == EXTERNAL or (number == LOCATION and value != 0):
            raise ValueError("weights must be in the file itself, not in another")


def _fields(message: memoryview) -> Iterator[tuple[int, Any]]:
    """Number and value of each field: an integer or the bytes of a text or message; None for numbers of fixed size."""
    at, value = 0, cast(Any, None)
    while at < len(message):
        key, at = _varint(message, at)
        if not 8 <= key < 1 << 32:
            raise ValueError(f"a field has the invalid key {key}")
        match key & 7:
            case 0:
                value, at = _varint(message, at)
            case 1 | 5 as kind:
                value, at = None, at + (8 if kind == 1 else 4)
            case 2:
                length, at = _varint(message, at)
                value, at = message[at : at + length], at + length
            case kind:
                raise ValueError(f"a field has the unknown type {kind}")
        if at > len(message):
            raise ValueError("it is cut short")
        yield key >> 3, value


def _message(value: Any) -> memoryview:
    if not isinstance(value, memoryview):
        raise ValueError("a field has another type than in ONNX")
    return value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A whole number of up to 64 bits, seven in each byte, and the position after it."""
    value = 0
    for index, byte in enumerate(message[at : at + 10]):
        value |= (byte & 127) << (7 * index)
        if byte < 128:
            return value, at + index + 1
    raise ValueError("it is cut short")
