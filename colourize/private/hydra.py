"""Private names of Hydra."""

from typing import Any, NoReturn

from hydra.core.override_parser.types import Override

BASIC = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"
"""The target of Hydra's own launcher, which runs one job after another."""
USED = (
    BASIC,
    "hydra._internal.utils.get_args_parser",
    "hydra._internal.core_plugins.basic_sweeper.BasicSweeper.split_arguments",
    "hydra.core.override_parser.types.Override.__dataclass_fields__._value",
)


def value_of(override: Override) -> Any:
    """The parsed value of an override, with Hydra's quotes and sweeps; ``Override.value()`` removes the quotes."""
    return override._value


def listed_jobs(overrides: list[Override]) -> list[list[str]]:
    """The overrides of every job of a sweep over listed values, in order."""
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

    (jobs,) = BasicSweeper.split_arguments(overrides, None)
    return jobs


def overrides_first(words: list[str]) -> list[str]:
    """A command line with the overrides before the options: Hydra's parser takes overrides only in one place.

    Raises:
        ValueError: Hydra's parser does not take an option; the text is its own.
    """
    from hydra._internal.utils import get_args_parser

    def refuse(message: str) -> NoReturn:
        raise ValueError(message)

    parser = get_args_parser()
    parser.error = refuse  # type: ignore[method-assign]
    rest = list(words)
    overrides: list[str] = parser.parse_intermixed_args(words).overrides
    for word in overrides:
        rest.remove(word)
    return [*overrides, *rest]
