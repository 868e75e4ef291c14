"""Builds the module of a configuration for its pictures. N pictures, C channels, H height, W width, K colours."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from colourize.colour.hints import CHANNELS
from colourize.colour.palette import LabelTable
from colourize.config.instantiate import builder
from colourize.config.knob import typed
from colourize.config.knobs import value_in
from colourize.config.options import is_option
from colourize.data.augment import Augmentation
from colourize.data.blocks import RawPictures, check_sides, labelled_blocks
from colourize.data.crops import Crops
from colourize.errors import InputError
from colourize.model import Model
from colourize.tasks.colourization import losses, starting
from colourize.tasks.colourization.data import ColourData
from colourize.tasks.colourization.module import Batch, Colourizer

Knobs = dict[str, Any]


def module(knobs: Knobs, data: ColourData) -> Colourizer:
    """The network of the knobs with optimizer, schedule and loss. A floor is fitted to the training pictures."""
    pictures = data.pictures
    network = builder("model", knobs["model"])()
    if not is_option("model", knobs["model"]["_target_"]):
        _check_own(knobs["model"]["_target_"], network, data)
    if hasattr(network, "fit"):
        network.fit(pictures.train.coarse, pictures.train.labels)
    model = Model(network, pictures.palette, pictures.space)
    return Colourizer(
        model,
        knobs,
        data.yardstick.table_loss,
        builder("optimizer", knobs["optimizer"]),
        builder("scheduler", knobs["scheduler"]) if knobs["scheduler"] else None,
        _augmentation(knobs, model),
        _criterion(knobs, data),
    )


def begin(knobs: Knobs, built: Colourizer) -> None:
    """Loads the weights of ``init_from``, otherwise pretrained weights of the network's encoder, if it has one.

    Raises:
        InputError: the weights cannot be loaded.
    """
    network: Any = built.model.network
    file = starting.file_of(knobs)
    if file is None and hasattr(network, "upto"):
        from colourize.models.encoder_weights import load_weights  # timm takes a second to import

        load_weights(network, value_in(knobs, "encoder_weights"))
    if file is not None:
        taken, _ = starting.take(built.model, file)
        prefix, suffix = "network.", ".running_mean"
        norms = {name[len(prefix) : -len(suffix)] for name in taken if name.endswith(suffix)}
        built.freezing.fixed = norms  # batch norms that are not in the file have no statistics to keep


def _augmentation(knobs: Knobs, model: Model) -> Callable[..., Batch] | None:
    """Converts training batches to grey and labels; None if they already are grey and labels."""
    augment = builder("augment", knobs["augment"])() if knobs.get("augment") else None
    if not isinstance(augment, Crops):
        return augment
    table = LabelTable(model.palette, model.space) if model.stride == 1 else None

    def batch(images: Tensor) -> Batch:
        grey, labels = labelled_blocks(augment(images), model.palette, model.space, model.stride, table)
        return augment.degraded(grey), labels

    return batch


def _criterion(knobs: Knobs, data: ColourData) -> losses.Loss | None:
    """The loss of the knobs, fitted to palette and training labels; None for cross-entropy."""
    if not knobs.get("loss"):
        return None
    criterion: losses.Loss = builder("loss", knobs["loss"])()
    if not isinstance(criterion, losses.Loss):
        raise InputError(
            f"{knobs['loss']['_target_']} must be a subclass of {losses.__name__}.Loss; see docs/own-code.md"
        )
    palette = data.pictures.palette
    criterion.fit(palette, losses.prior(data.pictures.train.labels, len(palette)))
    return criterion


def _check_own(target: str, network: nn.Module, data: ColourData) -> None:
    """Raises InputError if the user's own network does not return a logit for each colour and pixel."""
    if getattr(network, "hints", False):
        return  # it has more inputs than the grey, and checks them itself
    grey, labels = data.pictures.train[torch.arange(1)]
    num_colours = len(data.pictures.palette)
    size = "H, W" if labels.shape[1:] == grey.shape[2:] else ", ".join(map(str, labels.shape[1:]))
    rule = f"{target} must take grey [N, 1, H, W] and give logits [N, {num_colours}, {size}]"
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            shape = list(network.eval()(grey).shape)
    except Exception as error:  # the user's code may raise anything
        raise InputError(f"{rule}, got {type(error).__name__}: {' '.join(str(error).split())[:200]}") from error
    network.train()
    if shape != [1, num_colours, *labels.shape[1:]]:
        raise InputError(f"{rule}, got {shape} for N = 1")


def check(knobs: Knobs, data: ColourData, built: Colourizer) -> None:
    """Raises InputError if pictures or batches are too small for the augmentation."""
    if isinstance(built.augment, Augmentation):
        count, height, width = data.pictures.pictures.train.shape[:3]
        built.augment.check_fits(height, width, min(knobs["batch_size"], count), built.model.stride)
    elif knobs.get("augment") and (size := knobs["augment"].get("size")) is not None:
        for side in [size] if isinstance(size, int) else size:
            check_sides(side, side, built.model.stride, "augment.size")
    frozen, started = value_in(knobs, "frozen_epochs"), value_in(knobs, "init_from") is not None
    network: Any = built.model.network
    if hasattr(network, "upto") and value_in(knobs, "encoder_weights") == "none" and not started and frozen != 0:
        raise InputError(
            f"encoder_weights=none leaves an encoder without training, got frozen_epochs={typed(frozen)}; pass "
            "frozen_epochs=0"
        )


def compilable(built: Colourizer, data: ColourData) -> tuple[nn.Module, Tensor]:
    """The network, and an input of a training step without hints: float [N, C, H, W], N >= 2."""
    count, network = max(2, min(data.batch_size, len(data.train))), built.model.network
    batch = data.train[torch.arange(count) % len(data.train)]
    if isinstance(data.train, RawPictures) and built.augment is not None:
        batch = built.augment(*batch)
    grey = batch[0].to(built.model.palette.dtype)
    channels = CHANNELS if getattr(network, "hints", False) else 0
    return network, torch.nn.functional.pad(grey, (0, 0, 0, 0, 0, channels))
