"""Measures the flicker of colours for each method of ``colourize film --steady``, and its cost.

    python -m benchmarks.flicker --model MODEL        # drawn films, whose motion is known
    python -m benchmarks.flicker PICTURE...           # films that pan over photographs
    python -m benchmarks.flicker FILM.mp4 --frames N  # a real film, the best in colour

Films that are drawn or pan get grain: noise of 2 levels that is another in each frame. The row ``own`` measures the
true colours of the film, ``error`` is the distance from them. The own flicker of a real film is noise of camera and
encoder, and error of the estimated motion. H height, W width.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.clips import Clip, Levels, drawn, filmed, photographed
from colourize.inference import space
from colourize.inference.colouring import Choices
from colourize.inference.decoded import parsed
from colourize.inference.film.flicker import flicker
from colourize.inference.film.painter import NetworkPainter
from colourize.inference.film.steady import WAYS
from colourize.inference.opened import opened
from colourize.inference.predictor import Predictor
from colourize.runs import shipped

SKIPPED = 4  # frames at the start, in which an average is young
HEAD = (
    "film",
    "decoding",
    "way",
    "flicker along motion",
    "at the same place",
    "mean chroma",
    "error of ab",
    "CPU s a frame",
)


def coloured(clip: Clip, predictor: Predictor, way: str, decoding: str) -> Iterator[Levels]:
    """The frames as ``colourize film`` colours them, before the encoder: uint8 [H, W, 3] each."""
    painter = NetworkPainter(predictor, Choices(parsed(decoding), threads=1), way, clip.name.encode())
    return (painter.paint(frame) for frame in grainy(clip))


def measured(clip: Clip, frames: Sequence[Levels]) -> list[float]:
    """Flicker along the motion and at the same place, mean chroma, error of (a, b)."""
    pairs = range(SKIPPED + 1, len(frames))
    along = [flicker(frames[t - 1], frames[t], clip.was[t]) for t in pairs]
    there = [flicker(frames[t - 1], frames[t]) for t in pairs if (clip.was[t] > -1).any()]  # not at a cut
    chroma = [np.linalg.norm(_ab(frames[t]), axis=-1).mean() for t in pairs]
    error = [np.linalg.norm(_ab(frames[t]) - _ab(clip.frames[t]), axis=-1).mean() for t in pairs]
    return [float(np.nanmean(values)) for values in (along, there, chroma, error)]


def grainy(clip: Clip) -> Iterator[Levels]:
    """The frames as a camera on film sees them: grey, with grain: uint8 [H, W, 3] each."""
    generator = np.random.default_rng(0)
    for frame in clip.frames:
        levels = space.grey_levels(frame)
        grey = 255 * (levels / space.white_of(levels)) + generator.normal(0, clip.grain, frame.shape[:2])
        yield np.rint(grey).clip(0, 255).astype(np.uint8)[..., None].repeat(3, -1)


def _ab(frame: Levels) -> space.Floats:
    return space.lab(frame / 255)[..., 1:]


def clips(paths: Sequence[Path], frames: int) -> Iterator[Clip]:
    """Those of the files, or the drawn ones."""
    if not paths:
        yield from drawn()
    for path in paths:
        format = Image.registered_extensions().get(path.suffix.lower(), "MPEG")  # Pillow knows MPEG, but cannot read it
        yield filmed(path, frames) if format == "MPEG" else photographed(path)


def main() -> None:
    """Prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="photographs or films")
    parser.add_argument("--model", default=shipped.NAME, help="default: the network that comes with colourize")
    parser.add_argument("--decoding", nargs="+", default=["annealed:0.4"])
    parser.add_argument("--frames", type=int, default=100, help="of a real film (default: %(default)s)")
    given = parser.parse_args()
    predictor = opened(given.model, "cpu")
    print("|", " | ".join(HEAD), "|\n|---|---|---|--:|--:|--:|--:|--:|")
    for clip in clips(given.files, given.frames):
        _print(clip, "", "own", measured(clip, list(clip.frames)), 0)
        for decoding in given.decoding:
            for way in WAYS[::-1]:
                begin = time.process_time()
                frames = list(coloured(clip, predictor, way, decoding))
                seconds = (time.process_time() - begin) / len(frames)
                _print(clip, decoding, way, measured(clip, frames), seconds)


def _print(clip: Clip, decoding: str, way: str, figures: Sequence[float], seconds: float) -> None:
    print(f"| {clip.name} | {decoding} | {way} |", *(f"{value:.2f} |" for value in (*figures, seconds)), flush=True)


if __name__ == "__main__":
    main()
