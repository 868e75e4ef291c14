"""The contents of a report's page, part by part."""

import shlex
from collections.abc import Sequence

import numpy as np

from colourize import __version__
from colourize.config import lab_record
from colourize.present.terminal import cleaned
from colourize.report import comparisons, detection, records, strips, summary
from colourize.report.columns import LOSS, deciding
from colourize.report.document import Answer, Bullets, Code, Document, Heading, Part, Pictures, Table, Text
from colourize.report.drawn import drawn
from colourize.report.published import SOURCE, matching
from colourize.report.records import Record
from colourize.report.results import tables
from colourize.report.searched import searched
from colourize.report.settings import Report
from colourize.runs import resume
from colourize.runs.apart import as_typed, labels, value_of

MOST_STRIPS = 60
RECORDED = {
    "Question": "Question",
    "Expected": "Expected of the full study, from its file (these runs may be fewer, shorter or on other pictures)",
}
METHODS = (
    "Losses, accuracies and pictures are those of the last epoch. The best epoch has the lowest validation "
    "loss, chosen on the same pictures, so its loss is optimistic.",
    "A setting is the resolved configuration without the seed and paths. mean ± sd are over seeds, sd with n - 1; a "
    'setting with one seed shows no spread. Only finished runs count. "2 of 3" seeds means that one run ended without '
    "a result, so the mean of the others may be optimistic.",
    "Skill is the share of the look-up table's cross-entropy that a network removes; below 0 the table, which needs no "
    "network, is better. The training loss is a mean over the epoch, during which the weights change.",
    "Other jobs on the same machine may have slowed seconds and pictures per second (median epoch).",
)


OF_DETECTORS = (
    "Losses, AP and pictures are those of the last epoch. The best epoch has the highest AP, chosen on the same "
    "pictures, so its AP is optimistic.",
    METHODS[1],
    "AP is the average precision of COCO: the mean over classes, over 101 recalls and over ten thresholds of the IoU, "
    "0.50 to 0.95; AP50 takes 0.50 alone. Intervals over pictures are in the runs' detection.json.",
    METHODS[3],
)


def contents(report: Report) -> Document:
    """The page of a report."""
    name = records.experiment(report.records)
    header = lab_record.header(name, [record.folder for record in report.records]) if name else {}
    parts: list[Part] = [Text(f"**{heading}**: {header[key]}") for key, heading in RECORDED.items() if key in header]
    if header and (words := summary.changed(report)):
        parts.append(Text(f"These runs were started with {words}."))
    parts += [Answer(""), Text(summary.summary(report)), Heading("Results")]
    parts += tables(report)
    parts += [
        *drawn(report),
        *searched(report),
        *_against_published(report),
        *_comparisons(report),
        *_pictures(report),
        *detection.shown(report),
        *_unfinished(report),
        *_labelled(report),
    ]
    parts += [*_varied(report), *_provenance(report)]
    parts += [
        Heading("How the figures are made"),
        Bullets(_methods(report)),
        Text(f"Written by colourize {__version__}."),
    ]
    return Document(f"{'Study' if header else 'Report'}: {name or ', '.join(report.varied) or 'one setting'}", parts)


def _methods(report: Report) -> tuple[str, ...]:
    return METHODS if deciding(report.settings) is LOSS else OF_DETECTORS


def _against_published(report: Report) -> list[Part]:
    known = {each.values["model"]: found for each in report.settings if (found := matching(each.values)) is not None}
    if not known:
        return []
    figures = [
        f"{model} {found.loss[0]:.4f} ± {found.loss[1]:.4f} nats a pixel and {100 * found.accuracy[0]:.2f} ± "
        f"{100 * found.accuracy[1]:.2f} % ({found.runs} runs)"
        for model, found in sorted(known.items())
    ]
    copies = any(each.values.get("data") == "folder" for each in report.settings)
    caution = (
        " Pictures from a folder may be JPEG copies; their smoother colours are slightly easier to predict." * copies
    )
    return [Text(f"Published at these settings: {'; '.join(figures)}. Source: {SOURCE}.{caution}")]


def _comparisons(report: Report) -> list[Part]:
    found, with_best = comparisons.compared(report)
    if len(report.settings) < 2:
        return []
    note = (
        "First minus second, over pairs of runs with the same seed and pictures: mean ± sd, and Student's 95 % "
        "interval of the mean. Each interval is for one comparison: of twenty, one is expected to miss its true value."
    )
    several = len({each.pictures for each in report.settings}) > 1
    if several:
        note += " Settings with other pictures or another palette are not comparable."
    if not found:
        return [Heading("Compared"), Text(f"{note} There is no {'other' if several else 'such'} pair.")]
    if with_best:
        note += " Each setting is compared only with the best one, which was chosen by the same measures."
    long = f"{len(found)} comparisons" if len(found) > comparisons.MOST_PAIRS else ""
    return [Heading("Compared"), Text(note), Table(comparisons.rows(report, found), long=long)]


def _pictures(report: Report) -> list[Part]:
    """Ten pictures, grey and with true classes, and the predictions of each setting's run with the lowest seed."""
    settings = [each for each in report.settings if each.runs or each.unfinished]
    dropped = max(0, len(settings) - MOST_STRIPS)
    groups: dict[bytes, dict[str, np.ndarray]] = {}
    absent = []
    for each in settings[:MOST_STRIPS]:
        run = (*each.runs, *each.unfinished)[0]
        found = strips.read(run.folder)
        if found is None:
            absent.append(each.label)
            continue
        first = {"grey": found.grey, "true class": found.true}
        rows = groups.setdefault(found.grey.tobytes() + found.true.tobytes(), first)
        rows[f"{each.label}{'' if each.runs else f' ({run.state})'}"] = found.predicted
    if not groups:
        return []
    note = "Ten validation pictures, the same for every run: grey, each pixel's true class (the best that the palette "
    note += "allows), and the most probable class by the run with the lowest seed of each setting."
    note += f" Left out: {dropped} more settings." * bool(dropped)
    note += f" Not available: {', '.join(absent)}." * bool(absent)
    return [Heading("The same pictures by every setting"), Text(note), *map(Pictures, groups.values())]


def _unfinished(report: Report) -> list[Part]:
    common = set.intersection(*(set(record.overrides) for record in report.records))
    lines = [["job", "state", "epochs", "error", "words"]]
    for record in report.records:
        if record.state != "finished":
            words = " ".join(word for word in record.overrides if len(report.records) == 1 or word not in common)
            epochs = f"{len(record.epochs)}/{record.config.get('max_epochs', '?')}"
            lines.append([record.name, record.state, epochs, record.error or "-", words])
    notes = [f"{record.folder}: lacks {', '.join(record.lacks)}" for record in report.records if record.lacks]
    parts: list[Part] = [Heading("Failed and unfinished jobs"), Table(lines)] if len(lines) > 1 else []
    if notes or report.doubled:
        parts += [Heading("What is missing"), Bullets([*notes, *report.doubled])]
    return parts


def _labelled(report: Report) -> list[Part]:
    """The names and tags of the runs that have some."""
    found = [(record, labels(record.config)) for record in report.records]
    lines = [
        [str(record.folder), each["name"] or "-", ", ".join(each["tags"]) or "-"]
        for record, each in found
        if any(each.values())
    ]
    return [Heading("Names and tags"), Table([["run", "name", "tags"], *lines])] if lines else []


def _varied(report: Report) -> list[Part]:
    def line(name: str) -> str:
        values = dict.fromkeys(as_typed(value_of(each.values, name)) for each in report.settings)
        return f"`{name}`: {', '.join(values)}"

    varied = [line(name) for name in report.varied] or ["only the seed"]
    varied += [f"{line(name)} (follows from the above)" for name in report.following]
    if report.usual:
        usual = ", ".join(f"{name}={as_typed(value)}" for name, value in report.usual.items() if name != "model")
        varied.append(f"values that a setting's name leaves out: {usual}")
    seeds = sorted({record.seed for record in report.records if record.config})
    constant = [[name, as_typed(value)] for name, value in report.constant.items()]
    varied.append(f"`seed`: {', '.join(map(str, seeds)) or 'unknown'}")
    stayed = Table([["the same in all", "value"], *constant], long="What stayed the same")
    return [Heading("What varied, and what stayed the same"), Bullets(varied), stayed]


def _provenance(report: Report) -> list[Part]:
    places: dict[str, set[str]] = {}
    for record in report.records:
        known = {**record.environment, "pictures and palette": record.fingerprint}
        for key, value in known.items():
            places.setdefault(key, set()).add(str(value or "unknown"))
    lines = [["", "value"], *([key, ", ".join(sorted(values))] for key, values in places.items())]
    return [Heading("Commands and versions"), Code(commands(report.records)), Table(lines, long="Versions and machine")]


def commands(runs: Sequence[Record]) -> list[str]:
    """The commands of the runs: one for each sweep, and one for each run outside a sweep."""
    found = {}
    for record in runs:
        sweep = resume.sweep_of(record.folder.parent)
        found["python train.py " + shlex.join(cleaned(sweep.get("overrides") or record.overrides))] = True
    return sorted(found)
