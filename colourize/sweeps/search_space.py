"""What a search chooses among, in Optuna's words: Hydra's sweeps as distributions."""

from typing import Any

from hydra.core.override_parser.types import Override

from colourize.config.knobs import KNOBS
from colourize.errors import InputError


def distribution(override: Override) -> Any:
    """What Optuna is to choose from: the distribution of a swept override.

    Raises:
        InputError: an empty or descending range, one with fractions for a knob that is a whole number.
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    value: Any = override.value()
    name, whole = override.get_key_element(), isinstance(getattr(value, "start", None), int)
    if override.is_interval_sweep() and not whole and name in KNOBS and KNOBS[name].kind is int:
        ends = f"{value.start:g},{value.end:g}"
        raise InputError(
            f"{override.input_line} gives fractions, and {name} is a whole number; pass {name}=int(interval({ends}))"
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
    """What is chosen among, as it was typed."""
    return str(override.input_line).partition("=")[2]
