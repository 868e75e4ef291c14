"""The network shipped with colourize, if this installation has one."""

from pathlib import Path

from colourize.errors import InputError

NAME = "shipped"  # accepted in place of the path of its file
FOLDER = Path(__file__).parents[1] / "weights"


def file() -> Path:
    """The file of the shipped network.

    Raises:
        InputError: this installation has none.
    """
    found = sorted(FOLDER.glob("*.safetensors"))
    if not found:
        raise InputError(
            "this colourize comes without a network; pass a file, such as outputs/mine/checkpoints/best.ckpt"
        )
    return found[0]


def floors() -> Path:
    """The file of its floors (``evaluation.photograph_floors``), fitted to its training pictures."""
    return file().with_suffix(".floors.npz")


def named(path: str | Path) -> str | Path:
    """The path itself, or the file of the shipped network for the name ``shipped``."""
    return file() if path == NAME else path
