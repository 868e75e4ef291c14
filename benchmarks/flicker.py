"""How much the colours of a film flicker with each way of ``colourize film --steady``, and what it costs.

    python -m benchmarks.flicker MODEL                  # drawn films, whose motion is known
    python -m benchmarks.flicker MODEL PICTURE...       # films that pan over photographs

N frames, H height, W width. Every film gets grain: noise of 2 levels that is another in each frame.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colourize.inference import space
from colourize.inference.colouring import Choices
from colourize.inference.decoded import parsed
from colourize.inference.film.flicker import flicker
from colourize.inference.film.motion import places
from colourize.inference.film.painter import NetworkPainter
from colourize.inference.film.steady import WAYS
from colourize.inference.opened import opened
from colourize.inference.predictor import Predictor

GRAIN = 2.0  # levels, standard deviation
FRAMES = 24
SKIPPED = 4  # frames at the start, in which an average is young
Levels = NDArray[np.uint8]


class Clip(NamedTuple):
    """A film in its true colours, uint8 [N, H, W, 3], and where each pixel was in the frame before: [N, 2, H, W], far
    outside for what was not seen."""

    name: str
    frames: Levels
    was: NDArray[np.float32]


def pan(name: str, world: Levels, sides: tuple[int, int], step: tuple[int, int], count: int = FRAMES) -> Clip:
    """A camera that moves over a picture by whole pixels: world [*, *, 3]."""
    height, width = sides
    frames = [world[step[0] * t : step[0] * t + height, step[1] * t : step[1] * t + width] for t in range(count)]
    was = places(sides) + np.array(step, np.float32)[:, None, None]
    return Clip(name, np.stack(frames), np.broadcast_to(was, (count, *was.shape)))


def moving(name: str, world: Levels, other: Levels, step: tuple[int, int], count: int = FRAMES) -> Clip:
    """A disc cut out of another picture that moves over a still one: both [H, W, 3]."""
    height, width = world.shape[:2]
    radius = min(height, width) // 4
    frames, was, before = [], [], None
    for t in range(count):
        centre = np.array([radius + step[0] * t, radius + step[1] * t])
        rows, columns = places((height, width))
        disc = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2
        content = np.roll(other, tuple(step[axis] * t for axis in (0, 1)), (0, 1))
        frames.append(np.where(disc[..., None], content, world))
        place = places((height, width)) - np.where(disc, 1, 0) * np.array(step, np.float32)[:, None, None]
        if before is not None:
            place[:, before & ~disc] = -(10**6)  # uncovered
        was.append(place.astype(np.float32))
        before = disc
    return Clip(name, np.stack(frames).astype(np.uint8), np.stack(was))


def drawn() -> list[Clip]:
    """Films of drawn landscapes."""
    from colourize.data.scenes import draw

    pictures = draw(5, 256, range(5), seed=7, split=1)[0].numpy()
    small = pictures[:, ::2, ::2]
    return [
        pan("still", small[0], (128, 128), (0, 0)),
        pan("pan, 3 pixels a frame", pictures[1], (128, 128), (1, 3)),
        moving("disc, 2 pixels a frame", small[2], small[3], (1, 2)),
    ]


def photographed(paths: list[Path]) -> list[Clip]:
    """Films that pan over photographs, 384 x 256 pixels."""
    worlds = [(path.stem, np.asarray(Image.open(path).convert("RGB"))) for path in paths]
    return [pan(name, world[: 256 + FRAMES * 2], (256, 384), (1, 4)) for name, world in worlds]


def measured(clip: Clip, predictor: Predictor, way: str, decoding: str) -> dict[str, float]:
    """Flicker along the known motion and at the same place, error of (a, b), and seconds a frame."""
    painter = NetworkPainter(predictor, Choices(parsed(decoding), threads=1), way, clip.name.encode())
    begin = time.perf_counter()
    coloured = [painter.paint(frame) for frame in grainy(clip.frames)]
    seconds = (time.perf_counter() - begin) / len(coloured)
    pairs = range(SKIPPED + 1, len(coloured))
    along = [flicker(coloured[t - 1], coloured[t], clip.was[t]) for t in pairs]
    there = [flicker(coloured[t - 1], coloured[t]) for t in pairs]
    error = [difference(coloured[t], clip.frames[t]) for t in pairs]
    return {"along": float(np.nanmean(along)), "there": float(np.nanmean(there)), "error": float(np.mean(error)),
            "s": seconds}  # fmt: skip


def grainy(frames: Levels) -> Iterator[Levels]:
    """The frames as a camera on film sees them: grey, with grain: uint8 [H, W, 3] each."""
    generator = np.random.default_rng(0)
    for frame in frames:
        grey = space.grey_levels(frame) / 257 + generator.normal(0, GRAIN, frame.shape[:2])
        yield np.rint(grey).clip(0, 255).astype(np.uint8)[..., None].repeat(3, -1)


def difference(first: Levels, second: Levels) -> float:
    """Mean distance of (a, b)."""
    pixels: list[Any] = [space.lab(frame / 255)[..., 1:] for frame in (first, second)]
    return float(np.linalg.norm(pixels[0] - pixels[1], axis=-1).mean())


def main() -> None:
    """Prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("pictures", nargs="*", type=Path)
    parser.add_argument("--decoding", nargs="+", default=["annealed:0.4"])
    given = parser.parse_args()
    predictor = opened(given.model, "cpu")
    print("| film | decoding | way | flicker along motion | at the same place | error of ab | s a frame |")
    print("|---|---|---|--:|--:|--:|--:|")
    for clip in photographed(given.pictures) if given.pictures else drawn():
        for decoding in given.decoding:
            for way in WAYS[::-1]:
                m = measured(clip, predictor, way, decoding)
                print(f"| {clip.name} | {decoding} | {way} | {m['along']:.3f} | {m['there']:.3f} | {m['error']:.2f} | "
                      f"{m['s']:.2f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
