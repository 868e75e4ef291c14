"""Reads the arguments of commands that measure: checkpoints and pictures."""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from colourize import files
from colourize.config import options
from colourize.config.compose import composed, plain, with_values
from colourize.config.folder import own
from colourize.config.knobs import KNOBS
from colourize.config.options import option
from colourize.data.labelled import fingerprint, read
from colourize.data.pictures import Pictures
from colourize.errors import InputError, shown
from colourize.runs import checkpoint, manifest, shipped, trained
from colourize.runs.trained import Trained

log = logging.getLogger(__name__)


def checkpoint_files(run: str, floors: Sequence[str] = ()) -> list[Path]:
    """The checkpoints of an argument: a checkpoint, a run folder (its newest), a sweep folder (one per run).

    Raises:
        InputError: none of these; the message also lists the ``floors`` that the command takes.
    """
    path = Path(run)
    if path.is_file():
        return [path]
    begun = sorted(path.rglob(manifest.NAME), key=lambda file: (file.parent.parent, len(file.parent.name), file))
    folders = [path] if (path / "checkpoints").is_dir() else [file.parent for file in begun]
    files = [found[0] for folder in folders if (found := checkpoint.newest(folder / "checkpoints")) is not None]
    if not files:
        raise InputError(
            f"{run} must be a checkpoint, a run folder with an undamaged checkpoint or a sweep folder"
            + (f", or a floor: {', '.join(floors)}" if floors else "")
        )
    return files


def single_checkpoint(run: str) -> Path:
    """The one checkpoint of an argument, or the file of ``shipped``.

    Raises:
        InputError: no checkpoint, or several runs.
    """
    file, *others = checkpoint_files(str(shipped.named(run)))
    if others:
        raise InputError(f"{run} contains {1 + len(others)} runs; pass one of them, such as {file.parent.parent}")
    return file


def load(files: Sequence[Path], packages: Sequence[str] = ()) -> list[Trained]:
    """The networks of checkpoints; ``packages`` are those of ``--trust``.

    Raises:
        InputError: a checkpoint cannot be used, or names code outside colourize and the packages.
    """
    trusted = options.check_trusted(packages)
    return [trained.load(file, trusted) for file in files]


def data_config(runs: Sequence[Trained], overrides: Sequence[str]) -> dict[str, Any]:
    """The configuration of the pictures: that of the first run, or without a run the composed one.

    A file never decides where we write: its cache folder is used only if it is already one of our caches, and nothing
    is downloaded to a folder, or from an address, that only the file names.

    Raises:
        InputError: an override does not apply to a run's pictures, or a value is out of its range.
    """
    if not runs:
        return plain(composed("config", overrides))
    words = dict(override.partition("=")[::2] for override in overrides)
    for name in words:
        if name != "cache_dir" and not name.startswith("data."):
            raise InputError(f"{name}={words[name]} does not apply to a trained run; pass data.NAME=VALUE")
    config = {**runs[0].config, "trainer": {}}  # an older run may contain values that are now refused
    default, cache = KNOBS["cache_dir"].default, config["cache_dir"]
    if cache != default and "cache_dir" not in words and not files.is_cache(Path(cache)):
        log.warning(files.NO_CACHE, f"cache_dir={cache}")
        config["cache_dir"] = default
    knobs = with_values(config, overrides, "cache_dir")
    source = option(knobs["data"]["_target_"], "data")
    if source == "shards" and "data.root" not in words and "://" in knobs["data"]["root"]:
        address = f"data.root={shown(knobs['data']['root'], 120)}"
        raise InputError(f"the address {address} is only in the file; type it to read the pictures from there")
    if source == "cifar10" and "data.root" not in words:
        knobs["data"]["download"] = knobs["data"]["root"] == own("data/cifar10.yaml")["data"]["root"]
    return knobs


def trained_on(trained: Trained, pictures: Pictures) -> bool:
    """Whether these are exactly the pictures that a run was trained and validated on, in any folder."""
    return fingerprint(pictures, trained.model.palette, trained.model.space) == trained.fingerprint


def unseen(trained: Trained, config: dict[str, Any], pictures: Pictures) -> bool:
    """Whether a run is known to have trained on none of the validation pictures.

    This is so for its own pictures (``trained_on``). If only ``holdout`` differs, its own pictures are read again, and
    none of their training pictures may be among the validation pictures.

    Args:
        trained: the run, with its configuration and the fingerprint of its pictures.
        config: the configuration of ``pictures``.
        pictures: to measure on.
    """
    if trained_on(trained, pictures):
        return True
    before, now = (node["data"].get("holdout", 0.0) for node in (trained.config, config))
    if before == now:
        return False
    again = read({"data": {**config["data"], "holdout": before}})
    return trained_on(trained, again) and _contents(again.train).isdisjoint(_contents(pictures.validation))


def _contents(images: Tensor) -> set[bytes]:
    """A hash of each picture: uint8 [N, H, W, 3] -> N digests; equal pictures have equal digests."""
    return {hashlib.blake2b(picture.numpy().tobytes(), digest_size=16).digest() for picture in images}


def other_pictures(name: str, file: Path, trained: Trained, config: dict[str, Any], pictures: Pictures) -> list[str]:
    """A warning if a run may have trained on some of the pictures that it is measured on; see ``unseen``."""
    if unseen(trained, config, pictures):
        return []
    return [
        f"{name} ({file}) was trained with other pictures than these, which come from the first run or from "
        "data.NAME=...: its floors would differ, and it may have trained on some of these."
    ]
