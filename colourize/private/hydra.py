"""Private names of Hydra."""

from typing import Any

from hydra.core.override_parser.types import Override

USED = (
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
