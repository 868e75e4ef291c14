"""Films to measure flicker on: drawn ones and pans over photographs, whose motion is known, and real ones.

N frames, H height, W width.
"""

from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colourize.inference import space
from colourize.inference.film import source
from colourize.inference.film.cuts import is_cut
from colourize.inference.film.motion import inside, places, sampled
from colourize.inference.film.painter import small
from colourize.inference.space import Floats

FRAMES = 24
GRAIN = 2.0  # levels, standard deviation
SHORTER = 144  # pixels; larger real films are made smaller, because the motion of large pictures takes long
AGREE = 1.0  # pixels by which motion there and back may miss its start
NOWHERE = -(10**6)  # the previous position of pixels that were not seen
Levels = NDArray[np.uint8]


class Clip(NamedTuple):
    """A film in its true colours, uint8 [N, H, W, 3]; where each pixel was in the frame before, [N, 2, H, W], far
    outside for unseen pixels; and the standard deviation, in levels, of noise that is added in each frame."""

    name: str
    frames: Levels
    was: Floats
    grain: float = GRAIN


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
            place[:, before & ~disc] = NOWHERE  # uncovered
        was.append(place.astype(np.float32))
        before = disc
    return Clip(name, np.stack(frames).astype(np.uint8), np.stack(was))


def drawn() -> list[Clip]:
    """Films of drawn landscapes."""
    from colourize.data.scenes import draw

    pictures = draw(5, 256, range(5), seed=7, split=1)[0].numpy()
    little = pictures[:, ::2, ::2]
    return [
        pan("still", little[0], (128, 128), (0, 0)),
        pan("pan, 3 pixels a frame", pictures[1], (128, 128), (1, 3)),
        moving("disc, 2 pixels a frame", little[2], little[3], (1, 2)),
    ]


def photographed(path: Path) -> Clip:
    """A film that pans over a photograph, 384 x 256 pixels."""
    world = np.asarray(Image.open(path).convert("RGB"))
    return pan(path.stem, world[: 256 + FRAMES * 2], (256, 384), (1, 4))


def filmed(path: Path, count: int) -> Clip:
    """The first frames of a real film. Its motion is estimated on full pictures, by another method than that of
    ``--steady flow``; pixels whose motion there and back does not agree, and frames after a cut, were seen nowhere."""
    pictures = [_reduced(frame.picture) for frame in islice(source.frames(source.probed(path)), count)]
    greys = [space.grey_levels(picture) for picture in pictures]
    was = [np.full((2, *greys[0].shape), NOWHERE, np.float32)]
    for before, now in pairwise(greys):
        was.append(previous(before / space.white_of(before), now / space.white_of(now)))
        if is_cut(small(before), small(now)):
            was[-1][:] = NOWHERE
    return Clip(path.stem, np.stack(pictures), np.stack(was), grain=0)


def previous(before: NDArray[np.floating], now: NDArray[np.floating]) -> Floats:
    """Where each pixel was in the frame before, by TV-L1 (Zach, Pock and Bischof 2007), NOWHERE where the motion back
    from there misses the pixel by more than one pixel: greys [H, W] in [0, 1] -> [2, H, W]."""
    from skimage.registration import optical_flow_tvl1

    shape = now.shape[0], now.shape[1]
    back, forth = (optical_flow_tvl1(*pair, num_warp=3, num_iter=5, dtype=np.float32)
                   for pair in ((now, before), (before, now)))  # fmt: skip
    at = places(shape) + back
    missed = np.hypot(*(back + sampled(forth, at))) > AGREE
    return np.where(missed | ~inside(at, shape), np.float32(NOWHERE), at).astype(np.float32)


def _reduced(picture: Levels) -> Levels:
    height, width = picture.shape[:2]
    scale = min(SHORTER / min(height, width), 1.0)
    size = round(width * scale), round(height * scale)
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))
