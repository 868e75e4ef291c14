"""The first module of ``colourize`` and of ``train.py``: it handles Ctrl-C before it imports the rest."""

from colourize.cli import signals


def main() -> None:
    """``colourize COMMAND ...``, with the arguments of ``sys.argv``."""
    signals.leave_at_once()
    from colourize.cli import commands

    commands.run()


def train() -> None:
    """``python train.py NAME=VALUE ...``, with the arguments of ``sys.argv``."""
    signals.leave_at_once()
    from colourize.cli.train import train

    train()
