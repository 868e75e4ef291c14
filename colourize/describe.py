"""``colourize describe``: what a network counts and sees, from its layers."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from torch import nn
from yaml import YAMLError

from colourize.arithmetic.layers import Layer, Totals, fully_connected, taken, totals
from colourize.arithmetic.nets import sequential
from colourize.arithmetic.picture import field_figure
from colourize.arithmetic.symbolic import polynomials
from colourize.arithmetic.walk import closed_form, field, walk
from colourize.arithmetic.windows import Extent
from colourize.config import conf_dir, plain
from colourize.data.scenes import load
from colourize.errors import InputError
from colourize.tables import as_markdown, as_text
from colourize.targets import builder, short_name

COURSE_NETS = "poolupsample", "convtranspose", "unet"
CONVENTIONS = {False: "biases and batch norm left out", True: "biases and batch norm counted in"}
NOTE = (
    "outputs: units of a layer's output. connections: pairs of an input unit and an output unit, borders aside: a "
    "convolution has kernel x kernel x channels of them for each output unit, a transposed one for each input unit. "
    "used: those of them that do not end on padding. memory: of the outputs of one picture, 4 bytes each. field: "
    "pixels from the first to the last that a unit sees, which may differ between neighbouring units; stride: from one "
    "unit to the next; start: first pixel that unit 0 sees, -1 and below lie on padding. Left out: neither biases nor "
    "batch norm nor ReLU are counted; counted in: a bias is a weight, and one connection for each unit."
)
SUMMED = "weights", "outputs", "connections", "used", "multiply_adds", "memory"
HEADER = (
    "layer", "kind", "output", "weights", "outputs", "connections", "used", "multiply-adds", "memory KiB", "field",
    "stride", "start",
)  # fmt: skip
DOUBLED = "weights", "outputs", "connections", "multiply-adds", "memory KiB"
Shape = tuple[int, int, int]


def describe(
    overrides: Sequence[str],
    listed: Path | None = None,
    dense: bool = False,
    symbolic: bool = False,
    form: str = "text",
    picture: Path | None = None,
) -> str:
    """The text of ``colourize describe``.

    Args:
        overrides: knobs, as for training.
        listed: a YAML file with a list of layers, in place of a configured network.
        dense: every convolution replaced by a fully connected layer.
        symbolic: polynomials in NIC, NF and NC in place of numbers; of all three course networks where no model is
            named.
        form: text, markdown or json.
        picture: a PNG file to draw receptive fields into.

    Raises:
        InputError: a knob, a file or a network that cannot be used.
    """
    if listed is not None and (overrides or symbolic):
        raise InputError(f"--layers {listed} is a network of its own; leave {' '.join(overrides) or '--symbolic'} out")
    if symbolic and (dense or picture is not None):
        raise InputError("--symbolic counts networks as they are; leave --fully-connected and --field out")
    if symbolic:
        named = any(word.startswith("model=") for word in overrides)
        words = [[*overrides]] if named else [[*overrides, f"model={name}"] for name in COURSE_NETS]
        return _symbolic([_knobs(each) for each in words], form)
    network, shape, name = _listed(listed) if listed is not None else _configured(_knobs(overrides))
    if picture is not None:
        _draw(network, shape, name, picture)
    sizes = [shape, (shape[0], 2 * shape[1], 2 * shape[2])] if not _flat(network, shape) else [shape]
    counted = [walk(network, size)[0] for size in sizes]
    counted = [fully_connected(layers) for layers in counted] if dense else counted
    name += ", every convolution replaced by a fully connected layer" if dense else ""
    if form == "json":
        return json.dumps(_as_json(name, sizes, counted), indent=1)
    text = _tables(name, sizes, counted, as_markdown if form == "markdown" else as_text)
    if dense or (chained := closed_form(network, shape)) is None:
        return text
    told = ("size {}, stride {}, start {}".format(*_extent(axis)) for axis in dict.fromkeys(chained))
    return f"{text}\n\nfield by the formula for chains: {'; '.join(told)}"


def _knobs(overrides: Sequence[str]) -> dict[str, Any]:
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        return plain(compose("config", list(overrides)))


def _configured(knobs: dict[str, Any]) -> tuple[nn.Module, Shape, str]:
    node = knobs["model"]
    values = ", ".join(f"{key} {value}" for key, value in node.items() if key != "_target_")
    return builder("model", node)(), (1, knobs["image_size"], knobs["image_size"]), f"{short_name(node)} ({values})"


def _listed(path: Path) -> tuple[nn.Module, Shape, str]:
    try:
        contents = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    except (YAMLError, OmegaConfBaseException, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from error
    return *sequential(contents), path.stem


def _flat(network: nn.Module, shape: Shape) -> bool:
    """Whether the network takes pictures of one size only, as fully connected layers do."""
    return any(layer.kind == "fully connected" for layer in walk(network, shape)[0])


def _draw(network: nn.Module, shape: Shape, name: str, path: Path) -> None:
    if path.suffix.lower() not in (".png", ".pdf", ".svg") or not path.absolute().parent.is_dir():
        raise InputError(f"--field {path}: pass a name that ends in .png, in a folder that is there")
    side = max(shape[1:])
    drawn = load(2, 2, side).train[1, : shape[1], : shape[2]].numpy()
    middle = [(shape[1] // 8 * 4 + phase, shape[2] // 8 * 4 + phase) for phase in range(4)]
    outputs = [(0, 0), *middle] if shape[1] > 8 else [(0, 0)]
    field_figure(field(network, shape), drawn, outputs, f"Receptive fields: {name}").savefig(path)


def _tables(name: str, sizes: list[Shape], counted: list[list[Layer]], table: Any) -> str:
    sides = " and ".join(_by(size) for size in sizes)
    parts = [f"{name}, input {sides}" + (f" (columns with {sizes[1][2]})" if len(sizes) > 1 else "")]
    for biases, told in CONVENTIONS.items():
        taken_here = [taken(layers, biases) for layers in counted]
        rows = [[*HEADER, *(f"{column} {sizes[1][2]}" for column in DOUBLED if len(sizes) > 1)]]
        whole = False
        for layer, *twice in zip(*taken_here, strict=True):
            whole |= layer.kind == "fully connected"
            seen = ["all", "", ""] if whole else _seen(layer)
            more = [cell for each in twice for cell in _doubled(each)]
            rows.append([layer.name, layer.kind, _by(layer.shape), *_numbers(layer), *seen, *more])
        sums = [totals(layers, biases) for layers in counted]
        more = [cell for each in sums[1:] for cell in _doubled(each)]
        rows.append(["total", "", "", *_numbers(sums[0]), "", "", "", *more])
        parts += ["", told, "", table(rows)]
        if not biases:
            plain_sums = totals([layer for layer in counted[0] if layer.kind not in ("pooling", "upsampling")])
            parts += ["", f"outputs without those of pooling and upsampling: {plain_sums.outputs:,}"]
    return "\n".join([*parts, "", NOTE])


def _numbers(counts: Layer | Totals) -> list[str]:
    outputs = counts.units if isinstance(counts, Layer) else counts.outputs
    numbers = counts.weights, outputs, counts.connections, counts.used, counts.multiply_adds
    return [*(f"{number:,}" for number in numbers), f"{4 * outputs / 1024:,.1f}"]


def _doubled(counts: Layer | Totals) -> list[str]:
    weights, outputs, connections, _, *rest = _numbers(counts)
    return [weights, outputs, connections, *rest]


def _seen(layer: Layer) -> list[str]:
    if layer.rows is None or layer.columns is None:
        return ["?", "", ""]
    axes = [layer.rows] if layer.rows == layer.columns else [layer.rows, layer.columns]
    return [" x ".join(cells) for cells in zip(*(_extent(axis) for axis in axes), strict=True)]


def _extent(axis: Extent) -> tuple[str, str, str]:
    least, most = min(axis.sizes), max(axis.sizes)
    size = str(most) if least == most else f"{least} to {most}"
    return size, str(axis.stride), "none" if axis.start is None else str(axis.start)


def _by(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _as_json(name: str, sizes: list[Shape], counted: list[list[Layer]]) -> dict[str, Any]:
    def layer(each: Layer) -> dict[str, Any]:
        axes = {key: None if (axis := getattr(each, key)) is None else
                {"sizes": axis.sizes, "stride": str(axis.stride), "start": axis.start}
                for key in ("rows", "columns")}  # fmt: skip
        return {**asdict(each), **axes, "outputs": each.units, "memory": 4 * each.units}

    return {
        "network": name,
        "counts": [
            {
                "convention": told,
                "input": size,
                "layers": [layer(each) for each in taken(layers, biases)],
                "totals": asdict(totals(layers, biases)),
            }
            for biases, told in CONVENTIONS.items()
            for size, layers in zip(sizes, counted, strict=True)
        ],
        "note": NOTE,
    }


def _symbolic(configs: list[dict[str, Any]], form: str) -> str:
    found = []
    for knobs in configs:
        node = knobs["model"]
        for biases, told in CONVENTIONS.items():
            for side in (knobs["image_size"], 2 * knobs["image_size"]):
                sums = polynomials(_build(node), (side, side), biases)
                found.append((f"{short_name(node)}, kernel {node.get('kernel')}", told, side, sums))
    if form == "json":
        keys = "network", "convention", "side"
        return json.dumps(
            [{**dict(zip(keys, each[:3], strict=True)), **{name: str(value) for name, value in each[3].items()}}
             for each in found], indent=1,
        )  # fmt: skip
    parts = [
        "NIC input channels, NF filters, NC colours; memory in bytes; used: connections that do not end on padding"
    ]
    for name, told, side, sums in found:
        rows = [["total", "polynomial"], *([total, str(sums[total])] for total in SUMMED)]
        parts += [
            "",
            f"{name}, {side} x {side}, {told}",
            "",
            as_markdown(rows) if form == "markdown" else as_text(rows),
        ]
    return "\n".join(parts)


def _build(node: dict[str, Any]) -> Any:
    def build(nic: int, nf: int, nc: int) -> nn.Module:
        sizes = {"num_in_channels": nic, "num_filters": nf, "num_colours": nc}
        return builder("model", {**node, **sizes})()

    return build
