"""Shell completion: shtab's script for our own commands; Hydra completes the knobs of ``train`` and ``theory``."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

HYDRA_IN_BASH = """
# knobs of colourize train and colourize theory: Hydra completes them
_colourize_with_hydra() {
  case "${COMP_WORDS[1]}" in
    train|theory)
      compopt -o nospace
      local found=$(COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" colourize -sc query=bash 2>/dev/null)
      COMPREPLY=($(compgen -W "$found" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
    *) _shtab_colourize "$@" ;;
  esac
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//=}
complete -o filenames -F _colourize_with_hydra colourize
"""


class PrintCompletion(argparse.Action):
    """``--print-completion SHELL`` prints a completion script and exits."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, choices=("bash", "zsh", "tcsh"))

    def __call__(self, parser: argparse.ArgumentParser, *args: Any) -> None:
        import shtab  # late: 50 ms

        _, shell, _ = args
        print(shtab.complete(parser, shell) + HYDRA_IN_BASH * (shell == "bash"))
        parser.exit()


def complete(query: Sequence[str], commands: Sequence[str]) -> None:
    """Answers Hydra's completion script with names of commands, then with knobs; Hydra must not see the command.

    Args:
        query: ``install=bash`` prints the script; ``query=bash`` reads the line from ``COMP_LINE``, ``COMP_POINT``.
        commands: names of all commands.
    """
    line, point = os.environ.get("COMP_LINE", ""), int(os.environ.get("COMP_POINT", "0"))
    program, _, typed = line.partition(" ")
    name, gap, rest = typed.partition(" ")
    if query[:1] != ["install=bash"]:
        if not gap or name not in ("train", "theory"):
            print("\n".join(command for command in commands if command.startswith(typed)))
            return
        os.environ |= {"COMP_LINE": f"{program} {rest}", "COMP_POINT": str(point - len(f"{name} "))}
    sys.argv = [sys.argv[0], "-sc", *query]
    if name == "theory":
        from colourize.cli.theory import main

        main()
    else:
        from colourize.cli.train import train

        train()
