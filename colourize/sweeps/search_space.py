"""The search space: converts Hydra's sweep syntax to Optuna's distributions."""

from typing import Any

from hydra.core.override_parser.types import Override

from colourize.config.knobs import KNOBS
from colourize.errors import InputError


def distribution(override: Override) -> Any:
    """Optuna's distribution for a swept override.

    Raises:
        InputError: an empty or descending range, or an interval of floats for an integer knob.
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    value: Any = override.value()
    name, whole = override.get_key_element(), isinstance(getattr(value, "start", None), int)
    if override.is_interval_sweep() and not whole and name in KNOBS and KNOBS[name].kind is int:
        ends = f"{value.start:g},{value.end:g}"
        raise InputError(
            f"{name} must be an integer, but {override.input_line} gives fractions; pass {name}=int(interval({ends}))"
        )
    try:
        if override.is_interval_sweep():
            kind = IntDistribution if whole else FloatDistribution
            return kind(value.start, value.end, log="log" in value.tags)
        if override.is_range_sweep() and isinstance(value.range(), range):
            values = value.range()
            return IntDistribution(values[0], values[-1], step=values.step)
        return CategoricalDistribution(list(override.sweep_string_iterator()))
    except (ValueError, IndexError) as error:
        raise InputError(f"{override.input_line}: {error}; pass values from low to high, above 0 with log") from error


def text_of(override: Override) -> str:
    """The values of an override, as the user typed them."""
    return str(override.input_line).partition("=")[2]
