"""Errors. User errors print on one line; anything else is a bug and keeps its traceback."""

import signal

SIGNALS = signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1  # USR1: Slurm's warning before the limit
"""Signals that end a run in order, so that it is saved and can be resumed."""


class InputError(ValueError):
    """Bad input: the message states the value, the rule and the remedy on one line."""


class Interrupted(SystemExit):
    """A signal stopped the run cleanly; the exit status is 128 + the signal's number, as in a shell.

    Attributes:
        name: the signal, and the ``obstacle``.
        place: text that says where the run was saved.
        obstacle: why the run cannot be resumed; empty: it can.
        is_printed: whether its line is printed already.
    """

    is_printed = False

    def __init__(self, signum: int, place: str = "", obstacle: str = "") -> None:
        super().__init__(128 + signum)
        self.name = ", ".join(filter(None, [signal.Signals(signum).name, obstacle]))
        self.place = place
        self.obstacle = obstacle


class OutOfTime(Interrupted):
    """``trainer.max_time`` stopped the run cleanly, with the status of SIGUSR1, which Slurm sends before a limit."""

    def __init__(self, time: str, place: str = "", obstacle: str = "") -> None:
        super().__init__(signal.SIGUSR1, place, obstacle)
        self.name = ", ".join(filter(None, [f"trainer.max_time={time} is over", obstacle]))


def one_line(error: BaseException) -> str:
    """An error's text on one line, which starts with the file's name for a file error."""
    if isinstance(error, Interrupted):
        return error.name
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror or error}"
    return " ".join(str(error).split()) or type(error).__name__


def raised_in(error: BaseException, package: str) -> bool:
    """Whether the innermost code that raised an error belongs to a package."""
    trace, home = error.__traceback__, ""
    while trace is not None:
        home = str(trace.tb_frame.f_globals.get("__name__", ""))
        trace = trace.tb_next
    return home.partition(".")[0] == package


def shown(value: object, most: int = 80) -> str:
    """A user's or a file's value for a message: one line without control characters, cut to ``most`` characters."""
    if not isinstance(value, str | int | float | None):
        return f"a {type(value).__name__}"  # its text may be endless
    if isinstance(value, int) and abs(value) >= 2**64:
        return "a huge integer"
    text = value if isinstance(value, str) and value.isprintable() else repr(value)
    return text if len(text) <= most else f"{text[:most]}..."


def to_install(extra: str) -> str:
    """The command that installs an optional part; on the package index ``colourize`` is another project."""
    return f"pip install '.[{extra}]' in a checkout, 'FILE.whl[{extra}]' from a wheel"
