"""How a command ends: what a person can mend is told in one line; everything else is a fault of ours, and keeps its
traceback."""

import signal


class InputError(ValueError):
    """Bad input: the message states the value, the rule and the remedy on one line."""


class Interrupted(SystemExit):
    """A signal ended the run, in order: the exit status is 128 + its number, as a shell reports it."""

    def __init__(self, signum: int, place: str = "") -> None:
        super().__init__(128 + signum)
        self.name = signal.Signals(signum).name
        self.place = place  # where it was saved, in words


class OutOfTime(Interrupted):
    """``trainer.max_time`` ended the run, in order, with the status of SIGUSR1, Slurm's warning of the same."""

    def __init__(self, time: str, place: str = "") -> None:
        super().__init__(signal.SIGUSR1, place)
        self.name = f"trainer.max_time={time} is over"


def one_line(error: BaseException) -> str:
    """An error's text on one line."""
    if isinstance(error, Interrupted):
        return error.name
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror or error}"
    return " ".join(str(error).split()) or type(error).__name__


def shown(value: object, most: int = 80) -> str:
    """A value that a file or a person gave, for a message: on one line, cut to so many characters, without controls."""
    if not isinstance(value, str | int | float | None):
        return f"a {type(value).__name__}"  # whose text may be endless
    if isinstance(value, int) and abs(value) >= 2**64:
        return "a huge integer"
    text = value if isinstance(value, str) and value.isprintable() else repr(value)
    return text if len(text) <= most else f"{text[:most]}..."


def to_install(extra: str) -> str:
    """How to get an optional part. Never by the name on the package index, where ``colourize`` is another project."""
    return f"pip install '.[{extra}]' in a checkout, 'FILE.whl[{extra}]' from a wheel"
