"""The verbs of ``colourize`` but ``train``: their arguments. Heavy imports happen inside: help and TAB are fast."""

import argparse
import shlex
import sys
from pathlib import Path

from colourize.config.knobs import KNOBS


def _add_trust(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--trust", action="append", default=[], metavar="PACKAGE",
        help="a package of your own whose network or data source a checkpoint may name; its code is run. Without it a "
             "checkpoint names only what colourize brings",
    )  # fmt: skip


def evaluate(words: list[str]) -> None:
    """``colourize evaluate RUN ...``."""
    parser = argparse.ArgumentParser(
        "colourize evaluate", description="Floors, runs and ceilings on one validation set."
    )
    parser.add_argument(
        "runs", nargs="+", metavar="RUN",
        help="a checkpoint, a run folder, a sweep folder, or a baseline (prior, nearest, lookup, grey); NAME=VALUE "
             "changes the pictures: data.root=DIR for a run; any knob, such as data=scenes, where no run is given",
    )  # fmt: skip
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with everything in it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures with their intervals")
    parser.add_argument(
        "--pictures", type=Path, metavar="FILE", help="write ten pictures through every row, as PNG, PDF or SVG"
    )
    parser.add_argument(
        "--decoding", action="append", default=[], metavar="NAME",
        help="a row of pictures by another decoding than the arg-max, again and again: mean, annealed:T, sample, "
             "sample:SEED; with +grey behind it, as in argmax+grey, rgb keeps the input's grey",
    )  # fmt: skip
    parser.add_argument("--calibrated", action="store_true", help="each run once more at its fitted temperature")
    _add_trust(parser)
    given = parser.parse_args(words)
    runs = [word for word in given.runs if "=" not in word or Path(word).exists()]
    overrides = [word for word in given.runs if word not in runs]

    from colourize.cli import evaluate

    evaluate.evaluate(
        runs, overrides, given.html, given.json, given.pictures, given.calibrated, decodings=given.decoding,
        trusted=given.trust,
    )  # fmt: skip


def decode_sweep(words: list[str]) -> None:
    """``colourize decode-sweep RUN``."""
    parser = argparse.ArgumentParser(
        "colourize decode-sweep",
        description="A run's pictures from the mean of the classes to the most probable one: error and colourfulness.",
    )
    parser.add_argument("run", metavar="RUN", help="a checkpoint or a run folder")
    parser.add_argument("overrides", nargs="*", metavar="NAME=VALUE", help="other pictures: data.root=DIR")
    parser.add_argument(
        "--figure", type=Path, metavar="FILE", help="draw error against colourfulness, as PNG, PDF or SVG"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures with their intervals")
    parser.add_argument("--keep-grey", action="store_true", help="rgb: keep the input's grey (lab, oklab always do)")
    _add_trust(parser)
    given = parser.parse_args(words)

    from colourize.cli.decode_curve import decode_sweep

    decode_sweep(given.run, given.overrides, given.figure, given.json, given.keep_grey, trusted=given.trust)


def calibrate(words: list[str]) -> None:
    """``colourize calibrate RUN``."""
    parser = argparse.ArgumentParser(
        "colourize calibrate",
        description="Fits a temperature to a run's certainty on the training pictures that it held out, and writes it "
                    "beside the checkpoint, where colourize evaluate --calibrated finds it.",
    )  # fmt: skip
    parser.add_argument("run", metavar="RUN", help="a checkpoint or a run folder, trained with holdout=0.1 or so")
    parser.add_argument("overrides", nargs="*", metavar="NAME=VALUE", help="where its pictures are now: data.root=DIR")
    parser.add_argument(
        "--figure", type=Path, metavar="FILE", help="draw how often a sure pixel is right, as PNG, PDF or SVG"
    )
    parser.add_argument(
        "--entropy", type=Path, metavar="FILE", help="draw where ten pictures are unsure, as PNG, PDF or SVG"
    )
    _add_trust(parser)
    given = parser.parse_args(words)

    from colourize.cli.calibrate import calibrate

    calibrate(given.run, given.overrides, given.figure, given.entropy, trusted=given.trust)


def hints(words: list[str]) -> None:
    """``colourize hints RUN``."""
    parser = argparse.ArgumentParser("colourize hints", description="PSNR against the number of colours given.")
    parser.add_argument("run", metavar="RUN", help="a checkpoint or run folder, trained with hints=true")
    parser.add_argument("overrides", nargs="*", metavar="data.NAME=VALUE", help="other pictures than the run's")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw the curve, as PNG, PDF or SVG")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    _add_trust(parser)
    given = parser.parse_args(words)

    from colourize.cli.hint_curve import curve

    curve(given.run, given.overrides, given.figure, given.json, given.trust)


def runs(words: list[str]) -> None:
    """``colourize runs [FOLDER ...]``."""
    parser = argparse.ArgumentParser("colourize runs", description="Run folders: state, progress and best result.")
    parser.add_argument("folders", nargs="*", metavar="FOLDER", help="where to look, at any depth (outputs multirun)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of the table")
    given = parser.parse_args(words)

    from colourize.runs import listing as runs

    runs.show([Path(folder) for folder in given.folders], given.json)


def report(words: list[str]) -> None:
    """``colourize report FOLDER ...``."""
    parser = argparse.ArgumentParser(
        "colourize report",
        description="What a sweep found: tables over seeds, curves, pictures, failed jobs; at any time.",
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="of sweeps or runs, at any depth")
    parser.add_argument("--html", type=Path, metavar="FILE", help="the page (FOLDER/report.html)")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE",
        help="the same as Markdown, with charts in a folder beside it (FOLDER/report.md)",
    )  # fmt: skip
    parser.add_argument("--csv", type=Path, metavar="FILE", help="a row for each job (FOLDER/report.csv)")
    parser.add_argument("--pictures", action="store_true", help="pictures in the Markdown, too")
    given = parser.parse_args(words)

    from colourize.cli.report import report

    report(given.folders, given.html, given.markdown, given.csv, given.pictures)


def describe(words: list[str]) -> None:
    """``colourize describe [NAME=VALUE ...]``."""
    parser = argparse.ArgumentParser("colourize describe", description="What a network counts and what its units see.")
    parser.add_argument(
        "overrides", nargs="*", metavar="NAME=VALUE", help="knobs, as for training: model=unet kernel=5"
    )
    parser.add_argument("--layers", type=Path, metavar="FILE", help="a list of layers (YAML) in place of a network")
    parser.add_argument("--fully-connected", action="store_true", help="every convolution replaced by such a layer")
    parser.add_argument("--symbolic", action="store_true", help="totals as polynomials in NIC, NF, NC")
    parser.add_argument(
        "--field", type=Path, metavar="FILE", help="draw receptive fields over a landscape, as PNG, PDF or SVG"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_const", const="markdown", dest="form", default="text")
    form.add_argument("--json", action="store_const", const="json", dest="form")
    given = parser.parse_args(words)

    from colourize.cli.describe import describe

    print(describe(given.overrides, given.layers, given.fully_connected, given.symbolic, given.form, given.field))


def palette(words: list[str]) -> None:
    """``colourize palette import FILE OUT``."""
    parser = argparse.ArgumentParser("colourize palette", description="Palettes that others have fitted.")
    actions = parser.add_subparsers(metavar="import", required=True)
    action = actions.add_parser(
        "import", help="the course's pickled file, as a plain one for palette=OUT",
        description="A plain palette of the course's file, object (2,) = [array [K, 3], number]; nothing in it is run.",
    )  # fmt: skip
    action.add_argument("file", type=Path, metavar="FILE", help="the course's .npy file")
    action.add_argument("out", type=Path, metavar="OUT", help="a .npy file that is not there yet")
    given = parser.parse_args(words)

    from colourize.colour.palette_import import import_palette

    count = import_palette(given.file, given.out)
    print(f"{given.out}: {count} colours; train with palette={shlex.quote(str(given.out))} num_colours={count}")


def theory(words: list[str]) -> None:
    """``colourize theory study=...``."""
    from colourize.cli.theory import main

    sys.argv = [f"{sys.argv[0]} theory", *words]
    main()


def answers(words: list[str]) -> None:
    """``colourize answers [QUESTION ...]``."""
    parser = argparse.ArgumentParser(
        "colourize answers", description="The assignment's questions, answered one by one."
    )
    parser.add_argument("questions", nargs="*", metavar="QUESTION", help="such as 4.3; 2 for all that begin so (all)")
    given = parser.parse_args(words)

    from colourize.cli.answers import answers

    answers(given.questions)


VERBS = {
    "evaluate": evaluate, "decode-sweep": decode_sweep, "calibrate": calibrate, "hints": hints, "runs": runs,
    "report": report, "describe": describe, "palette": palette, "theory": theory,
    "answers": answers,
}  # fmt: skip


def knobs(verb: str) -> list[str]:
    """The names among which an unknown key of a verb is looked for."""
    if verb != "theory":
        return list(KNOBS)
    from colourize.cli.theory import knobs

    return list(knobs())
