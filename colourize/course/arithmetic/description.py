"""``colourize describe``: counts and receptive fields of a network's layers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from colourize.config.compose import composed, of_file, plain
from colourize.config.instantiate import builder, short_name
from colourize.course.arithmetic import listing
from colourize.course.arithmetic.fields import closed_form, field
from colourize.course.arithmetic.layers import fully_connected
from colourize.course.arithmetic.listing import Shape
from colourize.course.arithmetic.nets import sequential
from colourize.course.arithmetic.picture import field_figure, outputs_to_draw
from colourize.course.arithmetic.symbolic import Build, solved, solved_as_json, solved_as_tables
from colourize.course.arithmetic.walk import walk
from colourize.data.scenes import load
from colourize.errors import InputError
from colourize.files import check_output
from colourize.present.figures import FIGURES, save
from colourize.present.tables import as_markdown, as_text

COURSE_NETS = "poolupsample", "convtranspose", "unet"
LEAST_SIDE = 8  # of a landscape


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
        dense: replace every convolution by a fully connected layer.
        symbolic: polynomials in NIC, NF and NC in place of numbers; without ``model=``, for all three networks of the
            course.
        form: text, markdown or json.
        picture: a PNG file to draw receptive fields into.

    Raises:
        InputError: a knob, a file or a network that cannot be used.
    """
    if listed is not None and (overrides or symbolic):
        raise InputError(f"--layers {listed} defines the network; leave {' '.join(overrides) or '--symbolic'} out")
    if symbolic and (dense or picture is not None):
        raise InputError("--symbolic counts unchanged networks; leave --fully-connected and --field out")
    if dense and picture is not None:
        raise InputError(f"with --fully-connected every unit sees the whole picture; leave --field {picture} out")
    check_output(picture, FIGURES)
    if symbolic:
        named = any(word.startswith("model=") for word in overrides)
        words = [[*overrides]] if named else [[*overrides, f"model={name}"] for name in COURSE_NETS]
        return _symbolic([_knobs(each) for each in words], form)
    network, shape, name = _listed(listed) if listed is not None else _configured(_knobs(overrides))
    if picture is not None:
        _draw(network, shape, name, picture)
    sizes, counted = [shape], [walk(network, shape)[0]]
    if not any(layer.kind == "fully connected" for layer in counted[0]):  # such a layer takes only one picture size
        sizes.append((shape[0], 2 * shape[1], 2 * shape[2]))
        counted.append(walk(network, sizes[1])[0])
    counted = [fully_connected(layers) for layers in counted] if dense else counted
    name += ", every convolution replaced by a fully connected layer" if dense else ""
    if form == "json":
        return listing.as_json(name, sizes, counted)
    text = listing.as_tables(name, sizes, counted, as_markdown if form == "markdown" else as_text)
    if dense or (chained := closed_form(network, shape)) is None:
        return text
    axes = ("size {}, stride {}, start {}".format(*listing.extent_cells(axis)) for axis in dict.fromkeys(chained))
    return f"{text}\n\nfield by the formula for chains: {'; '.join(axes)}"


def _knobs(overrides: Sequence[str]) -> dict[str, Any]:
    return plain(composed("config", overrides))


def _configured(knobs: dict[str, Any]) -> tuple[nn.Module, Shape, str]:
    node = knobs["model"]
    values = ", ".join(f"{key} {value}" for key, value in node.items() if key != "_target_").replace("'", "")
    with torch.device("meta"):  # counting needs no values, so none are allocated
        network = builder("model", node)()
    return network, (1, knobs["image_size"], knobs["image_size"]), f"{short_name(node)} ({values})"


def _listed(path: Path) -> tuple[nn.Module, Shape, str]:
    return *sequential(of_file(path)), path.stem


def _draw(network: nn.Module, shape: Shape, name: str, path: Path) -> None:
    seen, (height, width) = field(network, shape), shape[1:]
    landscape = load(2, 2, max(LEAST_SIDE, height, width)).train[1, :height, :width].numpy()
    figure = field_figure(seen, landscape, outputs_to_draw(seen), f"Receptive fields: {name}")
    save(figure, path)


def _symbolic(configs: list[dict[str, Any]], form: str) -> str:
    found = []
    for knobs in configs:
        node = knobs["model"]
        dilated = f", dilation {node['dilation']}" if node.get("dilation", 1) > 1 else ""
        name = f"{short_name(node)}, kernel {node.get('kernel')}{dilated}"
        found += solved(name, _build(node), knobs["image_size"])
    return solved_as_json(found) if form == "json" else solved_as_tables(found, form == "markdown")


def _build(node: dict[str, Any]) -> Build:
    def build(nic: int, nf: int, nc: int) -> nn.Module:
        sizes = {"num_in_channels": nic, "num_filters": nf, "num_colours": nc}
        return builder("model", {**node, **sizes})()

    return build
