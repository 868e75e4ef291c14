"""``colourize push``: writes a trained network to the Hugging Face Hub."""

import argparse
import json
import tempfile
from pathlib import Path

from colourize import __version__
from colourize.cli.arguments import Commands, add_trust, command
from colourize.cli.export import add_card, checkpoint_file, export

HEADER = """\
---
library_name: colourize
pipeline_tag: image-to-image
tags: [colourize, image-colorization]
---

"""
"""The entries that the hub reads at the start of a card."""


def add_parser(commands: Commands) -> None:
    """Adds ``colourize push`` with its arguments."""
    text = "write a network and its model card to the Hugging Face Hub, where colourize.load finds it"
    parser = command(commands, "push", text, run)
    parser.add_argument("run_", metavar="RUN", help="a checkpoint, a run folder (its best checkpoint), or shipped")
    parser.add_argument(
        "repo", metavar="USER/NAME", help="address on the hub, created if missing. Log in first: hf auth login"
    )
    parser.add_argument("overrides", nargs="*", metavar="NAME=VALUE", help="other pictures: data.root=DIR")
    parser.add_argument("--private", action="store_true", help="if it is created, only you can see it")
    add_trust(parser)
    add_card(parser)


def run(given: argparse.Namespace) -> None:
    """Runs ``colourize push``."""
    print(f"colourize: {push(given)}: the network of {given.run_}; load it with colourize.load('hf://{given.repo}')")


def push(given: argparse.Namespace) -> str:
    """Exports a network, checks it as ``colourize export`` does, and uploads it; returns its address.

    Raises:
        InputError: the run cannot be exported, or the hub cannot be reached or refuses.
    """
    from colourize.inference.export.exported import Form
    from colourize.runs import hub

    hub.check_name(given.repo)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / hub.WEIGHTS
        name = f"{hub.PREFIX}{given.repo}"
        written, card = export(checkpoint_file(given.run_), path, Form("safetensors"), given, name)
        contents = {hub.WEIGHTS: path.read_bytes(), hub.CARD: (HEADER + card).encode()}
    note = {"colourize": __version__, "temperature": written.card.temperature, "config": written.card.config}
    contents[hub.CONFIG] = (json.dumps(note, indent=1) + "\n").encode()
    return hub.upload(given.repo, contents, f"Written by colourize {__version__}", given.private)
