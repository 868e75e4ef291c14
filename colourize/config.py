"""The configuration: its schema, where its files lie, and the way from it to plain values and objects."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

from colourize.errors import InputError


@dataclass
class Knobs:
    """Types of the knobs; values, units and reasons stand in ``conf/config.yaml``."""

    model: Any = MISSING
    data: Any = MISSING
    optimizer: Any = MISSING
    scheduler: Any = None
    kernel: int = MISSING
    num_filters: int = MISSING
    num_colours: int = MISSING
    palette: str = MISSING
    classes: Any = MISSING
    image_size: int = MISSING
    holdout: float = MISSING
    cache_dir: str = MISSING
    batch_size: int = MISSING
    max_epochs: int = MISSING
    lr: float = MISSING
    seed: int = MISSING
    accelerator: str = MISSING
    precision: str = MISSING
    ckpt_path: str | None = None
    trainer: dict[str, Any] = field(default_factory=dict)


LEAST = {
    "kernel": 1,
    "num_filters": 1,
    "num_colours": 2,
    "image_size": 8,
    "batch_size": 1,
    "max_epochs": 1,
    "seed": 0,
}
MOST = {"num_colours": 2**15, "seed": 2**32 - 1}
ACCELERATORS = "auto", "cpu", "gpu"


def register() -> None:
    """Makes known to Hydra what ``conf/config.yaml`` refers to: the schema, and the page itself as ``--help``."""
    ConfigStore.instance().store(name="schema", node=Knobs)
    OmegaConf.register_new_resolver("knobs_page", _knobs_page, replace=True)


def _knobs_page() -> str:
    page = (Path(conf_dir()) / "config.yaml").read_text()
    return page.partition("\nhydra:")[0].replace("$", "$$")  # Hydra fills in a string.Template


def conf_dir() -> str:
    """Folder of the configuration files: inside an installed package, or beside it in a checkout."""
    inside = Path(__file__).parent / "conf"
    return str(inside if inside.is_dir() else inside.parent.parent / "conf")


def plain(cfg: DictConfig) -> dict[str, Any]:
    """Plain values with every reference resolved; this is what a run works from and what a checkpoint stores.

    Raises:
        InputError: a value that is still missing, or a knob outside its range.
    """
    for key in OmegaConf.missing_keys(cfg):
        raise InputError(f"{key} has no value; pass {key}=...")
    knobs: dict[str, Any] = OmegaConf.to_container(cfg, resolve=True)  # type: ignore[assignment]
    check(knobs)
    return knobs


def check(knobs: dict[str, Any]) -> None:
    """Raises InputError at the first knob that is outside its range."""
    for name, least in LEAST.items():
        if knobs[name] < least:
            raise InputError(f"{name}={knobs[name]} is too small; pass {name}={least} or more")
    for name, most in MOST.items():
        if knobs[name] > most:
            raise InputError(f"{name}={knobs[name]} is too large; pass {name}={most} or less")
    if not 0 < knobs["lr"] < float("inf"):
        raise InputError(f"lr={knobs['lr']} is no learning rate; pass a positive number such as lr=0.001")
    if not 0 <= knobs["holdout"] < 1:
        raise InputError(f"holdout={knobs['holdout']} is no share of the training pictures; pass 0 <= holdout < 1")
    if knobs["accelerator"] not in ACCELERATORS:
        raise InputError(f"accelerator={knobs['accelerator']} is unknown; pass one of {', '.join(ACCELERATORS)}")


def instantiate(node: dict[str, Any], *, partial: bool = False) -> Any:
    """What a node's ``_target_`` builds from the node's other values; with ``partial`` a call that waits for the rest.

    The only caller of Hydra's ``instantiate``.

    Raises:
        InputError: the target is unknown, or does not take one of the values.
    """
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate as hydra_instantiate

    try:
        built = hydra_instantiate(node, _partial_=partial, _convert_="all")
    except InstantiationException as error:
        cause = error.__cause__
        if cause is not None and not isinstance(cause, ImportError | TypeError | InputError):
            raise cause from None
        raise InputError(" ".join(str(cause or error).split())) from error
    if partial:
        _check_keywords(built.func, built.keywords)
    return built


def _check_keywords(target: Callable[..., Any], keywords: dict[str, Any]) -> None:
    try:
        inspect.signature(target).bind_partial(**keywords)
    except TypeError as error:
        raise InputError(f"{target.__module__}.{target.__qualname__}: {error}") from error


def short_name(node: dict[str, Any] | None) -> str:
    """The last part of a node's target: "UNet" of "colourize.models.unet.UNet", "none" without a node."""
    return node["_target_"].rpartition(".")[2] if node else "none"
