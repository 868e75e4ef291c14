"""``colourize evaluate RUN --photographs DIR``: a network on photographs of any size, as a table and as JSON."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from colourize.config.instantiate import short_name
from colourize.data.labelled import labelled, read
from colourize.errors import InputError, one_line
from colourize.evaluation.inputs import data_config, load, single_checkpoint
from colourize.evaluation.photographs import Photographs, measured, recognised
from colourize.evaluation.recognition import CLASSIFIER, Recognised, classes_of, classifier
from colourize.files import check_output, expanded, printable, replace_text
from colourize.models.lookup import LookupTable
from colourize.present import tables, terminal
from colourize.runs.checkpoint import Trained

log = logging.getLogger(__name__)
NAMED = 10  # unreadable files that are named


def evaluate(
    run: str,
    folder: str | Path,
    size: int | None = None,
    cut: bool = False,
    overrides: Sequence[str] = (),
    figures: Path | None = None,
    classes: Path | None = None,
    trusted: Sequence[str] = (),
) -> Photographs:
    """Measures a run on the photographs of a folder; prints, and writes what is asked.

    The look-up table is fitted to the run's own training pictures; without them there is no skill.

    Args:
        run: a checkpoint or a run folder.
        folder: of photographs.
        size: the shorter side to which they are scaled, in pixels; None: as they are.
        cut: whether their centre squares are taken.
        overrides: ``data.root=DIR`` and the like, where the run's pictures are now.
        figures: a JSON file to write.
        classes: a CSV file with the ImageNet class of each photograph: measures also what a classifier recognises.
        trusted: packages beside ours whose networks and sources the checkpoint may name.

    Raises:
        InputError: not one run, a palette that is not chroma, a size below 8, no photographs.
    """
    check_output(figures)
    if size is not None and size < 8:
        raise InputError(f"--size must be >= 8 pixels, got {size}; pass for example --size 256")
    file = single_checkpoint(run)
    (trained,) = load([file], trusted)
    if not trained.model.space.keeps:
        raise InputError(f"--photographs requires a network of colour_space=lab or oklab, got {file}, which is of rgb")
    found = measured(trained.model, expanded(folder), size, cut, _table(trained, overrides))
    terminal.console(soft_wrap=True).print(_text(short_name(trained.config["model"]), found, size, cut))
    written = as_json(found)
    if classes is not None:
        seen = recognised(trained.model, expanded(folder), classes_of(classes), classifier(), size=size, cut=cut)
        written["recognised"] = _shares(seen)
        terminal.console(soft_wrap=True).print(_recognition(seen))
    if figures is not None:
        replace_text(figures, json.dumps(written, indent=1, allow_nan=False) + "\n")
    return found


def _table(trained: Trained, overrides: Sequence[str]) -> LookupTable | None:
    model = trained.model
    try:
        config = data_config([trained], overrides)
        train = labelled(read(config), model.palette, config["cache_dir"], model.space, model.stride).train
    except InputError as error:
        log.warning("no look-up table, and so no skill: the run's own pictures cannot be read (%s)", one_line(error))
        return None
    table = LookupTable(len(model.palette))
    table.fit(train.coarse, train.labels)
    return table


def _shares(seen: Recognised) -> dict[str, object]:
    shares = {name: float(each.double().mean()) for name, each in seen._asdict().items()}
    given_back = seen.given_back
    return {"photographs": len(seen.grey), **shares, "given_back": given_back if given_back == given_back else None}


def _recognition(seen: Recognised) -> str:
    colour, grey, coloured = (f"{100 * each.double().mean():.1f}" for each in seen)
    return (
        f"{CLASSIFIER} recognises {colour} % of {len(seen.grey)} photographs in colour, {grey} % in grey, {coloured} % "
        f"re-coloured (T = 0.4): {100 * seen.given_back:.0f} % of the loss is given back"
    )


def as_json(found: Photographs) -> dict[str, object]:
    """The mean of every measure; null where there is no number."""
    numbers = {
        "photographs": len(found.grey),
        "grey_psnr": float(found.grey.mean()),
        "true_colourfulness": float(found.truth.mean()),
        "cross_entropy": float(found.loss.mean()),
        "table_cross_entropy": float(found.table.mean()),
        "skill": found.skill,
        "db_above_grey": found.gain,
        "colourfulness_ratio_at_grey_psnr": found.ratio,
    }
    curve = {
        str(temperature): {"psnr": float(psnr), "colourfulness": float(colourfulness)}
        for temperature, psnr, colourfulness in zip(
            found.temperatures, found.psnr.mean(0), found.colourfulness.mean(0), strict=True
        )
    }
    return {**{key: value if value == value else None for key, value in numbers.items()}, "temperatures": curve}


def _text(name: str, found: Photographs, size: int | None, cut: bool) -> str:
    """The table over temperatures, the two figures, and the files that were left out."""
    truth = float(found.truth.mean())
    lines = [
        ["", "PSNR, dB", "colourfulness", "of the truth, %"],
        ["grey as it is", f"{found.grey.mean():.2f}", "0.0", "0"],
    ]
    for temperature, psnr, colours in zip(
        found.temperatures, found.psnr.mean(0), found.colourfulness.mean(0), strict=True
    ):
        called = "mean" if temperature == 1 else f"T = {temperature:g}"
        share = f"{100 * colours / truth:.0f}" if truth else "-"
        lines.append([called, f"{psnr:.2f}", f"{colours:.1f}", share])
    how = "as they are" if size is None else f"shorter side {size} pixels"
    how += ", centre squares" * cut
    said = [
        f"{name}, {len(found.grey)} photographs, {how}; colourfulness of the truth {truth:.1f}",
        "",
        tables.as_text(lines),
        "",
        f"mean: {found.gain:+.2f} dB above the grey; as good as the grey at {100 * found.ratio:.0f} % of the true "
        "colourfulness",
        f"cross-entropy {found.loss.mean():.3f} nats a label"
        + (f"; table {found.table.mean():.3f}, skill {found.skill:.3f}" if found.skill == found.skill else ""),
    ]
    named = [f"  {printable(path)}: {reason}" for path, reason in found.unreadable[:NAMED]]
    count = len(found.unreadable)
    return "\n".join([*said, *([f"{count} files cannot be read and are left out:", *named] if count else [])])
