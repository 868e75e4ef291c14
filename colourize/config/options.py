"""The table of options by name. Only this table turns a name in a file into code."""

import importlib
import sys
from collections.abc import Collection, Mapping
from typing import Any

from colourize.errors import InputError, shown

OPTIONS: dict[str, dict[str, str]] = {
    "model": {
        "convtranspose": "colourize.models.convtranspose.ConvTransposeNet",
        "encoder_unet": "colourize.models.encoder_unet.EncoderUNet",
        "lookup": "colourize.models.lookup.LookupTable",
        "pointwise": "colourize.models.pointwise.PointwiseNet",
        "poolupsample": "colourize.models.poolupsample.PoolUpsampleNet",
        "prior": "colourize.models.lookup.ClassPrior",
        "resunet": "colourize.models.resunet.ResUNet",
        "torchvision_detector": "colourize.models.torchvision_detector.TorchvisionDetector",
        "unet": "colourize.models.unet.UNet",
        "yolov3": "colourize.models.yolov3.YOLOv3",
        "yolox": "colourize.models.yolox.YOLOX",
    },
    "data": {
        "boxes": "colourize.data.boxes.source.load",
        "cifar10": "colourize.data.cifar10.load",
        "folder": "colourize.data.folder.load",
        "scenes": "colourize.data.scenes.load",
        "shards": "colourize.data.shards.source.load",
    },
    "optimizer": {
        "adam": "torch.optim.Adam",
        "adamw": "torch.optim.AdamW",
        "hypergradient": "colourize.training.hypergradient.Hypergradient",
        "muon": "colourize.training.muon.Muon",
        "rmsprop": "torch.optim.RMSprop",
        "rmspropw": "colourize.training.optimizers.RMSpropW",
        "sgd": "torch.optim.SGD",
        "sgdw": "colourize.training.optimizers.SGDW",
    },
    "augment": {
        "crops": "colourize.data.crops.Crops",
        "flips": "colourize.data.augment.Augmentation",
        "mosaic": "colourize.data.boxes.mosaic.Mosaic",
        "old": "colourize.data.old.Old",
    },
    "loss": {
        "focal": "colourize.tasks.colourization.losses.Focal",
        "rebalanced": "colourize.tasks.colourization.losses.Rebalanced",
        "smoothed": "colourize.tasks.colourization.losses.Smoothed",
        "soft": "colourize.tasks.colourization.losses.Soft",
    },
    "scheduler": {
        "cosine": "colourize.training.schedules.cosine",
        "onecycle": "colourize.training.schedules.onecycle",
        "plateau": "colourize.training.schedules.plateau",
        "warmup": "colourize.training.schedules.warmup",
    },
    "callbacks": {
        "device_stats": "pytorch_lightning.callbacks.DeviceStatsMonitor",
        "lr_monitor": "pytorch_lightning.callbacks.LearningRateMonitor",
        "rich_summary": "pytorch_lightning.callbacks.RichModelSummary",
        "swa": "pytorch_lightning.callbacks.StochasticWeightAveraging",
        "timer": "pytorch_lightning.callbacks.Timer",
    },
}
"""The target of each option in ``conf/GROUP/``. Options that differ only in values, like unet_half, share a name."""
ONLY_OBSERVE = "lr_monitor", "device_stats", "rich_summary"
"""Callbacks that change nothing in the training, so that a resumed run may have others."""
SPACES = "rgb", "lab", "oklab"
VERSIONS: dict[tuple[str, str], int] = {}
"""Versions above 1 of options and colour spaces. Increase one when stored values or weights change their meaning."""
ABSENT = {"loss": "cross_entropy"}  # the option of a group without a node; "none" in other groups


def names(group: str) -> tuple[str, ...]:
    """The names that are allowed in a file for a group of ``OPTIONS``, or for colour_space."""
    return SPACES if group == "colour_space" else tuple(OPTIONS[group])


def version(group: str, name: str) -> int:
    """The current version of an option or a colour space: this colourize writes it, and reads none newer."""
    return VERSIONS.get((group, name), 1)


def option(target: Any, group: str) -> str:
    """The name of a node's option on the command line, such as "unet"; the full path for the user's own code.

    Args:
        target: the node's ``_target_``; None if the group has no node.
        group: a key of ``OPTIONS``.
    """
    if target is None:
        return ABSENT.get(group, "none")
    return next((name for name, path in OPTIONS.get(group, {}).items() if path == target), str(target))


def is_option(group: str, target: Any, trusted: Collection[str] = ()) -> bool:
    """Whether a file may name ``target`` in this group: an option of ours, or something in a trusted package."""
    return target in OPTIONS[group].values() or (
        isinstance(target, str) and any(target.startswith(f"{package}.") for package in trusted)
    )


def named(group: str, target: str, trusted: Collection[str] = ()) -> Any:
    """The class or function that a file names.

    Raises:
        InputError: it is neither an option nor in a trusted package, or cannot be imported.
    """
    if not is_option(group, target, trusted):
        raise InputError(refusal(group, target))
    home, _, name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(home), name)
    except (ImportError, AttributeError) as error:
        raise InputError(f"{group}: {target} cannot be imported ({error}); run from the folder of its code") from error
    # names that a trusted module imports, such as os, are not trusted
    if target not in OPTIONS[group].values() and not is_option(group, f"{getattr(found, '__module__', '')}.", trusted):
        raise InputError(f"{group}: {target} must be defined in the package that --trust names; pass another file")
    if group == "model" and target not in OPTIONS[group].values() and not _is_network(found):
        raise InputError(f"{group}: {target} must be a subclass of torch.nn.Module; pass another file")
    return found


def _is_network(found: Any) -> bool:
    from torch import nn  # late: shell completion imports this module at every TAB

    return isinstance(found, type) and issubclass(found, nn.Module)


def refusal(group: str, target: Any) -> str:
    """The error text, with rule and remedy, for a file that names code other than ours."""
    return (
        f"{group} must be an option of colourize, got {shown(target)}; your own code runs only where the command "
        f"names it: --trust PACKAGE, or {group}._target_=... to train"
    )


def check_trusted(packages: Collection[str]) -> tuple[str, ...]:
    """Checks the packages of ``--trust`` and makes the working directory importable, as for a script.

    Raises:
        InputError: not a name of a package, or a package of Python's standard library or of colourize.
    """
    for package in packages:
        top = package.partition(".")[0]
        if not all(part.isidentifier() for part in package.split(".")):
            raise InputError(f"--trust must be a package's name such as my_networks, got {package!r}")
        if top in sys.stdlib_module_names or top == "colourize":
            raise InputError(f"--trust {package}: must be a package of your own; this one has no network or source")
    if packages:
        make_importable()
    return tuple(packages)


def make_importable() -> None:
    """Makes modules in the working directory importable, after all others, as the last entry of the search path."""
    if "" not in sys.path:
        sys.path.append("")


def names_own_code(config: Mapping[str, Any]) -> bool:
    """Whether a configuration names code other than colourize's: the user's own network, loss, callback and so on."""
    for group in OPTIONS:
        node = config.get(group)
        inner = [node, *node.values()] if isinstance(node, Mapping) else []  # callbacks are nodes by name in a node
        targets = [each.get("_target_") for each in inner if isinstance(each, Mapping)]
        if any(target is not None and not is_option(group, target) for target in targets):
            return True
    return False
