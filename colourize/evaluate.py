"""``colourize evaluate``: floors, runs and ceilings on one validation set."""

import copy
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from rich.console import Console
from torch import Tensor

from colourize import __version__, checkpoint, evaluation_page, manifest
from colourize.calibration import Tempered, read_temperature
from colourize.changes import comparable
from colourize.config import LATER, conf_dir, plain
from colourize.data.module import ColourData, labelled
from colourize.data.pictures import example_index
from colourize.decoding import Decoding, parsed
from colourize.errors import InputError
from colourize.evaluation import TABLE, Predictor, Yardstick
from colourize.figures import strip_figure
from colourize.measures import Row, with_intervals
from colourize.module import Colourizer
from colourize.targets import builder, short_name

BASELINES = "prior", "nearest", "lookup", "grey"  # always rows of the table; as arguments they stand for no run


def evaluate(
    runs: Sequence[str],
    overrides: Sequence[str] = (),
    page: Path | None = None,
    figures: Path | None = None,
    pictures: Path | None = None,
    calibrated: bool = False,
    num_resamples: int = 2_000,
    decodings: Sequence[str] = (),
) -> list[Row]:
    """Measures floors, runs and ceilings on the validation pictures of the first run; prints, and writes what is asked.

    Args:
        runs: checkpoints, run folders (their last checkpoint), sweep folders (all their runs), baselines' names.
        overrides: ``data.root=DIR`` and the like; without a run any knobs, as for training.
        page: an HTML file to write; ``figures``: a JSON file; ``pictures``: a PNG file.
        calibrated: each run once more, with the temperature that ``colourize calibrate`` fitted.
        decodings: beside the arg-max, ``decoding.FORMS``: a row of pictures' measures for each run, or without a run
            for the look-up table.

    Raises:
        InputError: a run that is none, an override that does not apply, pictures that cannot be loaded.
    """
    check_outputs(page, figures, pictures)
    others = [parsed(word) for word in dict.fromkeys(decodings)]
    given = [run for run in runs if run not in BASELINES or Path(run).exists()]
    files = [file for run in given for file in checkpoint_files(run)]
    modules = [checkpoint.load(file) for file in files]
    console = Console(soft_wrap=True, highlight=False, markup=False)
    config = data_config(modules, overrides)
    data = colour_data(config)
    names = run_names([module.config for module in modules])
    used = comparable(config)["data"]
    notes = [
        f"{name} was trained with other pictures ({file}): the floors are not fitted on the same, and some of these "
        "may have been among its training pictures."
        for name, file, module in zip(names, files, modules, strict=True)
        if comparable(module.config)["data"] != used
    ]
    if calibrated:
        names, modules = _with_calibrated(names, modules, files)
        if config["data"].get("holdout"):
            notes.append(
                "The temperatures were fitted to pictures held out as these are; for others pass data.holdout=0."
            )
    rows: list[Row] = []
    strip: dict[str, Tensor] = {}
    truth = 0.0
    for yardstick, predictors in _yardsticks(data, list(zip(names, modules, strict=True)), others):
        index = example_index(len(yardstick.grey))
        truth = yardstick.true_colourfulness
        strip |= {"original": yardstick.pictures.validation[index].permute(0, 3, 1, 2) / 255}
        for predictor in predictors:
            with console.status(f"measuring {predictor.name}"):
                rows.append(with_intervals(yardstick.row(predictor), num_resamples))
            strip[predictor.name] = yardstick.colours(predictor, index)
    assert data.pictures is not None
    title = f"{len(data.pictures.validation)} validation pictures"
    evaluation_page.print_tables(rows, title, console)
    sentences = [*notes, *evaluation_page.comparisons(rows)]
    for sentence in sentences:
        console.print(sentence)
    about = f"{title} ({_source(config)}; {len(data.pictures.train)} training pictures)"
    _write(rows, strip, truth, sentences, about, page, figures, pictures)
    return rows


def _write(
    rows: list[Row],
    strip: dict[str, Tensor],
    truth: float,
    sentences: list[str],
    title: str,
    page: Path | None,
    figures: Path | None,
    pictures: Path | None,
) -> None:
    if figures is not None:
        figures.write_text(evaluation_page.as_json(rows) + "\n")
    if pictures is not None:
        strip_figure(strip).savefig(pictures)
    if page is not None:
        note = (
            f"Floors, networks and ceilings on {title}, colourize {__version__}, {date.today()}. Estimates with 95 % "
            "bootstrap intervals over pictures (that of the calibration error leans upwards); - where a measure does "
            "not apply, none where it has no number. The pictures are those of the most probable class where no "
            f"other decoding is named. True pictures have a mean colourfulness of {truth:.1f}."
        )
        evaluation_page.write_page(page, "colourize: evaluation", note, rows, sentences, strip, truth)


def _source(config: dict[str, Any]) -> str:
    """Where the pictures are from, in words: the source and the settings of its that matter."""
    node = config["data"]
    told = (f"{key}={node[key]}" for key in ("root", "classes", "image_size", "holdout") if node.get(key))
    return " ".join([node["_target_"].split(".")[2], *told])


def check_outputs(page: Path | None, figures: Path | None, pictures: Path | None) -> None:
    """Raises InputError, before anything is measured, where a file could not be written at the end."""
    for file in (page, figures, pictures):
        if file is not None and not file.absolute().parent.is_dir():
            raise InputError(f"{file}: there is no folder {file.parent}; make it, or pass another place")
    if pictures is not None and pictures.suffix.lower() not in (".png", ".jpg", ".pdf", ".svg", ".webp"):
        raise InputError(f"{pictures} is no picture's name; pass one that ends in .png")


def checkpoint_files(run: str) -> list[Path]:
    """The checkpoints that an argument names.

    Raises:
        InputError: neither a checkpoint nor a folder of runs.
    """
    path = Path(run)
    if path.is_file():
        return [path]
    begun = sorted(path.rglob(manifest.NAME), key=lambda file: (file.parent.parent, len(file.parent.name), file))
    folders = [path] if (path / "checkpoints").is_dir() else [file.parent for file in begun]
    files = [file for folder in folders if (file := checkpoint.newest(folder / "checkpoints")) is not None]
    if not files:
        raise InputError(
            f"{run} is no checkpoint, no run folder with a whole checkpoint and no sweep folder; pass one of these, "
            f"or a baseline: {', '.join(BASELINES)}"
        )
    return files


def _with_calibrated(
    names: Sequence[str], modules: Sequence[Colourizer], files: Sequence[Path]
) -> tuple[list[str], list[Colourizer]]:
    """Each run, and behind it the same with its fitted temperature, which its name tells."""
    if not files:
        raise InputError("--calibrated wants a run whose temperature colourize calibrate has fitted; pass one")
    pairs: list[tuple[str, Colourizer]] = []
    for name, module, file in zip(names, modules, files, strict=True):
        temperature = read_temperature(file)
        tempered = copy.deepcopy(module)
        tempered.network = Tempered(tempered.network, temperature)
        pairs += [(name, module), (f"{name}, T = {temperature:.3f}", tempered)]
    return [name for name, _ in pairs], [module for _, module in pairs]


def run_names(configs: Sequence[dict[str, Any]]) -> list[str]:
    """A name for each run: its network, and the knobs by which runs of that network differ."""
    skipped = "model", "ckpt_path", "cache_dir", "trainer"
    configs = [{**LATER, **config} for config in configs]
    networks = [short_name(config["model"]) for config in configs]
    names = []
    for network, config in zip(networks, configs, strict=True):
        alike = [other for other, name in zip(configs, networks, strict=True) if name == network]
        keys = [key for key in config if key not in skipped and any(other.get(key) != config[key] for other in alike)]
        told = [f"{key}={short_name(v) if isinstance(v := config[key], dict) else v}" for key in keys if key != "data"]
        names.append(" ".join([network, *told]))
    counted = Counter(names)
    seen: Counter[str] = Counter()
    for number, name in enumerate(names):
        seen[name] += 1
        names[number] = f"{name} ({seen[name]})" if counted[name] > 1 else name
    return names


def colour_data(config: dict[str, Any]) -> ColourData:
    """The pictures of a configuration, not yet loaded."""
    names = "num_colours", "palette", "colour_space", "cache_dir"
    return ColourData(builder("data", config["data"]), **{name: {**LATER, **config}[name] for name in names})


def data_config(modules: Sequence[Colourizer], overrides: Sequence[str]) -> dict[str, Any]:
    """The configuration whose pictures are used: the first run's, or without a run the composed one."""
    if not modules:
        with initialize_config_dir(conf_dir(), version_base="1.3"):
            return plain(compose("config", list(overrides)))
    config = OmegaConf.create(modules[0].config)
    OmegaConf.set_struct(config, True)
    for override in overrides:
        if not override.startswith("data."):
            raise InputError(f"{override} does not apply to a trained run; pass data.NAME=VALUE")
    config.merge_with_dotlist(list(overrides))
    return plain(config)


def _yardsticks(
    data: ColourData, modules: list[tuple[str, Colourizer]], others: Sequence[Decoding]
) -> list[tuple[Yardstick, list[Predictor]]]:
    """One yardstick for each palette among the runs, with its floors, its runs and its ceilings."""
    if not modules:
        data.setup()
        assert data.pictures is not None
        yardstick = Yardstick(data.pictures, data.train, data.validation, data.palette, data.space)
        decoded = [yardstick.decoded(TABLE, yardstick.table, other) for other in others]
        return [(yardstick, [*yardstick.floors(), *decoded, *yardstick.ceilings()])]
    pictures = data.pictures = data.source()
    palettes: list[list[tuple[str, Colourizer]]] = []
    for name, module in modules:
        alike = next((runs for runs in palettes if _same_palette(runs[0][1], module)), None)
        if alike is None:
            palettes.append([(name, module)])
        else:
            alike.append((name, module))
    result = []
    for number, runs in enumerate(palettes, start=1):
        palette, space = runs[0][1].palette, runs[0][1].space
        yardstick = Yardstick(pictures, *labelled(pictures, palette, data.cache_dir, space), palette, space)
        predictors = yardstick.floors()
        for name, module in runs:
            predictors.append(yardstick.model(name, module))
            predictors += [yardstick.decoded(name, module, other) for other in others]
        predictors += yardstick.ceilings()
        if len(palettes) > 1:
            predictors = [replace(p, name=f"{p.name} (palette {number})", palette=number) for p in predictors]
        result.append((yardstick, predictors))
    return result


def _same_palette(first: Colourizer, second: Colourizer) -> bool:
    return first.space.name == second.space.name and torch.equal(first.palette, second.palette)
