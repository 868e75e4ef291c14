"""What an argument of a measuring verb stands for: checkpoints, and the pictures that they are measured on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from colourize import checkpoint, manifest
from colourize.config import LATER, conf_dir, plain
from colourize.data.module import ColourData
from colourize.errors import InputError
from colourize.module import Colourizer
from colourize.targets import builder


def checkpoint_files(run: str, baselines: Sequence[str] = ()) -> list[Path]:
    """The checkpoints that an argument names: a checkpoint, a run folder (its newest), a sweep folder (all its runs').

    Raises:
        InputError: none of these; told with the ``baselines`` that a verb takes beside them.
    """
    path = Path(run)
    if path.is_file():
        return [path]
    begun = sorted(path.rglob(manifest.NAME), key=lambda file: (file.parent.parent, len(file.parent.name), file))
    folders = [path] if (path / "checkpoints").is_dir() else [file.parent for file in begun]
    files = [file for folder in folders if (file := checkpoint.newest(folder / "checkpoints")) is not None]
    if not files:
        raise InputError(
            f"{run} is no checkpoint, no run folder with a whole checkpoint and no sweep folder; pass one of these"
            + (f", or a baseline: {', '.join(baselines)}" if baselines else "")
        )
    return files


def single_checkpoint(run: str) -> Path:
    """The one checkpoint that an argument names.

    Raises:
        InputError: none, or those of several runs.
    """
    file, *others = checkpoint_files(run)
    if others:
        raise InputError(f"{run} holds {1 + len(others)} runs; pass one of them, such as {file.parent.parent}")
    return file


def data_config(modules: Sequence[Colourizer], overrides: Sequence[str]) -> dict[str, Any]:
    """The configuration whose pictures are used: the first run's, or without a run the composed one.

    Raises:
        InputError: an override that is not of a run's pictures, or a value out of its range.
    """
    if not modules:
        with initialize_config_dir(conf_dir(), version_base="1.3"):
            return plain(compose("config", list(overrides)))
    config = OmegaConf.create({**modules[0].config, "trainer": {}})  # an older run's may hold what is refused now
    OmegaConf.set_struct(config, True)
    for override in overrides:
        if not override.startswith("data."):
            raise InputError(f"{override} does not apply to a trained run; pass data.NAME=VALUE")
    config.merge_with_dotlist(list(overrides))
    return plain(config)


def colour_data(config: dict[str, Any]) -> ColourData:
    """The pictures of a configuration, not yet loaded."""
    names = "num_colours", "palette", "colour_space", "cache_dir"
    return ColourData(builder("data", config["data"]), **{name: {**LATER, **config}[name] for name in names})
