"""The temperature fitted to a checkpoint, in a small file next to it. ``evaluation.calibration`` fits it."""

import hashlib
import json
import logging
from pathlib import Path

from colourize import files
from colourize.errors import InputError, one_line

log = logging.getLogger(__name__)

LEAST, MOST = 0.01, 100.0  # range of a temperature


def beside(checkpoint: Path) -> Path:
    """The file of a checkpoint's temperature: ``last.temperature.json`` for ``last.ckpt``."""
    return checkpoint.with_suffix(".temperature.json")


def write_temperature(checkpoint: Path, temperature: float, num_pictures: int) -> Path:
    """Writes a temperature next to the checkpoint, with a digest of its weights; returns the file."""
    contents = {"temperature": temperature, "num_pictures": num_pictures, "checkpoint": _digest(checkpoint)}
    files.replace_text(beside(checkpoint), json.dumps(contents, indent=1) + "\n")
    return beside(checkpoint)


def read_temperature(checkpoint: Path) -> float:
    """The temperature fitted to a checkpoint, in [0.01, 100].

    Raises:
        InputError: the temperature is missing, was fitted to other weights, or its file is damaged.
    """
    path, remedy = beside(checkpoint), f"colourize calibrate {checkpoint}"
    try:
        contents = files.read_json(path)
        temperature, digest = float(contents["temperature"]), contents["checkpoint"]
    except FileNotFoundError as error:
        raise InputError(f"{checkpoint} has no fitted temperature; run {remedy}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} is damaged; run {remedy} again") from error
    if not LEAST <= temperature <= MOST:
        raise InputError(
            f"{path} must contain a temperature in [{LEAST:g}, {MOST:g}], got {temperature}; run {remedy} again"
        )
    if digest != _digest(checkpoint):
        raise InputError(f"{path} was fitted to other weights than those of {checkpoint}; run {remedy} again")
    return temperature


def fitted(checkpoint: Path) -> float:
    """The temperature fitted to a checkpoint; 1 without one. A damaged or outdated file is logged and ignored."""
    if not beside(checkpoint).exists():
        return 1.0
    try:
        return read_temperature(checkpoint)
    except InputError as error:
        log.warning("%s", one_line(error))
        return 1.0


def _digest(checkpoint: Path) -> str:
    with checkpoint.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
