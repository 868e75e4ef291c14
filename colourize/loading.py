"""What an argument of a measuring verb stands for: checkpoints, and the pictures that they are measured on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from colourize import checkpoint, files, manifest, options
from colourize.config import LATER, conf_dir, own, plain
from colourize.data.folder import DEFAULT_HOLDOUT
from colourize.data.module import ColourData, fingerprint
from colourize.data.pictures import Pictures
from colourize.errors import InputError
from colourize.module import Colourizer
from colourize.options import option
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


def load(files: Sequence[Path], packages: Sequence[str] = ()) -> list[Colourizer]:
    """The networks of checkpoints; ``packages`` are those of ``--trust``.

    Raises:
        InputError: a checkpoint that cannot be used, or names other code than ours and that of the packages.
    """
    trusted = options.check_trusted(packages)
    return [checkpoint.load(file, trusted) for file in files]


def data_config(modules: Sequence[Colourizer], overrides: Sequence[str]) -> dict[str, Any]:
    """The configuration whose pictures are used: the first run's, or without a run the composed one.

    A run's file does not say where we write: not into a folder that is not yet a cache of ours, and nothing is
    downloaded into one that only the file names.

    Raises:
        InputError: an override that is not of a run's pictures, or a value out of its range.
    """
    if not modules:
        with initialize_config_dir(conf_dir(), version_base="1.3"):
            return plain(compose("config", list(overrides)))
    words = dict(override.partition("=")[::2] for override in overrides)
    for name in words:
        if name != "cache_dir" and not name.startswith("data."):
            raise InputError(f"{name}={words[name]} does not apply to a trained run; pass data.NAME=VALUE")
    config = OmegaConf.create({**modules[0].config, "trainer": {}})  # an older run's may hold what is refused now
    if not files.is_cache(Path(config.cache_dir)):
        config.cache_dir = own("config.yaml")["cache_dir"]
    OmegaConf.set_struct(config, True)
    config.merge_with_dotlist([word for word in overrides if word.startswith("cache_dir=")])
    if "cache_dir" in config.data:
        config.data.cache_dir = config.cache_dir
    config.merge_with_dotlist([word for word in overrides if not word.startswith("cache_dir=")])
    knobs = plain(config)
    if option(knobs["data"]["_target_"], "data") == "cifar10" and "data.root" not in words:
        knobs["data"]["download"] = knobs["data"]["root"] == own("data/cifar10.yaml")["data"]["root"]
    return knobs


def colour_data(config: dict[str, Any]) -> ColourData:
    """The pictures of a configuration, not yet loaded."""
    names = "num_colours", "palette", "colour_space", "cache_dir"
    return ColourData(builder("data", config["data"]), **{name: {**LATER, **config}[name] for name in names})


def unseen(module: Colourizer, config: dict[str, Any], pictures: Pictures) -> bool:
    """Whether a run trained on none of the validation pictures: these are its own, wherever they lie now.

    The fingerprint decides. Where ``holdout`` alone differs, a larger share holds out what a smaller one does
    (``data.pictures.held_out``), and with 0 now the test split validates, or a folder's default share for lack of one.

    Args:
        module: the run's, with its configuration and the fingerprint of its pictures.
        config: with which ``pictures`` were read.
    """
    palette, space = module.palette.float(), module.space
    if fingerprint(pictures, palette, space) == module.fingerprint:
        return True
    before, now = (node | {"holdout": node.get("holdout", 0.0)} for node in (module.config["data"], config["data"]))
    default = DEFAULT_HOLDOUT if option(now["_target_"], "data") == "folder" else 0.0
    if before["holdout"] == now["holdout"] or (now["holdout"] or default) > before["holdout"]:
        return False
    once = builder("data", {**now, "holdout": before["holdout"]})()
    return fingerprint(once, palette, space) == module.fingerprint


def other_pictures(name: str, file: Path, module: Colourizer, config: dict[str, Any], pictures: Pictures) -> list[str]:
    """A sentence where a run may have seen some of the pictures that it is measured on; see ``unseen``."""
    if unseen(module, config, pictures):
        return []
    return [
        f"{name} was trained with other pictures ({file}): the floors are not fitted on the same, and some of these "
        "may have been among its training pictures."
    ]
