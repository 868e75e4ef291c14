"""What a search chooses among, in Optuna's words: Hydra's sweeps as distributions."""

from typing import Any

from hydra.core.override_parser.types import Override

from colourize.config import Knobs
from colourize.errors import InputError


def distribution(override: Override) -> Any:
    """What Optuna is to choose from: the distribution of a swept override.

    Raises:
        InputError: an empty or descending range, one with fractions for a knob that is a whole number.
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    value: Any = override.value()
    try:
        if override.is_interval_sweep():
            whole = isinstance(value.start, int)
            kind = IntDistribution if whole else FloatDistribution
            if not whole and Knobs.__annotations__.get(override.get_key_element()) is int:
                name, ends = override.get_key_element(), f"{value.start:g},{value.end:g}"
                raise InputError(
                    f"{override.input_line} gives fractions, and {name} is a whole number; "
                    f"pass {name}=int(interval({ends}))"
                )
            return kind(value.start, value.end, log="log" in value.tags)
        if override.is_range_sweep() and isinstance(value.range(), range):
            values = value.range()
            return IntDistribution(values[0], values[-1], step=values.step)
        return CategoricalDistribution(list(override.sweep_string_iterator()))
    except (ValueError, IndexError) as error:
        raise InputError(f"{override.input_line}: {error}; pass values from low to high, above 0 with log") from error
