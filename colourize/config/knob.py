"""The declaration of a knob: default, type, range, help text, and its rules for older and resumed runs."""

import math
import operator
import re
from dataclasses import dataclass
from typing import Any, Literal

from colourize.errors import InputError, shown

MISSING = "???"
"""OmegaConf's mark for a required value."""
ALWAYS = object()
"""Every configuration has this knob."""
OnResume = Literal["same", "noted", "no difference"]
"""In a resumed run, the value must stay the same; may change, which is logged; or has no effect on training."""
KINDS = {int: "an integer", float: "a number", bool: "true or false", str: "text"}
COMPARISONS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


def typed(value: Any) -> Any:
    """A value as on the command line: null, true, false."""
    return {None: "null", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else value


class Option(dict[str, Any]):
    """Kind of a knob with an option ``conf/GROUP/NAME.yaml`` as value: a node with a ``_target_``."""


class Several(dict[str, Any]):
    """Kind of a knob with several options of a group at once: the values of each by its name."""


@dataclass(frozen=True)
class Knob:
    """One knob. Schema, help, checks, comparison and names derive from it.

    Attributes:
        default: the default; None means "none"; ``MISSING``: a value is required.
        kind: int, float, bool or str; ``Option`` or ``Several``; dict for the arguments of the Trainer; list for texts;
            object for any plain value.
        does: its comment in ``--help``.
        range: the limits of a number, such as ">= 0 and < 1".
        unit: of a number that is not a count, such as pixels.
        choices: the accepted texts.
        words: texts that are accepted in place of a number.
        task: the only task that uses it; empty: all do.
        only_with: what gives it an effect, any one of them: a value inside an option ("model.kernel"), or another knob
            that is changed ("freeze"), or several by spaces; empty: it always has an effect.
        example: a value within the range, for messages; None: the default.
        before: default for configurations older than this knob; ``ALWAYS``: every configuration has the knob.
        on_resume: the rule for another value in a resumed run.
        hyperparameter: whether TensorBoard's HPARAMS tab shows it. Knobs without effect are never shown.
        heading: its section of the page.
    """

    name: str
    default: Any
    kind: type
    does: str
    range: str = ""
    choices: tuple[str, ...] = ()
    example: Any = None
    before: Any = ALWAYS
    on_resume: OnResume = "noted"
    hyperparameter: bool = True
    heading: str = ""
    words: tuple[str, ...] = ()
    task: str = ""
    only_with: tuple[str, ...] = ()
    unit: str = ""

    @property
    def comment(self) -> str:
        """The comment on the page of ``--help``: choices, meaning, unit and range."""
        number = ", ".join(part for part in (f"in {self.unit}" if self.unit else "", self.range) if part)
        return "; ".join(part for part in (" | ".join(self.choices), self.does, number) if part)

    @property
    def required(self) -> bool:
        """Whether every stored configuration has a value for it."""
        return self.default is not None and self.before is ALWAYS and self.kind not in (dict, Several)

    def check_type(self, value: Any) -> None:
        """Raises InputError if a value does not have the knob's type."""
        if (value is None and self.default is None) or value in self.words:
            return
        if self.kind in (Option, Several, dict):
            fits, rule = isinstance(value, dict), "a dictionary"
        elif self.kind is object:
            fits, rule = value is not None, "a value"
        elif self.kind is list:
            fits = isinstance(value, list) and all(isinstance(each, str) for each in value)
            rule = "a list of texts"
        else:
            kinds = (int, float) if self.kind is float else self.kind
            fits = isinstance(value, kinds) and (self.kind is bool or not isinstance(value, bool))
            rule = " or ".join((KINDS[self.kind], *self.words))
        if not fits:
            got = shown(typed(value)) if value != "" else f"nothing; {self.remedy}"
            raise InputError(f"{self.name} must be {rule}{self._or_null}, got {got}")

    def check_range(self, value: Any, name: str = "") -> None:
        """Raises InputError if a value is outside the knob's range or not among its choices.

        Args:
            value: a value of the knob's type.
            name: its name in the message; by default the knob's name.
        """
        if value is None or value in self.words:
            return
        name = name or self.name
        if self.choices and value not in self.choices:
            raise InputError(f"{name} must be one of {', '.join(self.choices)}, got {shown(value)}")
        finite = "finite and " if isinstance(value, float) and not math.isfinite(value) else ""
        if finite or not within(self.range, value):
            rule = f"{finite}{self.range}{self._or_null}"
            raise InputError(f"{name} must be {rule}, got {value}; pass {self.name}={self._shown_value}")

    @property
    def remedy(self) -> str:
        """A value to pass, for messages."""
        example = self._shown_value
        return f"pass {self.name}={typed(example)}" if example not in ("", MISSING) else f"leave {self.name} out"

    @property
    def _shown_value(self) -> Any:
        return self.default if self.example is None else self.example

    @property
    def _or_null(self) -> str:
        return ", or null" if self.default is None else ""


@dataclass(frozen=True)
class OptionValue:
    """A value inside the options of a group that older configurations lack, or that has no effect on training.

    Attributes: as in ``Knob``.
    """

    group: str
    name: str
    before: Any = ALWAYS
    on_resume: OnResume = "same"


def within(limits: str, value: float) -> bool:
    """Whether a number is within limits such as "> 0 and < 1"; every number is within "".

    Raises:
        ValueError: the limits have another form.
    """
    for limit in limits.split(" and ") if limits else ():
        if (found := re.fullmatch(r"(>=|<=|>|<) (\d+(?:\.\d+)?)", limit)) is None:
            raise ValueError(f"limits must have the form '> 0 and < 1', got {limits!r}")
        if not COMPARISONS[found[1]](value, float(found[2])):
            return False
    return True
