"""Trained weights of YOLOX: the published ones, or a file. No code in a file is run.

An ONNX export has no batch norms, because they are part of its convolutions. Here they become batch norms of mean 0,
variance 1 and scale 1 with the convolution's bias, which computes the same.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from colourize import files
from colourize.errors import InputError, one_line
from colourize.models import weight_files
from colourize.models.yolox import YOLOX
from colourize.models.yolox_blocks import EPSILON, Conv

log = logging.getLogger(__name__)
RELEASE = "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0"
PUBLISHED = {
    0.25: ("yolox_nano.pth", "cd28f55fbbc1829f99d9ac9b38a16d259a22889739c8728ea877610201feff7b"),
    0.375: ("yolox_tiny.pth", "9de513de589ac98bb92d3bca53b5af7b9acfa9b0bacb831f7999d0f7afaee8f0"),
}
"""The published file and its SHA-256, by the network's width (COCO train2017, Apache-2.0)."""
OWN_NAMES = {"backbone.backbone.": "backbone.", "backbone.": "neck."}
"""Starts of published names, and ours; the head has the same name."""


def published(network: YOLOX) -> Path:
    """The published weights of a network, downloaded once into torch's cache and checked by their SHA-256.

    Raises:
        InputError: no weights exist for this width, the download fails, or the checksum differs.
    """
    if network.width not in PUBLISHED:
        raise InputError(f"init_from=coco: no weights are published for width {network.width}; pass a file")
    name, digest = PUBLISHED[network.width]
    file = Path(torch.hub.get_dir()) / "checkpoints" / name
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(f"{RELEASE}/{name}", str(file), hash_prefix=digest, progress=False)
        except (OSError, RuntimeError) as error:
            raise InputError(
                f"init_from=coco: {RELEASE}/{name} cannot be downloaded ({one_line(error)[:120]}); pass "
                "init_from=FILE, a .pth or .onnx file of these weights"
            ) from error
    return file


def read(file: Path, network: YOLOX) -> dict[str, Tensor]:
    """The tensors of a file by the names of ``network``, which it must fit except for the number of classes.

    Args:
        file: ``.onnx``, ``.safetensors``, or a ``.pth`` that contains only tensors and plain values.
        network: gives names and shapes; it is not changed.

    Raises:
        InputError: the file does not exist, has another format, or lacks tensors of the network.
    """
    if not file.is_file():
        raise InputError(f"init_from={file}: no such file{files.looked_at(file)}; pass a file, or init_from=coco")
    return fitting(_of_onnx(file, network) if file.suffix == ".onnx" else _renamed(_of_torch(file)), network, file)


def fitting(state: Mapping[str, Tensor], network: YOLOX, file: Path) -> dict[str, Tensor]:
    """Those tensors that the network has; raises InputError if one lacks or, apart from its classes, has another shape.

    Args:
        state: tensors by the names of the network.
        network: gives names and shapes.
        file: where they are from, for the message.
    """
    remedy = "pass weights of this network, or another model=..."
    for name, tensor in network.state_dict().items():
        if name not in state:
            raise InputError(f"init_from={file} lacks {name}; {remedy}")
        of_classes = name.startswith("head.cls_preds")
        if state[name].shape[of_classes:] != tensor.shape[of_classes:]:
            sizes = f"{list(state[name].shape)}, not {list(tensor.shape)}"
            raise InputError(f"init_from={file}: {name} is {sizes}; {remedy}")
    return {name: state[name] for name in network.state_dict()}


def _of_torch(file: Path) -> dict[str, Tensor]:
    try:
        contents = weight_files.contents(file)
    except Exception as error:  # damaged files raise nearly every type
        raise InputError(
            f"init_from={file} must contain only tensors and plain values ({type(error).__name__}); pass a .pth that "
            "torch.load(weights_only=True) reads, a .safetensors or an .onnx file"
        ) from error
    contents = contents.get("model", contents) if isinstance(contents, Mapping) else contents
    if not isinstance(contents, Mapping) or not all(isinstance(value, Tensor) for value in contents.values()):
        raise InputError(f"init_from={file} must contain tensors by name; pass the published weights of YOLOX")
    return dict(contents)


def _renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Published names to ours; names of ours stay."""
    if not any(name.startswith("backbone.backbone.") for name in state):
        return dict(state)
    starts = [(name, next((each for each in OWN_NAMES if name.startswith(each)), "")) for name in state]
    return {OWN_NAMES.get(start, "") + name.removeprefix(start): state[name] for name, start in starts}


def _of_onnx(file: Path, network: YOLOX) -> dict[str, Tensor]:
    """The weights of an export: its convolutions, in the order of execution, are those of the network."""
    found = _convolutions(file)
    layers = _in_order(network)
    if len(found) != len(layers):
        raise InputError(
            f"init_from={file} has {len(found)} convolutions, not {len(layers)}; pass an export of this network"
        )
    state: dict[str, Tensor] = {}
    for (name, layer), (weight, bias) in zip(layers, found, strict=True):
        if not isinstance(layer, Conv):
            state |= {f"{name}.weight": weight, f"{name}.bias": bias}
            continue
        ones = torch.ones_like(bias)
        norm = {"weight": ones, "bias": bias, "running_mean": 0 * bias, "running_var": ones - EPSILON}
        state |= {f"{name}.conv.weight": weight, f"{name}.bn.num_batches_tracked": torch.tensor(0)}
        state |= {f"{name}.bn.{key}": value for key, value in norm.items()}
    return state


def _convolutions(file: Path) -> list[tuple[Tensor, Tensor]]:
    """Weight and bias of each convolution of an ONNX graph, in its order."""
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError as error:
        raise InputError(f"init_from={file} requires onnx: pip install '.[export]'") from error
    try:
        graph = onnx.load(str(file), load_external_data=False).graph
        if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in graph.initializer):
            raise ValueError("weights must be in the file itself")
        tensors = {tensor.name: tensor for tensor in graph.initializer}
        pairs = [node.input[1:3] for node in graph.node if node.op_type == "Conv"]
        return [
            (torch.from_numpy(numpy_helper.to_array(tensors[weight]).copy()).float(),
             torch.from_numpy(numpy_helper.to_array(tensors[bias]).copy()).float())
            for weight, bias in pairs
        ]  # fmt: skip
    except Exception as error:  # damaged files raise nearly every type
        raise InputError(
            f"init_from={file} is damaged or not a network ({one_line(error)[:120]}); pass another"
        ) from error


def _in_order(network: YOLOX) -> list[tuple[str, nn.Module]]:
    """The convolutions of the network in the order of execution: ``Conv``, and the plain ones of the head."""
    order: list[tuple[str, nn.Module]] = []
    chosen: list[tuple[str, nn.Module]] = [
        (name, each) for name, each in network.named_modules() if isinstance(each, Conv)
    ]
    plain = [(name, each) for name, each in network.head.named_modules(prefix="head") if isinstance(each, nn.Conv2d)]
    chosen += [(name, each) for name, each in plain if "_preds" in name]
    hooks = [
        module.register_forward_hook(lambda m, i, o, pair=(name, module): order.append(pair)) for name, module in chosen
    ]
    mode = network.training
    network.eval()
    with torch.no_grad():
        network(torch.zeros(1, 3, 32, 32))
    network.train(mode)
    for hook in hooks:
        hook.remove()
    return order
