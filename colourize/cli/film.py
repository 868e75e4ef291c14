"""``colourize film``: colours a film. The heavy imports are in ``run``."""

import argparse
import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from colourize import imports
from colourize.cli import signals
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
from colourize.errors import SIGNALS, InputError, Interrupted, to_install
from colourize.present.bar import bar

if TYPE_CHECKING:
    from colourize.inference.colouring import Choices
    from colourize.inference.film.film import Progress

MISSING = "films require {}: {}"


def add_parser(commands: Commands) -> None:
    """Adds ``colourize film`` with its arguments."""
    parser = command(
        commands, "film", "colour a film; its sound and subtitles are copied", run,
        epilog="Finished parts are kept in the folder OUT.parts until the film is complete, so the same command "
               "continues an interrupted one, and the result is the same.",
    )  # fmt: skip
    parser.add_argument("input", type=Path, metavar="IN", help="a film")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help=".mp4, .m4v, .mov or .mkv")
    add_model(parser)
    _add_steady(add_colours(parser))
    group = parser.add_argument_group("machine and file")
    group.add_argument("--quality", type=int, default=18, metavar="CRF",
                       help="of the picture, 0 (largest file) to 51 (default: %(default)s)")  # fmt: skip
    add_device(group)
    add_overwrite(group)
    add_trust(group)


def _add_steady(group: Any) -> None:
    group.add_argument("--steady", choices=("flow", "time", "off"), default="flow", metavar="WAY",
                       help="average the network's probabilities over frames: flow (along the motion in the picture), "
                            "time (at the same place, faster) or off (default: %(default)s)")  # fmt: skip


def run(given: argparse.Namespace) -> None:
    """Runs ``colourize film``."""
    for name, library in (("av", "PyAV"), ("skimage", "scikit-image")):
        if importlib.util.find_spec(name) is None:
            raise InputError(MISSING.format(library, to_install("film")))
    from colourize import files
    from colourize.inference import colouring
    from colourize.inference.film import film
    from colourize.inference.film.known import digest
    from colourize.inference.film.painter import NetworkPainter
    from colourize.inference.opened import opened
    from colourize.runs import hub, shipped

    network = hub.named(shipped.named(given.model))
    source, output, model = (files.expanded(path) for path in (given.input, given.output, network))
    for name, most in (("quality", 51), ("seed", 1 << 62)):
        if not 0 <= (getattr(given, name) or 0) <= most:
            raise InputError(f"--{name} must be in [0, {most}], got {getattr(given, name)}")
    choices = _choices(given)
    colouring.check(choices)
    film.check_names(source, output, overwrite=True)
    if output.exists() and not given.overwrite:
        print(
            f"colourize: {files.printable(str(output))}: already there (--overwrite colours it anew)", file=sys.stderr
        )
        return
    clip = digest(source)
    with _stoppable(output) as look, _bar(source.name, look) as progress:
        with imports.quick("torch"):
            predictor = opened(model, given.device, given.trust)
        painter = NetworkPainter(predictor, choices, given.steady, clip.encode(), digest(model))
        made = film.colour(
            source, output, painter, given.quality, recolour=given.recolour, progress=progress,
            overwrite=given.overwrite,
        )  # fmt: skip
    print(f"colourize: {files.printable(str(output))}: {made.frames} frames coloured", file=sys.stderr)


def _choices(given: argparse.Namespace) -> "Choices":
    from dataclasses import replace

    from colourize.inference import decoded
    from colourize.inference.colouring import Choices

    decoding = decoded.parsed(given.decoding or DECODING)
    if decoding.kind == "sample" and given.seed:
        decoding = replace(decoding, seed=given.seed)
    return Choices(decoding, given.size, given.saturation, threads=os.cpu_count() or 1)


@contextmanager
def _stoppable(output: Path) -> Iterator[Callable[[], None]]:
    """Gives a function to call at every frame, which raises ``Interrupted`` after a signal. A signal before the first
    frame raises at once, and a second one ends the process at once. The delay is needed because PyAV may swallow an
    exception while it reads."""
    caught: list[int] = []
    at_work = False

    def handle(signum: int, frame: Any) -> None:
        if caught:
            signals.end(signum)
        caught.append(signum)
        if not at_work:
            raise Interrupted(signum)

    def look() -> None:
        nonlocal at_work
        at_work = True
        if caught:
            raise Interrupted(caught[0])

    ours = [each for each in SIGNALS if signals.is_free(each)]
    before = {each: signal.signal(each, handle) for each in ours}
    try:
        yield look
    except Interrupted as error:
        kept = f"; finished parts are kept in {output}.parts, and the same command continues"
        print(f"colourize: {error.name}{kept}", file=sys.stderr)
        raise
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def _bar(name: str, look: Callable[[], None]) -> Iterator["Progress"]:
    """A bar of frames; ``look`` is called at every frame."""
    with bar(name) as update:

        def show(done: int, total: int) -> None:
            look()
            update(completed=done, total=total)

        yield show
