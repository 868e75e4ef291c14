"""The configuration: its schema, where its files lie, and the way from it to plain values and objects."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

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
PRECISIONS = "32-true", "bf16-mixed", "16-mixed", "64-true"
NODES = "model", "data", "optimizer", "scheduler"
NOT_TAKEN = {
    "devices": "a run uses one device",
    "num_nodes": "a run uses one device",
    "strategy": "a run uses one device",
    "overfit_batches": "a batch is not Lightning's to choose; pass data=scenes data.num_train=100",
}  # arguments of the Trainer, and why they are refused


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
    for name in knobs.keys() - {known.name for known in fields(Knobs)}:
        raise InputError(f"{name} is no knob; --help lists them")
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
    if knobs["precision"] not in PRECISIONS:
        raise InputError(f"precision={knobs['precision']} is unknown; pass one of {', '.join(PRECISIONS)}")
    for name, reason in NOT_TAKEN.items():
        if name in knobs["trainer"]:
            raise InputError(f"trainer.{name}={knobs['trainer'][name]} is not taken: {reason}")
    for name in NODES:
        _check_node(name, knobs[name])
    _check_bypass(knobs)


def _check_bypass(knobs: dict[str, Any]) -> None:
    """Raises InputError where a value given to the network itself goes round the check of its knob."""
    network = knobs["model"]
    for name, value in network.items():
        if name in LEAST and value < LEAST[name]:
            raise InputError(f"model.{name}={value} is too small; pass {name}={LEAST[name]} or more")
    if network.get("num_colours", knobs["num_colours"]) != knobs["num_colours"]:
        raise InputError(
            f"model.num_colours={network['num_colours']} but num_colours={knobs['num_colours']}; "
            "pass num_colours alone, which the network follows"
        )


def _check_node(name: str, node: Any) -> None:
    """Raises InputError where a group's node is no node, or holds a value of another type than its target declares."""
    if not node and name == "scheduler":
        return
    if not isinstance(node, dict) or "_target_" not in node:
        raise InputError(
            f"{name}={node} is no option with a _target_; pass {name}=OPTION, or in an experiment file under defaults: "
            f"override /{name}: {node if isinstance(node, str) else 'OPTION'}"
        )
    target = instantiate(node, partial=True).func
    hints = get_type_hints(target.__init__ if inspect.isclass(target) else target)
    for key, value in node.items():
        accepted = set(get_args(hints.get(key))) or {hints.get(key)}
        if accepted <= {int, float, str, bool, Path, type(None)}:
            fitting = accepted | ({int} if float in accepted else set())
            if not isinstance(value, tuple(fitting)) or (isinstance(value, bool) and bool not in accepted):
                names = " or ".join(sorted(kind.__name__ for kind in accepted))
                raise InputError(f"{name}.{key}={value!r} is {type(value).__name__}; pass {names}")


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


def builder(name: str, node: dict[str, Any]) -> Callable[..., Any]:
    """A call that builds the node's object from the rest of its arguments; a value it refuses is told as InputError."""
    build = instantiate(node, partial=True)

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return build(*args, **kwargs)
        except InputError:
            raise
        except (TypeError, ValueError) as error:
            raise InputError(f"{name}: {' '.join(str(error).split())}; see conf/{name}/") from error

    return call


def _check_keywords(target: Callable[..., Any], keywords: dict[str, Any]) -> None:
    try:
        inspect.signature(target).bind_partial(**keywords)
    except TypeError as error:
        raise InputError(f"{target.__module__}.{target.__qualname__}: {error}") from error


def short_name(node: dict[str, Any] | None) -> str:
    """The last part of a node's target: "UNet" of "colourize.models.unet.UNet", "none" without a node."""
    return node["_target_"].rpartition(".")[2] if node else "none"
