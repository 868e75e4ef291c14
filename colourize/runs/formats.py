"""Formats of checkpoints and of ``run.json``: writes the newest format and reads all formats."""

from typing import Any

from colourize.config import stored
from colourize.errors import InputError, shown
from colourize.runs import format1

FORMAT = 2


def written(config: dict[str, Any]) -> dict[str, Any]:
    """The entries of a stored configuration: the format's number, and the configuration by names and versions."""
    return {"format": FORMAT, "config": stored.packed(config)}


def renamed(contents: dict[str, Any]) -> dict[str, Any]:
    """The contents of a checkpoint of format 2 by their current names: ``num_pictures`` of an epoch under way became
    ``num_examples``."""
    match contents:
        case {"callbacks": {"EpochTable": {"begun": {"num_pictures": count, **begun}, **table}, **others}}:
            renewed = {**table, "begun": {**begun, "num_examples": count}}
            return {**contents, "callbacks": {**others, "EpochTable": renewed}}
    return contents


def config(found: Any, number: Any, file: Any) -> Any:
    """A stored configuration with current Python paths in place of names; check the result with ``stored.checked``.

    Args:
        found: the entry of the file.
        number: number of the file's format.
        file: its name, for the message.

    Raises:
        InputError: a format of a newer colourize, or an unknown name.
    """
    if number == 1:
        return format1.config(found)
    if number != FORMAT:
        raise InputError(f"{file} must be of format 1 to {FORMAT}, got {shown(number)}; install a newer colourize")
    return stored.unpacked(found, file)
