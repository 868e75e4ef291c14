"""Builds the object of a configuration node: a ``_target_`` with values."""

import inspect
from collections.abc import Callable
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from colourize.config import knob
from colourize.config.knob import typed
from colourize.errors import InputError

KINDS: dict[Any, str] = {**knob.KINDS, Path: "a path", type(None): "null"}


def instantiate(node: dict[str, Any], *, partial: bool = False) -> Any:
    """Calls a node's ``_target_`` with the node's other values. All code uses this in place of Hydra's function.

    Args:
        node: a ``_target_`` and plain values.
        partial: return a function that takes the remaining arguments and builds the object.

    Raises:
        InputError: the target is unknown, or does not take one of the values.
    """
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate as hydra_instantiate

    try:
        built = hydra_instantiate(node, _partial_=partial, _convert_="all", _recursive_=False)
    except InstantiationException as error:
        cause = error.__cause__
        if cause is not None and not isinstance(cause, ImportError | TypeError | InputError):
            raise cause from None
        raise InputError(" ".join(str(cause or error).split())) from error
    if partial:
        _check_keywords(built.func, built.keywords)
    return built


def builder(name: str, node: dict[str, Any]) -> Callable[..., Any]:
    """A function that builds the node's object from the remaining arguments.

    The function raises InputError if the target rejects a value.
    """
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
    signature = inspect.signature(target)
    try:
        signature.bind_partial(**keywords)
    except TypeError as error:
        surplus = [name for name in keywords if name not in signature.parameters]
        remedy = f"; leave out {', '.join(surplus)} (on the command line ~GROUP.{surplus[0]})" if surplus else ""
        raise InputError(f"{target.__module__}.{target.__qualname__}: {error}{remedy}") from error


def short_name(node: dict[str, Any] | None) -> str:
    """The last part of a node's target: "UNet" of "colourize.models.unet.UNet", "none" without a node."""
    return node["_target_"].rpartition(".")[2] if node else "none"


def check_node(name: str, node: Any) -> None:
    """Raises InputError if an option lacks a ``_target_``, or a value does not have the type of its parameter."""
    if not isinstance(node, dict) or "_target_" not in node:
        raise InputError(
            f"{name} must be an option with a _target_, got {node}; pass {name}=OPTION, or in an experiment file's "
            f"defaults override /{name}: {node if isinstance(node, str) else 'OPTION'}"
        )
    target = instantiate(node, partial=True).func
    hints = _hints(target.__init__ if inspect.isclass(target) else target)
    for key, value in node.items():
        hint: Any = hints.get(key)
        accepted: set[Any] = set(get_args(hint)) if get_origin(hint) in (Union, UnionType) else {hint}
        if accepted <= KINDS.keys():
            fitting = accepted | ({int} if float in accepted else set())
            if not isinstance(value, tuple(fitting)) or (isinstance(value, bool) and bool not in accepted):
                names = " or ".join(sorted(KINDS[kind] for kind in accepted))
                raise InputError(f"{name}.{key} must be {names}, got {typed(value)}")


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The types of a function's parameters; empty if they name something that only a type checker imports."""
    try:
        return get_type_hints(function)
    except (NameError, TypeError):
        return {}
