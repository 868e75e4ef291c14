"""Tables and JSON of the counts of a network's layers, in both conventions, for one or two picture sizes."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from colourize.course.arithmetic.layers import Layer, Totals, taken, totals
from colourize.course.arithmetic.windows import Extent
from colourize.present.tables import Rows

CONVENTIONS = {False: "without biases and batch norm", True: "with biases and batch norm"}
NOTE = (
    "outputs: units of a layer's output. connections: pairs of an input unit and an output unit, borders ignored: a "
    "convolution has kernel x kernel x channels of them for each output unit, a transposed one for each input unit. "
    "used: connections that do not end on padding. memory: bytes of the outputs of one picture, 4 for each, 0 for a "
    "layer that works in place. field: pixels from the first to the last one that a unit sees, which may differ "
    "between neighbouring units; stride: pixels from one unit to the next; start: first pixel that unit 0 sees; -1 "
    "and below lie on padding. Without biases: biases, batch norm and ReLU are not counted. With biases: a bias is a "
    "weight, and one connection for each unit."
)
HEADER = (
    "layer", "kind", "output", "weights", "outputs", "connections", "used", "multiply-adds", "memory KiB", "field",
    "stride", "start",
)  # fmt: skip
COUNTS = "layer", "output", "weights", "outputs", "connections", "multiply-adds", "memory KiB"
Shape = tuple[int, int, int]


def as_tables(name: str, sizes: Sequence[Shape], counted: list[list[Layer]], table: Callable[[Rows], str]) -> str:
    """The tables of both conventions, with a note on their columns.

    Args:
        sizes: input sizes [C, H, W]; the second size has its own table.
        counted: the layers for each size.
        table: ``colourize.present.tables.as_text`` or ``as_markdown``.
    """
    parts = [f"{name}, input {' and '.join(map(_by, sizes))}"]
    for biases, convention in CONVENTIONS.items():
        headings = [f"{convention}, input {_by(size)}" for size in sizes]
        first, *others = [taken(layers, biases) for layers in counted]
        parts += ["", headings[0], "", table(_everything(first, totals(counted[0], biases)))]
        if not biases:
            plain_sums = totals([layer for layer in counted[0] if layer.kind not in ("pooling", "upsampling")])
            parts += ["", f"outputs without those of pooling and upsampling: {plain_sums.outputs:,}"]
        for heading, layers, every in zip(headings[1:], others, counted[1:], strict=True):
            parts += ["", heading, "", table(_counts(layers, totals(every, biases)))]
    return "\n".join([*parts, "", NOTE])


def _everything(layers: Sequence[Layer], sums: Totals) -> Rows:
    rows = [[layer.name, layer.kind, _by(layer.shape), *_numbers(layer), *_seen(layer)] for layer in layers]
    return [[*HEADER], *rows, ["total", "", "", *_numbers(sums), "", "", ""]]


def _counts(layers: Sequence[Layer], sums: Totals) -> Rows:
    """The counts that grow with the picture; kinds and fields are in the first table."""
    rows = [[layer.name, _by(layer.shape), *_without_used(layer)] for layer in layers]
    return [[*COUNTS], *rows, ["total", "", *_without_used(sums)]]


def _numbers(counts: Layer | Totals) -> list[str]:
    outputs = counts.units if isinstance(counts, Layer) else counts.outputs
    numbers = counts.weights, outputs, counts.connections, counts.used, counts.multiply_adds
    return [*(f"{number:,}" for number in numbers), f"{counts.memory / 1024:,.1f}"]


def _without_used(counts: Layer | Totals) -> list[str]:
    weights, outputs, connections, _used, *rest = _numbers(counts)
    return [weights, outputs, connections, *rest]


def _seen(layer: Layer) -> list[str]:
    if layer.rows is None or layer.columns is None:
        return ["all" if layer.whole else "?", "", ""]
    axes = [layer.rows] if layer.rows == layer.columns else [layer.rows, layer.columns]
    return [" x ".join(cells) for cells in zip(*(extent_cells(axis) for axis in axes), strict=True)]


def extent_cells(axis: Extent) -> tuple[str, str, str]:
    """Size, stride and start of a field along an axis."""
    least, most = min(axis.sizes), max(axis.sizes)
    size = str(most) if least == most else f"{least} to {most}"
    return size, str(axis.stride), "none" if axis.start is None else str(axis.start)


def _by(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def as_json(name: str, sizes: Sequence[Shape], counted: list[list[Layer]]) -> str:
    """The numbers of ``as_tables`` and the windows of each layer, as JSON."""
    counts = [
        {
            "convention": convention,
            "input": size,
            "layers": [_layer(each) for each in taken(layers, biases)],
            "totals": asdict(totals(layers, biases)),
        }
        for biases, convention in CONVENTIONS.items()
        for size, layers in zip(sizes, counted, strict=True)
    ]
    return json.dumps({"network": name, "counts": counts, "note": NOTE}, indent=1)


def _layer(layer: Layer) -> dict[str, Any]:
    axes = {key: None if (axis := getattr(layer, key)) is None else
            {"sizes": axis.sizes, "stride": str(axis.stride), "start": axis.start}
            for key in ("rows", "columns")}  # fmt: skip
    return {**asdict(layer), **axes, "outputs": layer.units, "memory": layer.memory}
