"""The measures of photographs as JSON and as text."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor

from colourize.colour.usual import TEMPERATURE
from colourize.evaluation import metrics
from colourize.evaluation.calibration import Calibration
from colourize.evaluation.photographs import BLOCKS, GREY, MEAN, SATURATIONS, Photographs
from colourize.evaluation.recognition import CLASSIFIER, Recognised
from colourize.files import printable
from colourize.present import tables

NAMED = 10  # unreadable files that are named
CALLED = {GREY: "grey as it is", MEAN: "mean of the classes", BLOCKS: "true means of the network's blocks"}


class Judged(NamedTuple):
    """The measures on photographs.

    Attributes:
        found: the measures of each photograph.
        calibration: of the probabilities; None where it cannot be measured.
        distances: ``frechet.distance`` to the photographs by name; empty if not requested.
        seen: the photographs that a classifier recognises; None if not requested.
    """

    found: Photographs
    calibration: Calibration | None = None
    distances: dict[str, float] = {}  # noqa: RUF012 (never changed)
    seen: Recognised | None = None


def as_json(judged: Judged) -> dict[str, Any]:
    """The mean of every measure; null for a measure without a value."""
    found, calibration = judged.found, judged.calibration
    floors = {
        name: {key: _number(value.mean()) for key, value in floor._asdict().items()}
        for name, floor in found.floors.items()
    }
    numbers = {
        "photographs": len(found.grey),
        "unreadable": len(found.unreadable),
        "grey_psnr": float(found.grey.mean()),
        "true_colourfulness": float(found.truth.mean()),
        "cross_entropy": float(found.loss.mean()),
        "skill": _number(found.skill()),
        "skills": {name: _number(found.skill(name)) for name, floor in floors.items() if floor["loss"] is not None},
        "db_above_grey": found.gain,
        "colourfulness_ratio_at_grey_psnr": found.ratio,
        "colourfulness_ratio_at_grey_psnr_by_saturation": found.saturated_ratio,
        "calibration_error": float(metrics.ece(found.bins.mean(0))),
        "calibration": None if calibration is None else calibration._asdict(),
        "errors": {
            name: dict(zip(("all", "edges"), map(float, each.mean(0)), strict=True))
            for name, each in found.errors.items()
        },
        "floors": floors,
        "temperatures": _points(found.temperatures, found.psnr, found.colourfulness),
        "saturations": _points(SATURATIONS, found.saturated_psnr, found.saturated_colourfulness),
    }
    numbers |= {"frechet": judged.distances} if judged.distances else {}
    return numbers | ({"recognised": _shares(judged.seen)} if judged.seen is not None else {})


def _points(steps: Sequence[float], psnr: Tensor, colourfulness: Tensor) -> dict[str, dict[str, float]]:
    """The means over the photographs at each step of a curve: two [N, T]."""
    means = zip(steps, psnr.mean(0).tolist(), colourfulness.mean(0).tolist(), strict=True)
    return {str(step): {"psnr": one, "colourfulness": other} for step, one, other in means}


def _number(value: Any) -> float | None:
    return float(value) if value == value else None


def _shares(seen: Recognised) -> dict[str, object]:
    shares = {name: float(each.double().mean()) for name, each in seen._asdict().items()}
    return {"photographs": len(seen.grey), **shares, "given_back": _number(seen.given_back)}


def text(name: str, judged: Judged, size: int | None, cut: bool, seen: int | None = None) -> str:
    """Tables of floors and temperatures, of errors, the figures that sum them up, and the files that were left out."""
    found, truth = judged.found, float(judged.found.truth.mean())
    how = "as they are" if size is None else f"shorter side {size} pixels"
    how += ", centre squares" * cut + (f", seen with {seen} pixels" if seen is not None else "")
    loss = f"cross-entropy {found.loss.mean():.3f} nats a label"
    skills = {each: found.skill(each) for each in found.floors if found.skill(each) == found.skill(each)}
    lines = [
        f"{name}, {len(found.grey)} photographs, {how}; colourfulness of the truth {truth:.1f}",
        "",
        tables.as_text(_curve(found)),
        "",
        f"mean: {found.gain:+.2f} dB above the grey; its PSNR equals that of the grey at {100 * found.ratio:.0f} % of "
        f"the true colourfulness by temperature, {100 * found.saturated_ratio:.0f} % by saturation",
        "; ".join([loss, *(f"skill {value:.3f} over {each}" for each, value in skills.items())]),
        _calibration(found, judged.calibration),
        "",
        tables.as_text(_errors(found)),
        *([_distances(judged.distances)] if judged.distances else []),
        *([_recognition(judged.seen)] if judged.seen is not None else []),
    ]
    named = [f"  {printable(path)}: {reason}" for path, reason in found.unreadable[:NAMED]]
    count = len(found.unreadable)
    return "\n".join([*lines, *([f"{count} files cannot be read and are left out:", *named] if count else [])])


def _curve(found: Photographs) -> list[list[str]]:
    """A table of PSNR and colourfulness: the floors' mean colours, the network's by temperature and by saturation."""
    rows: list[tuple[str, Any, Any]] = [("grey as it is", found.grey.mean(), 0.0)]
    rows += [(name, floor.psnr.mean(), floor.colourfulness.mean()) for name, floor in found.floors.items()]
    names = ("mean" if temperature == 1 else f"T = {temperature:g}" for temperature in found.temperatures)
    rows += zip(names, found.psnr.mean(0), found.colourfulness.mean(0), strict=True)
    saturated = found.saturated_psnr.mean(0)[1:], found.saturated_colourfulness.mean(0)[1:]
    rows += zip((f"mean, saturation {each:g}" for each in SATURATIONS[1:]), *saturated, strict=True)
    truth = float(found.truth.mean())
    return [
        ["", "PSNR, dB", "colourfulness", "of the truth, %"],
        *(
            [name, f"{psnr:.2f}", f"{colours:.1f}", f"{100 * colours / truth:.0f}" if truth else "-"]
            for name, psnr, colours in rows
        ),
    ]


def _calibration(found: Photographs, fitted: Calibration | None) -> str:
    lines = f"calibration error {100 * metrics.ece(found.bins.mean(0)):.1f} %"
    if fitted is None:
        return lines
    return (
        f"{lines}; T = {fitted.temperature:.3f}, fitted to every second photograph, changes the cross-entropy of the "
        f"others by {fitted.loss[1] - fitted.loss[0]:+.4f} and their calibration error from {100 * fitted.ece[0]:.1f} "
        f"to {100 * fitted.ece[1]:.1f} %"
    )


def _errors(found: Photographs) -> list[list[str]]:
    rows = [[CALLED[name], *(f"{value:.2f}" for value in each.mean(0).tolist())] for name, each in found.errors.items()]
    return [["error of (a, b)", "all pixels", "edges"], *rows]


def _distances(distances: dict[str, float]) -> str:
    each = ", ".join(f"{name} {value:.1f}" for name, value in distances.items())
    return f"Fréchet distance to the photographs on features of {CLASSIFIER} (not FID): {each}"


def _recognition(seen: Recognised) -> str:
    colour, grey, coloured = (f"{100 * each.double().mean():.1f}" for each in seen)
    return (
        f"{CLASSIFIER} recognises {colour} % of {len(seen.grey)} photographs in colour, {grey} % in grey, {coloured} % "
        f"re-coloured (T = {TEMPERATURE}): {100 * seen.given_back:.0f} % of the loss is recovered"
    )
