"""``colourize app``: the page in the browser. The heavy imports are in ``run``."""

import argparse
import importlib.util
from dataclasses import replace
from pathlib import Path

from colourize import imports
from colourize.cli.arguments import Commands, add_device, add_trust, command
from colourize.errors import InputError, to_install

LIBRARY = "gradio"


def add_parser(commands: Commands) -> None:
    """Adds ``colourize app`` with its arguments."""
    parser = command(
        commands, "app", "colour photographs on a page in the browser", run,
        epilog="The page is on this machine only, and nothing leaves it. --host lets other machines reach it, by "
               "password: the first line of --password-file, else of a prompt. Ctrl-C ends it.",
    )  # fmt: skip
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="photographs to open on the page")
    parser.add_argument(
        "--model", action="append", default=[], metavar="FILE",
        help="a network to choose on the page, as for colourize photo; can be repeated (default: the one that comes "
             "with colourize)",
    )  # fmt: skip
    parser.add_argument("--runs", type=Path, default=Path("outputs"), metavar="DIR", help="runs to show (%(default)s)")
    group = parser.add_argument_group("server")
    group.add_argument("--port", type=int, default=7860, metavar="N", help="0 for any free one (default: %(default)s)")
    group.add_argument("--no-browser", action="store_true", help="print the address instead of opening it")
    group.add_argument("--host", metavar="ADDRESS", help="such as 0.0.0.0: opens the page to others, by password")
    group.add_argument("--password-file", type=Path, metavar="FILE", help="its first line is the password of visitors")
    group.add_argument("--max-upload", type=int, default=200, metavar="MB", help="of one photograph (%(default)s)")
    group.add_argument("--max-pixels", type=int, metavar="N", help="of one photograph (default: 128 million)")
    group.add_argument("--max-memory", metavar="SIZE", help="such as 2G (default: half of the free memory)")
    add_device(group)
    add_trust(group)


def run(given: argparse.Namespace) -> None:
    """Runs ``colourize app``.

    Raises:
        InputError: Gradio is not installed, or a bad argument.
    """
    if importlib.util.find_spec(LIBRARY) is None:
        raise InputError(f"colourize app requires Gradio; install it by {to_install('app')}")
    for name, least, most in (("port", 0, 65535), ("max_upload", 1, 2000), ("max_pixels", 1, 1 << 31)):
        value = getattr(given, name)
        if value is not None and not least <= value <= most:
            raise InputError(f"--{name.replace('_', '-')} must be in [{least}, {most}], got {value}")
    with imports.quick("gradio"):
        from colourize.app import server
    from colourize.app.password import asked
    from colourize.app.settings import LOOPBACK, Settings
    from colourize.cli import signals
    from colourize.inference import memory
    from colourize.inference.opening import MAX_PIXELS

    host = given.host or LOOPBACK
    settings = Settings(
        files=tuple(given.files), models=tuple(given.model) or ("shipped",), runs=given.runs, host=host,
        port=given.port, device=given.device, trusted=tuple(given.trust), largest=given.max_upload * 1_000_000,
        browser=not given.no_browser, max_pixels=given.max_pixels or MAX_PIXELS,
        memory=memory.parsed(given.max_memory) if given.max_memory else None,
    )  # fmt: skip
    settings = replace(settings, password=asked(host, settings.is_local, given.password_file))
    signals.catch()
    server.serve(settings)
