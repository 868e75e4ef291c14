"""``colourize detect``: finds objects in pictures. The heavy imports are in ``run``."""

import argparse
import json
import sys

from colourize import imports
from colourize.cli.arguments import Commands, add_device, add_overwrite, add_trust, command
from colourize.errors import InputError, Interrupted

INCOMPLETE = 2  # exit status if a picture could not be read


def add_parser(commands: Commands) -> None:
    """Adds ``colourize detect`` with its arguments."""
    parser = command(
        commands, "detect", "find objects in pictures: draws their boxes, and writes them as JSON", run,
        epilog="Each picture gets a file of its own name with boxes, and NAME.json beside it. A picture whose results "
               "already exist is skipped. Exit status: 0 all done, 2 some pictures could not be read.",
    )  # fmt: skip
    parser.add_argument("inputs", nargs="+", metavar="IN", help='a file, a folder, a pattern "scans/*.jpg", or -')
    parser.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="a file, a folder, or - for standard output"
    )
    parser.add_argument(
        "--model", default="coco", metavar="FILE",
        help="a checkpoint or run folder of task=detection, or a .pth, .onnx or .safetensors file of YOLOX-nano or "
             "-tiny (default: coco, the published YOLOX-nano, downloaded once)",
    )  # fmt: skip
    parser.add_argument("--least", type=float, default=0.3, metavar="S", help="lowest score, 0 to 1 (default: 0.3)")
    parser.add_argument(
        "--overlap", type=float, default=0.65, metavar="IOU",
        help="drop the worse of two boxes of one class whose IoU is higher (default: 0.65)",
    )  # fmt: skip
    parser.add_argument("--classes", metavar="A,B", help="only these classes (default: all)")
    parser.add_argument(
        "--size", type=int, metavar="N", help="longer side of the network's input, a multiple of 32 (default: its own)"
    )
    parser.add_argument("--format", metavar="NAME", help="png, jpg, webp, avif, tiff or gif (default: each its own)")
    add_overwrite(parser)
    parser.add_argument("--json", metavar="FILE", help="also write all pictures into one file; - for standard output")
    add_device(parser)
    add_trust(parser)


def run(given: argparse.Namespace) -> None:
    """Runs ``colourize detect``.

    Raises:
        SystemExit: with status 2, if a picture could not be read.
    """
    from colourize.cli import signals
    from colourize.inference import many, planned, saving
    from colourize.inference.detection import detected
    from colourize.inference.detection.opening import opened

    suffix = None if given.format is None else f".{given.format.lower().lstrip('.')}"
    if suffix is not None:
        saving.format_of(suffix)
    _check(given)
    jobs = planned.plan(given.inputs, given.output, suffix)
    with imports.quick("torch"):
        detector = opened(given.model, given.device, given.size, given.trust)
    classes = _chosen(given.classes, detector.classes)
    options = detected.Options(given.least, given.overlap, given.overwrite, classes)
    planned.check(jobs, detected.written)
    signals.catch_twice()
    try:
        outcomes = many.all_of(jobs, lambda job: detected.run(job, detector, options), 1)
    except (KeyboardInterrupt, Interrupted):
        print("colourize: stopped; every file is whole, and the same command continues", file=sys.stderr)
        raise
    print(f"colourize: {detected.summary(outcomes, options.records)}", file=sys.stderr)
    _write_json(given.json, options.records)
    if any(outcome.status == "failed" for outcome in outcomes):
        sys.exit(INCOMPLETE)


def _check(given: argparse.Namespace) -> None:
    from colourize import files

    for name in ("least", "overlap"):
        value = getattr(given, name)
        if not 0 <= value <= 1:
            raise InputError(f"--{name} must be in [0, 1], got {value:g}")
    if given.json not in (None, "-"):
        files.check_output(files.expanded(given.json), [".json"])
    if given.output == "-" and given.json == "-":
        raise InputError("standard output takes one result; pass -o FILE with --json -")


def _chosen(text: str | None, known: tuple[str, ...]) -> list[str] | None:
    """The classes that ``--classes`` names."""
    if text is None:
        return None
    wanted = [word.strip() for word in text.split(",") if word.strip()]
    for word in wanted:
        if word not in known:
            some = ", ".join(known[:10]) + (", ..." if len(known) > 10 else "")
            raise InputError(f"--classes {word}: the network does not know it; pass some of {some}")
    return wanted


def _write_json(target: str | None, records: dict[str, object]) -> None:
    text = json.dumps(records, indent=1)
    if target == "-":
        print(text)
    elif target is not None:
        from colourize import files

        files.replace_text(files.expanded(target), text + "\n")
