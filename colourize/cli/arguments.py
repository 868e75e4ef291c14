"""The argument parser of ``colourize``, and the arguments that several commands share."""

import argparse
import difflib
import sys
from pathlib import Path
from typing import Any, NoReturn

from colourize.colour.usual import DECODING
from colourize.private.python import options

FIGURE = "as PNG, PDF or SVG, by the file's name"


class Parser(argparse.ArgumentParser):
    """Reports an error on one line, with exit status 1 as every error of ``colourize``."""

    def error(self, message: str) -> NoReturn:
        sys.exit(f"colourize: {' '.join(message.split())}; see {self.prog} --help")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Ends after the help or the version; a reader that has closed the pipe is noticed here."""
        print(end="", flush=True)
        super().exit(status, message)


class CommandParser(Parser):
    """The parser of one command: options and other arguments come in any order, as in
    ``colourize evaluate RUN --size 128 data.root=DIR``."""

    _within = False

    def add_subparsers(self, **options: Any) -> Any:
        """Adds commands below this one, before which argparse needs the order that is declared."""
        self._within = True
        return super().add_subparsers(**options)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parses options first, then the rest."""
        if self._within:
            return super().parse_known_args(args, namespace)
        self._within = True  # parse_known_intermixed_args calls this function twice
        try:  # with it argparse of Python 3.11 would lose a "--"
            parse = super().parse_known_args if "--" in args else self.parse_known_intermixed_args
            given, unknown = parse(args, namespace)
        finally:
            self._within = False
        if unknown:
            self._refuse(unknown)
        return given, unknown

    def _refuse(self, unknown: list[str]) -> NoReturn:
        known = options(self)
        close = difflib.get_close_matches(unknown[0].partition("=")[0], known, 1)
        guess = f"; did you mean {close[0]}?" if close else ""
        self.error(f"unrecognized arguments: {' '.join(unknown)}{guess}")


Commands = Any  # argparse does not export the type that add_subparsers returns


def command(commands: Commands, name: str, help: str, run: Any, **options: Any) -> argparse.ArgumentParser:
    """Adds the parser of a command: ``help`` is its line in the list of commands and heads its own page."""
    sentence = f"{help[0].upper()}{help[1:]}."
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help, description=sentence, **options)
    parser.set_defaults(run=run)
    return parser


def add_run(parser: argparse.ArgumentParser, help: str = "a checkpoint or a run folder") -> None:
    """The run to measure, NAME=VALUE for other pictures, and ``--trust``."""
    parser.add_argument("run_", metavar="RUN", help=help)
    parser.add_argument("overrides", nargs="*", metavar="NAME=VALUE", help="other pictures: data.root=DIR")
    add_trust(parser)


def add_model(parser: argparse.ArgumentParser) -> None:
    """Adds ``--model FILE``, by default the network that comes with colourize."""
    parser.add_argument(
        "--model", default="shipped", metavar="FILE",
        help="a checkpoint, run folder, .safetensors, .onnx or hf://USER/NAME (default: the network that comes with "
             "colourize)",
    )  # fmt: skip


def add_trust(parser: Any) -> None:
    """Adds ``--trust PACKAGE``, which may be repeated, to a parser or a group of arguments."""
    parser.add_argument(
        "--trust", action="append", default=[], metavar="PACKAGE",
        help="allow a checkpoint to name networks and data sources of this package, which runs their code "
             "(default: only those of colourize)",
    )  # fmt: skip


def add_colours(parser: argparse.ArgumentParser) -> Any:
    """Adds ``--size``, ``--decoding``, ``--seed``, ``--saturation`` and ``--recolour``; returns their group."""
    group = parser.add_argument_group("colours")
    group.add_argument(
        "--size", type=int, metavar="N",
        help="shorter side, in pixels, of the picture that the network sees (default: the one it was trained for); the "
             "result always has the picture's own size",
    )  # fmt: skip
    group.add_argument(
        "--decoding", metavar="NAME",
        help=f"mean (safe, dull), argmax (vivid), annealed:T between both, sample (default: {DECODING})",
    )  # fmt: skip
    group.add_argument(
        "--seed", type=int, metavar="N", help="of samples; the same seed gives the same colours (default: 0)"
    )
    group.add_argument("--saturation", type=float, default=1.0, metavar="S", help="multiplies the chroma, 0 to 10")
    group.add_argument("--recolour", action="store_true", help="also recolour inputs that already have colour")
    return group


def add_overwrite(group: Any) -> None:
    """Adds ``--overwrite`` to a group."""
    group.add_argument("--overwrite", action="store_true", help="replace existing results")


def add_device(group: Any) -> None:
    """Adds ``--device`` to a group."""
    group.add_argument("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or mps (default: %(default)s)")


def add_files(parser: argparse.ArgumentParser, figure: str, json: bool = True) -> None:
    """``--figure FILE``, and ``--json FILE`` if the numbers can also be written."""
    parser.add_argument("--figure", type=Path, metavar="FILE", help=f"draw {figure}, {FIGURE}")
    if json:
        parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures with their intervals")
