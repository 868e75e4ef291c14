"""Composes the knobs with Hydra: schema, resolvers, and conversion to plain values."""

import contextlib
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, make_dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from colourize.config.checks import check
from colourize.config.compare import key_of
from colourize.config.folder import conf_dir
from colourize.config.knob import MISSING, Knob, Option, Several
from colourize.config.knobs import KNOBS
from colourize.config.options import option
from colourize.config.page import file_page, page
from colourize.config.tasks import COLOURIZATION
from colourize.config.trainer_knobs import TrainerKnobs
from colourize.errors import InputError

AMBIGUOUS = re.compile(r"Ambiguous value for argument '(.*?)'\s+1\. To use it as a list")
_COMPOSING = threading.Lock()
FREEZE = "freeze"  # the only knob whose commas make a list without --multirun


def register() -> None:
    """Registers in Hydra the schema and the resolvers ``colourize.*``, which ``conf/`` uses."""
    ConfigStore.instance().store(name="schema", node=schema())
    for resolver in (at_most, knobs_page, per_network, per_option, scaled):
        OmegaConf.register_new_resolver(f"colourize.{resolver.__name__}", resolver, replace=True)


def composed(name: str, overrides: Sequence[str]) -> DictConfig:
    """The configuration ``conf/NAME.yaml`` with overrides, composed outside of Hydra's own commands.

    Raises:
        HydraException, OmegaConfBaseException: an override does not fit.
    """
    register()
    words = list(overrides)
    with _own_hydra(), initialize_config_dir(conf_dir(), version_base="1.3"):
        try:
            return compose(name, words)
        except HydraException as error:
            return compose(name, in_brackets(words, error))


@contextlib.contextmanager
def _own_hydra() -> Iterator[None]:
    """Hydra's global state for one thread at a time, also within an application that uses Hydra itself."""
    with _COMPOSING:
        outer, GlobalHydra.instance().hydra = GlobalHydra.instance().hydra, None
        try:
            yield
        finally:
            GlobalHydra.instance().hydra = outer


def in_brackets(words: Sequence[str], error: HydraException) -> list[str]:
    """The overrides with brackets around the parts of ``freeze=encoder,first,3``.

    Args:
        words: overrides of a command that is not a sweep.
        error: Hydra's, which says that values with commas are ambiguous.

    Raises:
        HydraException: the given error, if it is about anything else.
    """
    found = AMBIGUOUS.search(str(error))
    if found is None or key_of(found[1]) != FREEZE or found[1] not in words:
        raise error
    name, _, parts = found[1].partition("=")
    return [f"{name}=[{parts}]" if word == found[1] else word for word in words]


def schema() -> type:
    """A dataclass with a field for each knob, with its type and default."""
    return make_dataclass("Knobs", [_field(knob) for knob in KNOBS.values()])


def _field(knob: Knob) -> tuple[str, Any, Any]:
    if knob.kind is dict:
        return knob.name, TrainerKnobs, field(default_factory=TrainerKnobs)
    if knob.kind is Several:
        return knob.name, dict[str, Any], field(default_factory=dict)
    kind: Any = Any if knob.kind in (Option, object) or knob.words else list[str] if knob.kind is list else knob.kind
    return knob.name, kind | None if knob.default is None and kind is not Any else kind, field(default=knob.default)


def plain(cfg: DictConfig) -> dict[str, Any]:
    """Plain values with all references resolved, as a run uses them and a checkpoint stores them.

    Raises:
        InputError: a value is missing, or a knob is outside its range.
    """
    for key in OmegaConf.missing_keys(cfg):
        if not key.startswith("trainer."):
            raise InputError(f"{key} has no value; pass {key}=...")
    knobs = given(_with_floats(cfg), resolve=True)
    check(knobs)
    return knobs


def _with_floats(cfg: DictConfig) -> DictConfig:
    """The configuration with floats in place of integers in number knobs that also take a word, like lr=1."""
    for name, knob in KNOBS.items():
        if knob.words and knob.kind is float and isinstance(cfg.get(name), int) and not isinstance(cfg[name], bool):
            cfg = OmegaConf.merge(cfg, {name: float(cfg[name])})  # type: ignore[assignment]
    return cfg


def given(cfg: DictConfig, resolve: bool = False) -> dict[str, Any]:
    """A configuration as plain values, without those arguments of the Trainer that have no value."""
    values: dict[str, Any] = OmegaConf.to_container(cfg, resolve=resolve)  # type: ignore[assignment]
    if isinstance(arguments := values.get("trainer"), dict):
        values["trainer"] = {name: value for name, value in arguments.items() if value != MISSING}
    return values


def of_file(path: Path) -> Any:
    """The plain values of the user's own YAML file, with references resolved.

    Raises:
        InputError: not valid YAML, or a reference to nothing.
    """
    try:
        return OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    except (YAMLError, OmegaConfBaseException, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from error


def with_values(config: Mapping[str, Any], words: Sequence[str], shared: str) -> dict[str, Any]:
    """A stored configuration with overrides inside its options, as ``data.root=pictures``.

    Args:
        config: plain values, which may lack newer knobs.
        words: overrides of values that the configuration has.
        shared: a knob that the option ``data`` may refer to: its value goes there too, before the other overrides.

    Raises:
        InputError: a value is out of its range.
        OmegaConfBaseException: an override does not fit.
    """
    changed = OmegaConf.create(dict(config))
    OmegaConf.set_struct(changed, True)
    changed.merge_with_dotlist([word for word in words if key_of(word) == shared])
    if shared in changed.data:
        changed.data[shared] = changed[shared]
    changed.merge_with_dotlist([word for word in words if key_of(word) != shared])
    return plain(changed)


def per_network(target: str, values: dict[str, Any]) -> Any:
    """The value for a network, by the name of its class: ``${colourize.per_network:${model._target_},{UNet:3}}``.

    Raises:
        InputError: this network has no value.
    """
    name = target.rpartition(".")[2]
    if name not in values:
        raise InputError(f"there must be a value for {name}, got values for {', '.join(map(str, values))}; pass one")
    return values[name]


def at_most(value: int, most: int) -> int:
    """The smaller of a value and another knob: ``${colourize.at_most:20,${max_epochs}}``."""
    return min(value, most)


def scaled(value: float, size: float, reference: float, power: float = 1) -> float:
    """``value`` * (``size`` / ``reference``) ** ``power``, an integer if ``value`` is one.

    For a learning rate, or a number of epochs, that depends on the batch size:
    ``${colourize.scaled:0.001,${batch_size},100,0.5}``.
    """
    product = value * (size / reference) ** power
    return max(1, round(product)) if isinstance(value, int) else product


def per_option(group: str, target: str, values: dict[str, Any]) -> Any:
    """The value for an option: ``${colourize.per_option:data,${data._target_},{scenes:96,boxes:416}}``.

    The user's own code, and every other option, has the last value.
    """
    return values.get(option(target, group), list(values.values())[-1])


def knobs_page(name: str = "", task: str = COLOURIZATION) -> str:
    """The text of ``--help``: the knobs of ``train`` for a task, or a file's page."""
    return (file_page(name) if name else page(task)).replace("$", "$$")  # Hydra fills in a string.Template
