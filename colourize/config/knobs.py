"""The configuration: its schema, where its files lie, and the way from it to checked plain values."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

from colourize.config import trainer_knobs
from colourize.config.instantiate import check_node, instantiate
from colourize.config.options import option
from colourize.config.trainer_knobs import TrainerKnobs
from colourize.errors import InputError


@dataclass
class Knobs:
    """Types of the knobs; values, units and reasons stand in ``conf/config.yaml``."""

    model: Any = MISSING
    data: Any = MISSING
    optimizer: Any = MISSING
    augment: Any = None
    loss: Any = None
    scheduler: Any = None
    kernel: int = MISSING
    dilation: int = MISSING
    hints: bool = False
    num_filters: int = MISSING
    num_colours: int = MISSING
    palette: str = MISSING
    colour_space: str = MISSING
    classes: Any = MISSING
    image_size: int = MISSING
    holdout: float = MISSING
    cache_dir: str = MISSING
    batch_size: int = MISSING
    max_epochs: int = MISSING
    lr: float = MISSING
    seed: int = MISSING
    accelerator: str = MISSING
    compile: bool = MISSING
    precision: str = MISSING
    patience: int | None = None
    ema: float | None = None
    resume: str | None = None
    ckpt_path: str | None = None
    save_every: int = MISSING
    measures: str = "all"
    trainer: TrainerKnobs = field(default_factory=TrainerKnobs)


LEAST = {
    "kernel": 1,
    "dilation": 1,
    "num_filters": 1,
    "num_colours": 2,
    "image_size": 8,
    "batch_size": 1,
    "max_epochs": 1,
    "seed": 0,
    "save_every": 1,
}
LATER = {
    "dilation": 1,
    "skips": ["half", "full"],
    "colour_space": "rgb",
    "augment": {},
    "loss": {},
    "hints": False,
    "ema": None,
    "validation_classes": None,
    "measures": "all",
    "profiles": False,
    "fused": True,  # as good as absent: an optimizer goes on in the way that its checkpoint names
}  # knobs that came later: what held before, and so holds where a configuration lacks them
MOST = {"num_colours": 2**15, "seed": 2**32 - 1}
ACCELERATORS = "auto", "cpu", "gpu"
PRECISIONS = "32-true", "bf16-mixed", "16-mixed", "64-true"
COLOUR_SPACES = "rgb", "lab", "oklab"  # spaces.SPACES, without its imports
MEASURES = "quick", "all"
NODES = "model", "data", "optimizer", "augment", "loss", "scheduler"
OPTIONAL = "augment", "loss", "scheduler"  # which may build nothing


def register() -> None:
    """Makes known to Hydra what ``conf/config.yaml`` refers to: the schema, and the page itself as ``--help``."""
    ConfigStore.instance().store(name="schema", node=Knobs)
    OmegaConf.register_new_resolver("knobs_page", _knobs_page, replace=True)
    OmegaConf.register_new_resolver("per_network", _per_network, replace=True)
    OmegaConf.register_new_resolver("scaled", _scaled, replace=True)


def _per_network(target: str, values: dict[str, Any]) -> Any:
    """The value for a network, by the name of its class: ``${per_network:${model._target_},{UNet:3}}``."""
    name = target.rpartition(".")[2]
    if name not in values:
        raise InputError(f"there is no value for {name}, only for {', '.join(map(str, values))}; pass one")
    return values[name]


def _scaled(value: float, size: float, reference: float, power: float = 1) -> float:
    """``value`` * (``size`` / ``reference``) ** ``power``, whole where ``value`` is: a learning rate, or a number of
    epochs, that follows the batch size. ``${scaled:0.001,${batch_size},100,0.5}``.
    """
    product = value * (size / reference) ** power
    return max(1, round(product)) if isinstance(value, int) else product


def _knobs_page(name: str = "config.yaml") -> str:
    page = (Path(conf_dir()) / name).read_text()
    return page.partition("\nhydra:")[0].replace("$", "$$")  # Hydra fills in a string.Template


def conf_dir() -> str:
    """Folder of the configuration files: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    inside = package / "conf"
    return str(inside if inside.is_dir() else package.parent / "conf")


def own(name: str) -> Any:
    """One of our own configuration files, such as ``data/cifar10.yaml``, as it stands: plain values, unresolved."""
    return OmegaConf.to_container(OmegaConf.load(Path(conf_dir()) / name))


def plain(cfg: DictConfig) -> dict[str, Any]:
    """Plain values with every reference resolved; this is what a run works from and what a checkpoint stores.

    Raises:
        InputError: a value that is still missing, or a knob outside its range.
    """
    for key in OmegaConf.missing_keys(cfg):
        if not key.startswith("trainer."):
            raise InputError(f"{key} has no value; pass {key}=...")
    knobs = given(cfg, resolve=True)
    check(knobs)
    return knobs


def given(cfg: DictConfig, resolve: bool = False) -> dict[str, Any]:
    """A configuration as plain values, without the arguments of the Trainer that have none."""
    values: dict[str, Any] = OmegaConf.to_container(cfg, resolve=resolve)  # type: ignore[assignment]
    if isinstance(arguments := values.get("trainer"), dict):
        values["trainer"] = {name: value for name, value in arguments.items() if value != MISSING}
    return values


def check(knobs: dict[str, Any]) -> None:
    """Raises InputError at the first knob that is outside its range."""
    for name in knobs.keys() - {known.name for known in fields(Knobs)}:
        raise InputError(f"{name} is no knob; --help lists them")
    knobs = {**LATER, **knobs}  # an old run's
    for name in LEAST:
        check_range(name, knobs[name])
    if knobs["patience"] is not None and knobs["patience"] < 1:
        raise InputError(f"patience={knobs['patience']} is too small; pass patience=1 or more, or null")
    if knobs["resume"] is not None:
        raise InputError(f"resume={knobs['resume']} stands for a command line; pass it to python train.py")
    if not 0 < knobs["lr"] < float("inf"):
        raise InputError(f"lr={knobs['lr']} is no learning rate; pass a positive number such as lr=0.001")
    if knobs["ema"] is not None and not 0 < knobs["ema"] < 1:
        raise InputError(f"ema={knobs['ema']} is no decay; pass 0 < ema < 1 such as ema=0.998, or null")
    if not 0 <= knobs["holdout"] < 1:
        raise InputError(f"holdout={knobs['holdout']} is no share of the training pictures; pass 0 <= holdout < 1")
    if knobs["accelerator"] not in ACCELERATORS:
        raise InputError(f"accelerator={knobs['accelerator']} is unknown; pass one of {', '.join(ACCELERATORS)}")
    if knobs["colour_space"] not in COLOUR_SPACES:
        raise InputError(f"colour_space={knobs['colour_space']} is unknown; pass one of {', '.join(COLOUR_SPACES)}")
    if knobs["precision"] not in PRECISIONS:
        raise InputError(f"precision={knobs['precision']} is unknown; pass one of {', '.join(PRECISIONS)}")
    trainer_knobs.check(knobs["trainer"], knobs["max_epochs"])
    if knobs["measures"] not in MEASURES:
        raise InputError(f"measures must be one of {', '.join(MEASURES)}, got {knobs['measures']}")
    if (
        knobs["precision"].endswith("-mixed")
        and knobs["trainer"].get("gradient_clip_val")
        and knobs["optimizer"].get("fused")
    ):
        precision = knobs["precision"]
        raise InputError(f"trainer.gradient_clip_val with precision={precision} wants optimizer.fused=false; pass it")
    for name in NODES:
        if knobs[name] or name not in OPTIONAL:
            check_node(name, knobs[name])
    for name in ("augment", "loss"):
        if knobs[name]:
            instantiate(knobs[name])  # which checks its values
    if knobs["scheduler"] and option(knobs["optimizer"]["_target_"], "optimizer") == "hypergradient":
        raise InputError("optimizer=hypergradient moves the learning rate by itself; pass scheduler=none")
    _check_bypass(knobs)


def check_range(name: str, value: int) -> None:
    """Raises InputError where a knob of ``LEAST`` or ``MOST`` is outside its range."""
    if name in LEAST and value < LEAST[name]:
        raise InputError(f"{name}={value} is too small; pass {name}={LEAST[name]} or more")
    if name in MOST and value > MOST[name]:
        raise InputError(f"{name}={value} is too large; pass {name}={MOST[name]} or less")


def _check_bypass(knobs: dict[str, Any]) -> None:
    """Raises InputError where a value given to the network goes round the check of its knob, or would go unused."""
    network = knobs["model"]
    if knobs["dilation"] > 1 and "dilation" not in network:
        raise InputError(f"dilation={knobs['dilation']}: {network['_target_']} takes none; leave dilation out")
    if knobs["hints"] and "hints" not in network:
        raise InputError(f"hints=true: {network['_target_']} takes none; pass model=resunet, or leave hints out")
    for name, value in network.items():
        if name in LEAST and value < LEAST[name]:
            raise InputError(f"model.{name}={value} is too small; pass {name}={LEAST[name]} or more")
    if network.get("num_colours", knobs["num_colours"]) != knobs["num_colours"]:
        raise InputError(
            f"model.num_colours={network['num_colours']} but num_colours={knobs['num_colours']}; "
            "pass num_colours alone, which the network follows"
        )
