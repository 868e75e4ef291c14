"""``colourize evaluate``: floors, runs and ceilings on one validation set. Heavy imports happen in ``run``."""

import argparse
from pathlib import Path

from colourize import imports
from colourize.cli.arguments import FIGURE, Commands, add_trust, command
from colourize.errors import InputError


def add_parser(commands: Commands) -> None:
    """Adds ``colourize evaluate`` with its arguments."""
    parser = command(commands, "evaluate", "compare runs with floors and ceilings on one validation set", run)
    parser.add_argument(
        "runs", nargs="+", metavar="RUN",
        help="a checkpoint, a run folder, a sweep folder, or a floor (prior, nearest, lookup, grey); NAME=VALUE "
             "changes the pictures: data.root=DIR for a run; any knob, such as data=scenes, without a run",
    )  # fmt: skip
    parser.add_argument("--html", type=Path, metavar="FILE", help="write one page with all tables and figures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures with their intervals")
    parser.add_argument("--pictures", type=Path, metavar="FILE", help=f"draw ten pictures by every row, {FIGURE}")
    parser.add_argument(
        "--decoding", action="append", default=[], metavar="NAME",
        help="add a row with another decoding than the arg-max: mean, annealed:T, sample or sample:SEED; "
             "argmax+grey and the like keep the input's grey in rgb. Can be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--photographs", metavar="DIR",
        help="measure one run on the photographs of a folder, of any sizes and without a square cut: PSNR and "
             "colourfulness over the temperature",
    )  # fmt: skip
    parser.add_argument(
        "--size", type=int, metavar="PIXELS", help="with --photographs: scale the shorter side; default: as they are"
    )
    parser.add_argument(
        "--seen", type=int, metavar="PIXELS",
        help="with --photographs: the shorter side of the network's input, as photo --size; default: as measured",
    )  # fmt: skip
    parser.add_argument("--square", action="store_true", help="with --photographs: take the centre squares")
    parser.add_argument(
        "--classes", type=Path, metavar="CSV",
        help="with --photographs: ImageNet classes of the files (columns file, imagenet_class); measures a "
             "classifier's accuracy in colour, in grey and re-coloured",
    )  # fmt: skip
    parser.add_argument(
        "--frechet", action="store_true",
        help="with --photographs: Fréchet distance of EfficientNet-Lite1's features (not FID)",
    )  # fmt: skip
    parser.add_argument("--calibrated", action="store_true", help="add each run at its fitted temperature")
    add_trust(parser)


def run(given: argparse.Namespace) -> None:
    """Runs and NAME=VALUE come in any order; an existing file is a run even with = in its name."""
    runs = [word for word in given.runs if "=" not in word or Path(word).exists()]
    overrides = [word for word in given.runs if word not in runs]

    if given.photographs is not None:
        from colourize.evaluation import photograph_table

        if len(runs) != 1:
            raise InputError(f"--photographs measures one run, got {len(runs)}; pass one checkpoint or run folder")
        photograph_table.evaluate(
            runs[0], given.photographs, given.size, given.square, overrides, given.json, given.classes, given.trust,
            given.frechet, given.seen,
        )  # fmt: skip
        return

    with imports.quick("torch"):
        from colourize.evaluation.comparison import evaluate

    evaluate(
        runs, overrides, given.html, given.json, given.pictures, given.calibrated, decodings=given.decoding,
        trusted=given.trust,
    )  # fmt: skip
