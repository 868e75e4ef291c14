"""Sky, ground, fields and sheep. Lengths [N, 1, 1] in picture sides; ``x`` is a centre, ``foot`` the lowest y."""

import numpy as np

from colourize.data.scenes.canvas import Canvas
from colourize.data.scenes.drawing import Array, Measure, box, disc, smooth, waves

EVERYWHERE = np.full((1, 1, 1), -1, np.float32)


def sky(c: Canvas, horizon: Array) -> None:
    """A day sky, paler and mostly lighter towards the horizon."""
    height = c.y / horizon
    grey = c.lightness("sky") + c.between(-0.04, 0.22) * (height - 0.5)
    c.paint("sky", EVERYWHERE, grey, vivid=1.1 - 0.4 * np.minimum(height, 1))


def dusk(c: Canvas, horizon: Array) -> None:
    """An evening sky, mauve above and orange towards the horizon, in faint bands."""
    height = np.minimum(c.y / horizon, 1)
    bands = 0.05 * (waves(3 * height + 0.2 * c.noise(4, 4)) - 0.5)
    grey = c.lightness("dusk") + c.between(0.05, 0.2) * (height - 0.5) + bands
    c.paint("dusk", EVERYWHERE, grey)
    c.tinge("dune", 0.7 * height * height)


def sun(c: Canvas, y: Array, radius: Measure) -> None:
    """The sun with a glow, on the side of the light."""
    x = 0.5 + c.light * c.between(0.12, 0.38)
    distance = disc(c.x - x, c.y - y, radius)
    glow = np.clip(1 - distance / 0.3, 0, 1)
    c.shade(EVERYWHERE, np.float32(0.85), 0.45 * glow * glow)
    c.tinge("sun", 0.4 * glow * glow)
    c.paint("sun", distance, c.lightness("sun"))


def cloud(c: Canvas, low: float, high: float) -> None:
    """Three puffs on a flat base, darker below, at y between ``low`` and ``high``."""
    width = c.between(0.09, 0.15)
    x, y = (c.x - c.between(0.08, 0.92)) / width, (c.y - c.between(low, high)) / width
    lean = c.between(-0.3, 0.3)
    puffs = np.minimum(disc(x + 0.8, y - 0.1, 0.5), disc(x - 0.85, y, 0.58))
    puffs = np.minimum(puffs, disc(x - lean, y + 0.25, 0.85))
    grey = c.lightness("cloud") - 0.1 * np.clip(y + 0.2, -0.6, 1)
    c.paint("cloud", np.maximum(puffs, y - 0.4) * width * 0.7, grey)


def hills(c: Canvas, horizon: Array) -> None:
    """A soft, distant ridge that reaches below the horizon."""
    ridge = horizon - 0.07 + 0.07 * c.noise(1, 5)
    c.paint("hill", ridge - c.y, c.lightness("hill") + 0.4 * (c.y - horizon), vivid=0.9)


def mountain(c: Canvas, x: Array, top: Array, foot: Array) -> None:
    """A peak with a lit face, a shaded face and a cap of snow."""
    across = c.x - x
    steep = c.between(0.9, 1.5)
    rough = 0.05 * c.noise(1, 14) * np.clip(np.abs(across) * 5, 0, 1)
    outside = 0.6 * (top + steep * np.abs(across) + rough - c.y)
    crest = across + (c.y - top) * c.between(-0.35, 0.35) + 0.04 * (waves(c.y * 7) - 0.5)
    lit = np.clip(crest * c.light * (0.5 * c.size), -1, 1)
    folds = 0.05 * smooth(2 * c.lattice(1, 16) - 1, 1, c.size)
    level = c.lightness("mountain")
    c.paint("mountain", outside, level + (0.09 + folds) * lit)
    edge = top + (foot - top) * c.between(0.3, 0.5) + 0.1 * (waves(across * 7 + c.between(0, 1)) - 0.5)
    c.paint("snow", np.maximum(outside, c.y - edge), c.lightness("snow", level, 0.25) + 0.12 * lit)


def water(c: Canvas, kind: str, top: Array, outside: Array) -> None:
    """Level water below its far shore at y ``top``, with crests that widen towards the viewer."""
    depth = np.clip(c.y - top, 0, 1)
    phase = c.between(6, 8) * np.sqrt(depth) + 0.3 * c.noise(5, 7)
    crest = waves(phase)
    grey = c.lightness(kind) + 0.2 * crest * crest - 0.08
    c.paint(kind, outside, grey, vivid=1.05 - 0.08 * crest)


def grass(c: Canvas, top: Array) -> None:
    """Grass in light and dark patches; blades become larger towards the viewer."""
    depth = np.clip((c.y - top) / (1 - top), 0, 1)
    grey = c.lightness("grass") + 0.06 * c.noise(3, 5) + (0.04 + 0.11 * depth) * c.noise(8, 48)
    c.paint("grass", top - c.y, grey, vivid=0.95 + 0.1 * depth)


def sand(c: Canvas, shore: Array) -> None:
    """Speckled sand behind a line of foam; ``shore`` is the y of the water's edge, [N, 1, W]."""
    c.paint("sand", shore - c.y, c.lightness("sand") + 0.04 * c.noise(20, 24) + 0.1 * (c.y - shore))
    c.shade(np.abs(c.y - shore) - 0.016, np.float32(0.95), 0.9)


def plain(c: Canvas, top: Array) -> None:
    """Flat sand of the desert below y ``top``."""
    c.paint("dune", top - c.y, c.lightness("dune") + 0.04 * c.noise(16, 5))


def dune(c: Canvas, x: Array, top: Array, width: Array) -> None:
    """A hump with a lit and a dark slope, a winding crest and wind ripples."""
    across = (c.x - x) / width
    ridge = top + 0.22 * across * across / (across * across + 1) + 0.012 * c.noise(1, 6)
    below = c.y - ridge
    winding = 0.25 * (waves(4 * (c.y - top) + c.between(0, 1)) - 0.5)
    lit = np.clip((across + winding + c.between(-2, 2) * (c.y - top)) * c.light * width * (0.5 * c.size), -1, 1)
    fade = np.clip(1 - 1.8 * below, 0.2, 1)
    ripples = 0.06 * (waves(14 * below + 2.5 * across * width) - 0.5)
    c.paint("dune", -below, c.lightness("dune") + 0.12 * lit * fade + ripples)


def rows(c: Canvas, kind: str, top: Array) -> None:
    """A field in rows with a vanishing point on its far border."""
    depth = np.maximum(c.y - top + 0.05, np.float32(0.02))
    row = waves((c.x - c.between(0.25, 0.75)) / depth * c.between(0.55, 0.75))
    near = np.clip(depth * (c.size / 16), 0, 1)
    bumps = c.noise(20, 30) * row
    grey = c.lightness(kind) + near * (0.26 * (row - 0.5) + 0.1 * bumps)
    c.paint(kind, top - c.y, grey, vivid=0.75 + 0.35 * row)


def wheat(c: Canvas, top: Array) -> None:
    """Wheat: uneven upright strokes below a ragged edge, in bands that become narrower with distance."""
    depth = np.clip(c.y - top, 0, 1)
    bands = waves(5.5 * np.sqrt(depth) + 0.15 * c.noise(4, 30))
    grey = c.lightness("wheat") + 0.16 * (bands - 0.5) + (0.02 + 0.1 * depth) * c.noise(3, 48)
    c.paint("wheat", top + 0.012 * c.noise(1, 40) - c.y, grey)


def sheep(c: Canvas, x: Array, foot: Array, height: Array) -> None:
    """A woolly body on four legs, with a dark head on the side of the light."""
    across, up = (c.x - x) * c.light / height, (foot - c.y) / height
    dark = c.between(0.12, 0.25)
    c.paint("stone", box(np.abs(across) - 0.32, up - 0.2, 0.07, 0.2) * height, dark)
    wool = c.lightness("wool")
    curls = 0.06 * c.noise(24, 24)
    fleece = np.minimum(disc(across, up - 0.55, 0.58, 0.36), disc(across + 0.1, up - 0.72, 0.36, 0.28))
    c.paint("wool", fleece * height, wool + curls + 0.2 * (up - 0.6))
    c.paint("stone", disc(across - 0.58, up - 0.68, 0.2, 0.26) * height, dark)
