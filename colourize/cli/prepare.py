"""``colourize prepare``: makes a user's own pictures ready for training."""

import argparse
import os
import sys
from pathlib import Path

from colourize.cli import signals
from colourize.cli.arguments import Commands, command
from colourize.errors import Interrupted

EPILOG = (
    "Files that cannot be read and grey, tiny and repeated pictures are dropped, counted and named; the exit status is "
    "0. It is 1 if fewer than two pictures are left. Nothing in OUT is overwritten: the same command adds new files of "
    "DIR, and continues after an interruption. Afterwards: python train.py "
    "data=folder data.root=OUT"
)


def add_parser(commands: Commands) -> None:
    """Adds ``colourize prepare`` with its arguments."""
    text = "make your own pictures ready for training: drop grey, broken and repeated ones, resize, split, describe"
    parser = command(commands, "prepare", text, run, epilog=EPILOG)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder of pictures; its subfolders are classes")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="a new folder for the pictures")
    parser.add_argument("--side", type=int, default=128, metavar="N", help="pixels of the shorter side (default: 128)")
    parser.add_argument("--square", action="store_true", help="cut out the centre square")
    parser.add_argument("--format", default="webp", metavar="NAME", help="webp, jpeg or png (default: webp)")
    parser.add_argument(
        "--smallest", type=int, metavar="N", help="drop pictures with a side below N pixels (default: half of --side)"
    )
    parser.add_argument(
        "--chroma", type=float, default=6.0, metavar="C",
        help="drop a picture as grey where 99 %% of its pixels have a CIELAB chroma of C or less; 0 keeps grey and "
             "tinted ones (default: 6)",
    )  # fmt: skip
    parser.add_argument(
        "--distance", type=int, default=48, metavar="N",
        help="drop a picture that looks like another, or like its mirror image: at most N of 256 bits of the "
             "perceptual hash differ (default: 48)",
    )  # fmt: skip
    parser.add_argument(
        "--val", type=float, default=0.1, metavar="SHARE", help="share of validation pictures (default: 0.1)"
    )
    parser.add_argument(
        "--test", type=float, default=0.1, metavar="SHARE", help="share of test pictures (default: 0.1)"
    )
    parser.add_argument(
        "--shards", metavar="PLACE",
        help="also write the pictures as WebDataset shards, to a new folder or to s3://BUCKET/PREFIX, for "
             "data=shards data.root=PLACE",
    )  # fmt: skip
    parser.add_argument("--shard-size", type=int, default=64, metavar="MB", help="megabytes of a shard (default: 64)")
    parser.add_argument("--jobs", type=int, metavar="N", help="threads that read pictures (default: one per CPU)")


def run(given: argparse.Namespace) -> None:
    """Runs ``colourize prepare``. The imports are here so that ``--help`` stays fast."""
    from colourize.data.preparation.run import prepare
    from colourize.data.preparation.said import lines
    from colourize.data.preparation.settings import Settings
    from colourize.data.preparation.summary import training_command
    from colourize.data.shards import writing
    from colourize.errors import InputError

    jobs = len(os.sched_getaffinity(0)) if given.jobs is None else given.jobs
    if jobs < 1:
        raise InputError(f"--jobs must be >= 1, got {jobs}; leave it out for one per CPU")
    smallest = max(1, given.side // 2) if given.smallest is None else given.smallest
    settings = Settings(
        given.side, given.square, given.format, smallest, given.chroma, given.distance, given.val, given.test
    )
    if given.shard_size < 1:
        raise InputError(f"--shard-size must be >= 1, got {given.shard_size}; leave it out for 64 MB")
    if given.shards is not None:
        writing.check(given.shards, given.folder, given.output)
    signals.catch_twice()
    written = None
    try:
        prepared = prepare(given.folder, given.output, settings, jobs)
        if given.shards is not None:
            written = writing.write(given.output, given.shards, given.shard_size * 1_000_000)
    except Interrupted as error:
        print(f"colourize: {error.name}; the same command continues", file=sys.stderr)
        raise
    finally:
        signals.release()
    for line in lines(prepared, given.output, settings):
        print(line)
    if written is not None:
        print(written.line(given.shards))
        print(f"train with: {training_command(given.shards, settings.side, 'shards')}")
