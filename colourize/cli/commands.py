"""The commands of ``colourize COMMAND ...``. Each command is a module of this package with ``add_parser`` and
``run``; the commands of Hydra, ``train`` and ``theory``, read their arguments themselves. Light to import."""

import difflib
import sys
from collections.abc import Sequence

from colourize import __version__
from colourize.cli import (
    answers,
    app,
    calibrate,
    decode_curve,
    describe,
    detect,
    evaluate,
    export,
    film,
    hints,
    palette,
    photo,
    prepare,
    push,
    report,
    runs,
)
from colourize.cli.arguments import CommandParser, Parser
from colourize.cli.completion import PrintCompletion, complete
from colourize.cli.ending import not_installed, on_one_line
from colourize.present import terminal

HYDRA = {
    "train": "train a network: colourize train model=unet kernel=5 (colourize train --help lists the knobs)",
    "theory": "show a theorem beside an experiment: colourize theory demo=minimum_norm",
}
OWN = (
    photo,
    film,
    app,
    detect,
    prepare,
    export,
    push,
    evaluate,
    decode_curve,
    calibrate,
    hints,
    runs,
    report,
    describe,
    palette,
    answers,
)


def parser() -> tuple[Parser, list[str]]:
    """The parser of all commands, and their names. Those of Hydra are only there for help and completion."""
    made = Parser("colourize", description="Train, compare, sweep and use image colourization networks.")
    made.add_argument("--version", action="version", version=__version__, help="print the version, and exit")
    made.add_argument("--print-completion", action=PrintCompletion, help="print completion for a shell, and exit")
    commands = made.add_subparsers(metavar="COMMAND", required=True, title="commands", parser_class=CommandParser)
    for name, text in HYDRA.items():
        commands.add_parser(name, help=text, add_help=False)
    for module in OWN:
        module.add_parser(commands)
    return made, list(commands.choices)


def run() -> None:
    """``colourize COMMAND ...``, with the arguments of ``sys.argv``."""
    terminal.guard()
    match sys.argv[1:]:
        case ["train" | "theory" as name, *words]:
            try:
                _run_hydra(name, words)
            except ModuleNotFoundError as error:
                if error.name not in ("hydra", "omegaconf"):
                    raise
                sys.exit(not_installed(error))
        case words:
            on_one_line(lambda: _run_own(words))


def _run_own(words: list[str]) -> None:
    made, names = parser()
    if words[:1] == ["-sc"]:  # asked by the shell completion of Hydra
        return complete(words[1:], names)
    if words and not words[0].startswith("-"):
        _check_command(words[0], names)
    given = made.parse_args(words or ["--help"])
    given.run(given)


def _run_hydra(name: str, words: Sequence[str]) -> None:
    """Leaves the arguments in ``sys.argv``, where Hydra reads them."""
    sys.argv = [f"{sys.argv[0]} {name}", *words]
    if name == "train":
        from colourize.cli.train import train

        train()
    else:
        from colourize.cli import theory

        on_one_line(theory.main, theory.knobs)


def _check_command(word: str, known: list[str]) -> None:
    if word not in known:
        close = difflib.get_close_matches(word, known, 1)
        guess = f"; did you mean {close[0]}?" if close else ""
        sys.exit(f"colourize: the command must be one of {', '.join(known)}, got {word!r}{guess}")
