"""``colourize photo``: colours photographs. The heavy imports are in ``run``."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from colourize import imports
from colourize.cli.arguments import (
    Commands,
    add_colours,
    add_device,
    add_model,
    add_overwrite,
    add_trust,
    command,
)
from colourize.colour.usual import DECODING
from colourize.errors import InputError, Interrupted

if TYPE_CHECKING:
    from colourize.inference.colouring import Choices
    from colourize.inference.decoded import Decoding
    from colourize.inference.predictor import Predictor

INCOMPLETE = 2  # exit status if a picture was not coloured


def add_parser(commands: Commands) -> None:
    """Adds ``colourize photo`` with its arguments."""
    parser = command(
        commands, "photo", "colour photographs: files, folders or standard input", run,
        epilog="A picture whose result already exists is skipped, so the same command continues an interrupted one. "
               "Exit status: 0 all done, 2 some pictures could not be coloured or are in colour already.",
    )  # fmt: skip
    parser.add_argument("inputs", nargs="+", metavar="IN", help='a file, a folder, a pattern "scans/*.jpg", or -')
    parser.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="a file, a folder, or - for standard output"
    )
    add_model(parser)
    _add_further(add_colours(parser))
    _add_files(parser)
    _add_machine(parser)


def _add_further(group: Any) -> None:
    """Adds the options that only pictures have to the group of colours."""
    group.add_argument("--temperature", type=float, metavar="T", help="T of the mean or of samples, > 0")
    group.add_argument("--samples", type=int, metavar="N", help="write N samples: photo.1.png, photo.2.png, ...")
    group.add_argument(
        "--hint",
        action="append",
        default=[],
        metavar="X,Y,#RRGGBB",
        help="a colour at a pixel of the picture, counted from its upper left corner; can be repeated",
    )
    group.add_argument("--hints", type=Path, metavar="FILE", help='[{"x": 120, "y": 80, "colour": "#c03020"}, ...]')
    group.add_argument("--reference", type=Path, metavar="PICTURE", help="take the colours of another photograph")


def _add_files(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("files")
    group.add_argument(
        "--format", metavar="NAME", help="png, jpg, webp, avif, tiff or gif (default: each picture's own)"
    )
    add_overwrite(group)
    group.add_argument(
        "--uncertainty", action="store_true", help="also write photo.uncertainty.png: black is sure, yellow unsure"
    )
    group.add_argument("--side-by-side", action="store_true", help="also write the grey beside the coloured picture")
    group.add_argument("--no-metadata", action="store_true", help="leave out EXIF, XMP and the note about colourize")
    group.add_argument("--json", metavar="FILE", help="write a summary with every picture; - for standard output")


def _add_machine(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("machine")
    add_device(group)
    group.add_argument(
        "--jobs", type=int, metavar="N", help="pictures at a time (default: the number of cores, up to 4)"
    )
    group.add_argument("--max-memory", metavar="SIZE", help="such as 2G (default: half of the free memory)")
    group.add_argument("--max-pixels", type=int, metavar="N", help="of a picture (default: 128 million)")
    group.add_argument(
        "--tiles",
        type=int,
        nargs="?",
        const=512,
        metavar="SIDE",
        help="let the network see tiles of SIDE pixels (512), for a large --size in little memory",
    )
    add_trust(group)


def run(given: argparse.Namespace) -> None:
    """Runs ``colourize photo``.

    Raises:
        SystemExit: with status 2, if a picture was not coloured.
    """
    from colourize.cli import signals
    from colourize.data.memory import available
    from colourize.inference import many, memory, photo, planned
    from colourize.inference.opened import opened
    from colourize.inference.opening import MAX_PIXELS
    from colourize.kernels import allocator

    suffix = None if given.format is None else f".{given.format.lower().lstrip('.')}"
    _check(given, suffix)
    jobs = planned.plan(given.inputs, given.output, suffix)
    cores = os.cpu_count() or 1
    threads = given.jobs or min(cores, 4)
    budget = memory.Budget(memory.parsed(given.max_memory) if given.max_memory else available() // 2, threads)
    allocator.share_heaps()
    each = 0 if len(jobs) == 1 else max(1, cores // threads)
    with imports.quick("torch"):
        predictor = opened(given.model, given.device, given.trust, each)
    choices = _choices(given, predictor, each or cores)
    options = photo.Options(
        choices, suffix, given.overwrite, given.recolour, not given.no_metadata, given.uncertainty,
        given.side_by_side, given.max_pixels or MAX_PIXELS, photo.note(choices, predictor),
    )  # fmt: skip
    photo.check_distinct(jobs, options, _also_read(given))
    photo.remove_stale(jobs, options)
    signals.catch_twice()
    try:
        outcomes = many.all_of(
            jobs, lambda job: photo.run(job, predictor, options, budget), threads + photo.WRITERS, budget.stop
        )
    except (KeyboardInterrupt, Interrupted):
        print("colourize: stopped; every file is whole, and the same command colours the rest", file=sys.stderr)
        raise
    _report(given, many.summary(outcomes), many.record(outcomes))
    if any(outcome.status in ("failed", "in colour") for outcome in outcomes):
        sys.exit(INCOMPLETE)


def _check(given: argparse.Namespace, suffix: str | None) -> None:
    from colourize import files
    from colourize.inference import colouring, saving

    colouring.check(colouring.Choices(_decoding(given), given.size, given.saturation))
    if suffix is not None:
        saving.format_of(suffix)
    for name, least, most in (("samples", 1, 100), ("jobs", 1, 64), ("max_pixels", 1, 1 << 31), ("tiles", 256, 8192),
                              ("seed", 0, 1 << 62)):  # fmt: skip
        value = getattr(given, name)
        if value is not None and not least <= value <= most:
            raise InputError(f"--{name.replace('_', '-')} must be in [{least}, {most}], got {value}")
    if given.json not in (None, "-"):
        files.check_output(path := files.expanded(given.json), [".json"])
        if given.hints is not None and files.place(path) == files.place(given.hints):
            raise InputError(f"--json {given.json} is the file of --hints; pass another name")
    if given.output == "-" and (given.samples or given.uncertainty or given.side_by_side or given.json == "-"):
        raise InputError(
            "standard output takes one picture; pass -o FILE with --samples, --uncertainty, --side-by-side or --json -"
        )


def _choices(given: argparse.Namespace, predictor: "Predictor", threads: int) -> "Choices":
    from colourize.inference import hinted, referred
    from colourize.inference.colouring import Choices

    hints = [*(hinted.parsed(text) for text in given.hint), *(hinted.read(given.hints) if given.hints else [])]
    palette = None if given.reference is None else referred.of_file(predictor, given.reference, given.size)
    return Choices(
        _decoding(given),
        given.size,
        given.saturation,
        given.samples or 1,
        hints,
        palette,
        given.tiles,
        threads=threads,
    )


def _also_read(given: argparse.Namespace) -> list[Path]:
    """Files that the command reads besides its pictures, so that no picture may replace them."""
    return [Path(path) for path in (given.reference, given.hints, given.model) if path is not None]


def _decoding(given: argparse.Namespace) -> "Decoding":
    """The decoding that --decoding, --temperature, --samples and --seed name together.

    Raises:
        InputError: one of them would have no effect, or two give the same.
    """
    from dataclasses import replace

    from colourize.inference import decoded

    word = given.decoding or ("sample" if given.samples else DECODING)
    decoding = decoded.parsed(word)
    if given.samples and decoding.kind != "sample":
        raise InputError(f"--samples requires --decoding sample, got {word}; leave out one of both")
    if given.temperature is not None:
        if decoding.kind == "argmax":
            raise InputError("--temperature has no effect on argmax; pass --decoding mean or sample")
        if word.startswith("annealed:") and given.decoding:
            further = f"got --temperature {given.temperature:g} too"
            raise InputError(f"--decoding {word} has a temperature already, {further}; leave out one of both")
        decoding = replace(decoding, temperature=decoded.temperature(str(given.temperature), "--temperature"))
    if given.seed is not None:
        if decoding.kind != "sample":
            raise InputError(f"--seed has no effect on {word}; pass --samples or --decoding sample")
        if word.startswith("sample:"):
            raise InputError(
                f"--decoding {word} has a seed already, got --seed {given.seed} too; leave out one of both"
            )
        decoding = replace(decoding, seed=given.seed)
    return decoding


def _report(given: argparse.Namespace, text: str, record: dict[str, object]) -> None:
    print(f"colourize: {text}", file=sys.stderr)  # first: writing the record may fail
    if given.json == "-":
        print(json.dumps(record, indent=1))
    elif given.json is not None:
        from colourize import files

        path = files.expanded(given.json)
        files.remove_stale([path])
        files.replace_text(path, json.dumps(record, indent=1) + "\n")
