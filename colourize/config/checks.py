"""Checks a whole configuration before anything is built from it."""

from typing import Any

from colourize.config import automatic, options, parts, trainer_knobs
from colourize.config.instantiate import check_node, instantiate
from colourize.config.knob import Option, typed
from colourize.config.knobs import KNOBS, NODES, OPTIONAL, before
from colourize.config.options import option
from colourize.config.tasks import COLOURIZATION, tasks_with
from colourize.errors import InputError, shown

LONGEST_LABEL = 100  # characters of a name or a tag


def check(config: dict[str, Any]) -> None:
    """Raises InputError for the first knob that is outside its range or conflicts with another.

    Args:
        config: plain values of the knobs; knobs newer than the configuration may be missing.
    """
    for name in config.keys() - KNOBS.keys():
        raise InputError(f"{name} is not a knob; --help lists them")
    config = {**before(), **config}
    for name, knob in KNOBS.items():
        if knob.words:
            knob.check_type(config[name])
    asked = config["lr"] == automatic.AUTO
    config = automatic.with_rate(config, KNOBS["lr"].default)  # its place is in options, whose values are checked
    if config["resume"] is not None:
        raise InputError(f"resume={config['resume']} replaces a command line; pass it to python train.py")
    for name, knob in KNOBS.items():
        if knob.range or knob.choices:
            knob.check_range(config[name])
    for label in [("name", config["name"]), *(("tags", tag) for tag in config["tags"] or ())]:
        _check_label(*label)
    trainer_knobs.check(config["trainer"], config["max_epochs"])
    _check_clipping(config)
    _check_task(config)
    for name in NODES:
        if config[name] or name not in OPTIONAL:
            check_node(name, config[name])
    for name, node in config["callbacks"].items():
        check_node(f"callbacks.{name}", node)
    _check_values(config)
    for name in ("augment", "loss"):
        if config[name]:
            instantiate(config[name])  # for the checks of its values
    if option(config["optimizer"]["_target_"], "optimizer") == "hypergradient":
        if config["scheduler"] or asked:
            remedy = "lr=0.001, for example" if asked else "scheduler=none"
            raise InputError(f"optimizer=hypergradient changes the learning rate itself; pass {remedy}")
        if config["lr_scale"] is not None:
            raise InputError("optimizer=hypergradient has one learning rate for all weights; leave lr_scale out")
    parts.check(config)
    if config["task"] == COLOURIZATION:
        _check_network(config)


def _check_task(config: dict[str, Any]) -> None:
    """Raises InputError if an option or a knob belongs to another task. The user's own code fits every task."""
    task = config["task"]
    for group in NODES:
        node = config[group]
        name = option(node.get("_target_") if isinstance(node, dict) else None, group)
        if name in options.OPTIONS.get(group, ()) or node is None:
            others = tasks_with(group, name)
            if task not in others:
                raise InputError(
                    f"{group}={name} belongs to task={others[0]}; pass task={others[0]}, or another {group}"
                )
    if task != COLOURIZATION:
        for name, knob in KNOBS.items():
            if knob.task == COLOURIZATION and knob.kind is not Option and config[name] != knob.default:
                raise InputError(f"{name}={typed(config[name])} has no effect with task={task}; leave it out")


def _check_label(name: str, value: str | None) -> None:
    """Raises InputError if a name or a tag could not be shown on one short line."""
    if value is not None and not (0 < len(value) <= LONGEST_LABEL and value.isprintable() and value == value.strip()):
        each = "each of tags" if name == "tags" else name
        rule = f"{each} must be 1 to {LONGEST_LABEL} printable characters without spaces around them"
        raise InputError(f"{rule}, got {shown(value)!r}; pass {name}={'[baseline]' if name == 'tags' else 'baseline'}")


def _check_clipping(config: dict[str, Any]) -> None:
    """Raises InputError if Lightning cannot clip gradients: with a fused optimizer in mixed precision."""
    precision = config["precision"]
    clips = config["trainer"].get("gradient_clip_val")
    if (precision.endswith("-mixed") or precision == automatic.AUTO) and clips and config["optimizer"].get("fused"):
        rule = f"trainer.gradient_clip_val with precision={precision} requires optimizer.fused=false"
        raise InputError(f"{rule}; pass optimizer.fused=false")


def without_effect(config: dict[str, Any]) -> list[str]:
    """The knobs that were changed but have no effect with the other knobs, as on the command line: ``kernel=5``."""
    config = {**before(), **config}
    return [
        f"{name}={typed(config[name])}"
        for name, knob in KNOBS.items()
        if knob.only_with
        and config[name] != knob.default
        and not any(all(_is_given(config, each) for each in words.split()) for words in knob.only_with)
    ]


def _is_given(config: dict[str, Any], name: str) -> bool:
    """Whether a knob has another value than its default, or an option the value ``name``, such as "model.kernel"."""
    group, _, inner = name.rpartition(".")
    return config[group].get(inner) is not None if group else config[name] != KNOBS[name].default


def _check_values(config: dict[str, Any]) -> None:
    """Raises InputError if a value of the network or of the data is outside the range of the knob of its name."""
    for group in ("model", "data"):
        for name, value in config[group].items():
            if name in KNOBS and KNOBS[name].kind in (int, float) and isinstance(value, int | float):
                KNOBS[name].check_range(value, f"{group}.{name}")


def _check_network(config: dict[str, Any]) -> None:
    """Raises InputError if the network cannot do what a knob asks, or has another number of colours."""
    network = config["model"]
    if config["dilation"] > 1 and "dilation" not in network:
        raise InputError(f"dilation={config['dilation']}: {network['_target_']} does not take a dilation; leave it out")
    if config["hints"] and "hints" not in network:
        raise InputError(
            f"hints=true: {network['_target_']} does not take hints; pass model=resunet, or leave hints out"
        )
    if network.get("num_colours", config["num_colours"]) != config["num_colours"]:
        raise InputError(
            f"model.num_colours={network['num_colours']} but num_colours={config['num_colours']}; "
            "pass only num_colours, which the network uses"
        )
