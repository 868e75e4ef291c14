"""``colourize evaluate``: floors, runs and ceilings on one validation set."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from rich.console import Console
from torch import Tensor

from colourize import checkpoint, manifest, report
from colourize.config import conf_dir, plain
from colourize.data.module import ColourData, LabelledPictures
from colourize.errors import InputError
from colourize.evaluation import Predictor, Row, Yardstick, with_intervals
from colourize.figures import strip_figure
from colourize.module import Colourizer
from colourize.targets import builder, short_name

BASELINES = "prior", "nearest", "lookup", "grey"  # always rows of the table; as arguments they stand for no run
NUM_EXAMPLES = 10


def evaluate(
    runs: Sequence[str],
    overrides: Sequence[str] = (),
    page: Path | None = None,
    figures: Path | None = None,
    pictures: Path | None = None,
    num_resamples: int = 2_000,
) -> list[Row]:
    """Measures floors, runs and ceilings on the validation pictures of the first run; prints, and writes what is asked.

    Args:
        runs: checkpoints, run folders (their last checkpoint), sweep folders (all their runs), baselines' names.
        overrides: ``data.root=DIR`` and the like; without a run any knobs, as for training.
        page: an HTML file to write; ``figures``: a JSON file; ``pictures``: a PNG file.

    Raises:
        InputError: a run that is none, an override that does not apply, pictures that cannot be loaded.
    """
    files = [file for run in runs if run not in BASELINES for file in checkpoint_files(run)]
    modules = [checkpoint.load(file) for file in files]
    console = Console(soft_wrap=True, highlight=False, markup=False)
    config = _data_config(modules, overrides)
    data = ColourData(
        builder("data", config["data"]),
        **{name: config[name] for name in ("num_colours", "palette", "cache_dir")},
    )
    for file, module in zip(files, modules, strict=True):
        if module.config["data"] != modules[0].config["data"]:
            console.print(f"{file} was validated on other pictures; here all are measured on those of {files[0]}")
    names = run_names([module.config for module in modules])
    rows: list[Row] = []
    strip: dict[str, Tensor] = {}
    truth = 0.0
    for yardstick, predictors in _yardsticks(data, list(zip(names, modules, strict=True))):
        index = torch.linspace(0, len(yardstick.grey) - 1, min(NUM_EXAMPLES, len(yardstick.grey))).long()
        truth = yardstick.true_colourfulness
        strip |= {"original": yardstick.pictures.validation[index].permute(0, 3, 1, 2) / 255}
        for predictor in predictors:
            with console.status(f"measuring {predictor.name}"):
                rows.append(with_intervals(yardstick.row(predictor), num_resamples))
            strip[predictor.name] = yardstick.colours(predictor, index)
    title = f"{len(data.pictures.validation)} validation pictures" if data.pictures else ""
    report.print_tables(rows, title, console)
    sentences = report.comparisons(rows)
    for sentence in sentences:
        console.print(sentence)
    _write(rows, strip, truth, sentences, title, page, figures, pictures)
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
        figures.write_text(report.as_json(rows) + "\n")
    if pictures is not None:
        strip_figure(strip).savefig(pictures)
    if page is not None:
        note = (
            f"Floors, networks and ceilings on {title}. Estimates with 95 % bootstrap intervals over pictures; the "
            f"pictures are those of the most probable class. True pictures have a mean colourfulness of {truth:.1f}."
        )
        report.write_page(page, "colourize: evaluation", note, rows, sentences, strip, truth)


def checkpoint_files(run: str) -> list[Path]:
    """The checkpoints that an argument names.

    Raises:
        InputError: neither a checkpoint nor a folder of runs.
    """
    path = Path(run)
    if path.is_file():
        return [path]
    last = path / "checkpoints/last.ckpt"
    if last.is_file():
        return [last]
    finished = sorted(path.glob(f"*/{manifest.NAME}"), key=lambda file: (len(file.parent.name), file.parent.name))
    files = [file.parent / "checkpoints/last.ckpt" for file in finished]
    if not any(file.is_file() for file in files):
        raise InputError(
            f"{run} is no checkpoint, no run folder with checkpoints/last.ckpt and no sweep folder; pass one of these, "
            f"or a baseline: {', '.join(BASELINES)}"
        )
    return [file for file in files if file.is_file()]


def run_names(configs: Sequence[dict[str, Any]]) -> list[str]:
    """A name for each run: its network, and the knobs by which runs of that network differ."""
    skipped = "model", "ckpt_path", "cache_dir", "trainer"
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


def _data_config(modules: Sequence[Colourizer], overrides: Sequence[str]) -> dict[str, Any]:
    """The configuration whose pictures are used: the first run's, or without a run the composed one."""
    if not modules:
        with initialize_config_dir(conf_dir(), version_base="1.3"):
            return plain(compose("config", list(overrides)))
    config = OmegaConf.create(modules[0].config)
    OmegaConf.set_struct(config, True)
    for override in overrides:
        if not override.startswith(("data.", "cache_dir=")):
            raise InputError(f"{override} does not apply to a trained run; pass data.NAME=VALUE or cache_dir=DIR")
    config.merge_with_dotlist(list(overrides))
    return plain(config)


def _yardsticks(data: ColourData, modules: list[tuple[str, Colourizer]]) -> list[tuple[Yardstick, list[Predictor]]]:
    """One yardstick for each palette among the runs, with its floors, its runs and its ceilings."""
    if not modules:
        data.setup()
        assert data.pictures is not None
        yardstick = Yardstick(data.pictures, data.train, data.validation, data.palette)
        return [(yardstick, [*yardstick.floors(), *yardstick.ceilings()])]
    pictures = data.pictures = data.source()
    palettes: list[tuple[Tensor, list[tuple[str, Colourizer]]]] = []
    for name, module in modules:
        alike = next((runs for palette, runs in palettes if torch.equal(palette, module.palette)), None)
        if alike is None:
            palettes.append((module.palette, [(name, module)]))
        else:
            alike.append((name, module))
    result = []
    for number, (palette, runs) in enumerate(palettes, start=1):
        labelled = LabelledPictures(pictures.train, palette), LabelledPictures(pictures.validation, palette)
        yardstick = Yardstick(pictures, *labelled, palette)
        predictors = [
            *yardstick.floors(),
            *(yardstick.model(name, module) for name, module in runs),
            *yardstick.ceilings(),
        ]
        if len(palettes) > 1:
            predictors = [Predictor(f"{p.name} (palette {number})", p.kind, p.predict) for p in predictors]
        result.append((yardstick, predictors))
    return result
