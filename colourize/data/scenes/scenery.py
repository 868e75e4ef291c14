"""What nature puts into a landscape. Measures [N, 1, 1] in picture sides; ``x`` a middle, ``foot`` the lowest y."""

import numpy as np

from colourize.data.scenes.canvas import Canvas
from colourize.data.scenes.drawing import Array, Measure, box, cone, disc, smooth, waves

EVERYWHERE = np.full((1, 1, 1), -1, np.float32)


def sky(c: Canvas, horizon: Array) -> None:
    """Paler, mostly lighter, towards the horizon."""
    height = c.y / horizon
    grey = c.lightness("sky") + c.between(-0.04, 0.22) * (height - 0.5)
    c.paint("sky", EVERYWHERE, grey, vivid=1.1 - 0.4 * np.minimum(height, 1))


def dusk(c: Canvas, horizon: Array) -> None:
    """Mauve above, orange towards the horizon, in faint bands."""
    height = np.minimum(c.y / horizon, 1)
    bands = 0.05 * (waves(3 * height + 0.2 * c.noise(4, 4)) - 0.5)
    grey = c.lightness("dusk") + c.between(0.05, 0.2) * (height - 0.5) + bands
    c.paint("dusk", EVERYWHERE, grey)
    c.tinge("dune", 0.7 * height * height)


def sun(c: Canvas, y: Array, radius: Measure) -> None:
    """On the side light comes from, with a glow."""
    x = 0.5 + c.light * c.between(0.12, 0.38)
    distance = disc(c.x - x, c.y - y, radius)
    glow = np.clip(1 - distance / 0.3, 0, 1)
    c.shade(EVERYWHERE, np.float32(0.85), 0.45 * glow * glow)
    c.tinge("sun", 0.4 * glow * glow)
    c.paint("sun", distance, c.lightness("sun"))


def cloud(c: Canvas, low: float, high: float) -> None:
    """Three puffs on a flat base, darker below; ``low`` and ``high`` bound its y."""
    width = c.between(0.09, 0.15)
    x, y = (c.x - c.between(0.08, 0.92)) / width, (c.y - c.between(low, high)) / width
    lean = c.between(-0.3, 0.3)
    puffs = np.minimum(disc(x + 0.8, y - 0.1, 0.5), disc(x - 0.85, y, 0.58))
    puffs = np.minimum(puffs, disc(x - lean, y + 0.25, 0.85))
    grey = c.lightness("cloud") - 0.1 * np.clip(y + 0.2, -0.6, 1)
    c.paint("cloud", np.maximum(puffs, y - 0.4) * width * 0.7, grey)


def hills(c: Canvas, horizon: Array) -> None:
    """A soft far ridge down to the horizon and below."""
    ridge = horizon - 0.07 + 0.07 * c.noise(1, 5)
    c.paint("hill", ridge - c.y, c.lightness("hill") + 0.4 * (c.y - horizon), vivid=0.9)


def mountain(c: Canvas, x: Array, top: Array, foot: Array) -> None:
    """A peak with a lit and a shaded face and a cap of snow."""
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
    """Level water seen towards its far shore at y ``top``: crests that widen on the way to the viewer."""
    depth = np.clip(c.y - top, 0, 1)
    phase = c.between(6, 8) * np.sqrt(depth) + 0.3 * c.noise(5, 7)
    crest = waves(phase)
    grey = c.lightness(kind) + 0.2 * crest * crest - 0.08
    c.paint(kind, outside, grey, vivid=1.05 - 0.08 * crest)


def grass(c: Canvas, top: Array) -> None:
    """Blades that grow towards the viewer, in light and dark patches."""
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
    """A hump whose two slopes, one lit, meet in a winding crest; wind ripples on both."""
    across = (c.x - x) / width
    ridge = top + 0.22 * across * across / (across * across + 1) + 0.012 * c.noise(1, 6)
    below = c.y - ridge
    winding = 0.25 * (waves(4 * (c.y - top) + c.between(0, 1)) - 0.5)
    lit = np.clip((across + winding + c.between(-2, 2) * (c.y - top)) * c.light * width * (0.5 * c.size), -1, 1)
    fade = np.clip(1 - 1.8 * below, 0.2, 1)
    ripples = 0.06 * (waves(14 * below + 2.5 * across * width) - 0.5)
    c.paint("dune", -below, c.lightness("dune") + 0.12 * lit * fade + ripples)


def rows(c: Canvas, kind: str, top: Array) -> None:
    """A field in rows that run to a vanishing point on its far border."""
    depth = np.maximum(c.y - top + 0.05, np.float32(0.02))
    row = waves((c.x - c.between(0.25, 0.75)) / depth * c.between(0.55, 0.75))
    near = np.clip(depth * (c.size / 16), 0, 1)
    bumps = c.noise(20, 30) * row
    grey = c.lightness(kind) + near * (0.26 * (row - 0.5) + 0.1 * bumps)
    c.paint(kind, top - c.y, grey, vivid=0.75 + 0.35 * row)


def wheat(c: Canvas, top: Array) -> None:
    """Ears in uneven upright strokes under a ragged upper edge, in bands that thin out with distance."""
    depth = np.clip(c.y - top, 0, 1)
    bands = waves(5.5 * np.sqrt(depth) + 0.15 * c.noise(4, 30))
    grey = c.lightness("wheat") + 0.16 * (bands - 0.5) + (0.02 + 0.1 * depth) * c.noise(3, 48)
    c.paint("wheat", top + 0.012 * c.noise(1, 40) - c.y, grey)


def crown(c: Canvas, kind: str, x: Array, foot: Array, height: Array) -> None:
    """A broad tree: trunk and round crown; blossom comes in clusters, leaves are smooth."""
    bark = c.lightness("wood")
    c.paint("wood", cone(c.x - x, c.y - (foot - 0.5 * height), 0.5 * height, 0.05 * height, 0.08 * height), bark)
    across, up = (c.x - x) / height, (c.y - foot) / height + 0.66
    puffs = np.minimum(disc(across + 0.17, up - 0.08, 0.21), disc(across - 0.18, up - 0.06, 0.2))
    puffs = np.minimum(puffs, disc(across + c.between(-0.05, 0.05), up + 0.1, 0.25))
    lit = np.clip(2.2 * (across * c.light - up), -1, 1)
    clusters = c.noise(20, 20)
    puffs = puffs * height + 0.01 * clusters
    depth = 0.2 if kind == "blossom" else 0.05
    c.paint(kind, puffs, c.lightness(kind, bark, 0.08) + 0.1 * lit + depth * clusters)


def poplar(c: Canvas, x: Array, foot: Array, height: Array) -> None:
    """A slender tree, a spindle from the ground up, golden in autumn."""
    bark = c.lightness("wood")
    c.paint("wood", box(c.x - x, c.y - foot + 0.08 * height, 0.035 * height, 0.08 * height), bark)
    across, up = c.x - x, c.y - foot + 0.56 * height
    lit = np.clip(across * c.light / (0.12 * height), -1, 1)
    strokes = c.noise(12, 40)
    outside = disc(across, up, 0.15 * height, 0.45 * height) + 0.012 * strokes
    c.paint("poplar", outside, c.lightness("poplar", bark) + 0.1 * lit + 0.09 * strokes)


def pine(c: Canvas, x: Array, foot: Array, height: Array) -> None:
    """A conifer of three tiers."""
    c.paint("wood", box(c.x - x, c.y - foot + 0.06 * height, 0.05 * height, 0.06 * height), c.lightness("wood"))
    down = (c.y - foot) / height + 1
    tier = 3.4 * np.maximum(down, 0)
    width = 0.1 * down + 0.2 * (tier - np.floor(tier)) * (0.45 + 0.55 * down)
    outside = np.maximum((np.abs(c.x - x) - width * height) * 0.8, np.maximum(-down, down - 0.88) * height)
    lit = np.clip((c.x - x) * c.light / (0.1 * height), -1, 1)
    c.paint("pine", outside, c.lightness("pine") + 0.06 * lit - 0.05 * (tier - np.floor(tier) - 0.5))


def palm(c: Canvas, x: Array, foot: Array, height: Array) -> None:
    """A leaning trunk with drooping fronds."""
    up = (foot - c.y) / height
    bend = c.between(-0.35, 0.35) * height
    bark = c.lightness("wood")
    stem = np.maximum(np.abs(c.x - x - bend * up * up) - 0.045 * height, np.maximum(-up, up - 0.9) * height)
    c.paint("wood", stem, bark + 0.08 * (waves(up * 8) - 0.5))
    across, down = np.abs(c.x - x - bend * np.float32(0.85)) / height, 0.9 - up
    thick = 0.085 - 0.14 * across
    high = np.abs(down + 0.12 - 2.8 * (across - 0.22) * (across - 0.22)) - thick
    low = np.abs(down - 0.01 - 0.15 * across - 2.4 * across * across) - thick
    crest = np.abs(down + 0.6 * across) - 0.6 * thick
    fronds = np.minimum(np.maximum(np.minimum(high, low), across - 0.45), np.maximum(crest, across - 0.3))
    c.paint("palm", fronds * height * 0.8, c.lightness("palm", bark, 0.1))


def cactus(c: Canvas, x: Array, foot: Array, height: Array) -> None:
    """A ribbed column with two raised arms."""
    across, up = (c.x - x) / height, (foot - c.y) / height
    side = np.where(c.chance(0.5), np.float32(-1), np.float32(1))
    outside = _upright(across, up, 0.0, 0.88, 0.12)
    for arm, low, top in (side * np.float32(0.34), 0.36, 0.72), (side * np.float32(-0.32), 0.5, 0.84):
        outside = np.minimum(outside, _upright(across - arm, up, low, top, 0.085))
        outside = np.minimum(outside, box(across - arm / 2, up - low, 0.19, 0.085))
    ribs = 0.12 * (waves(across * 8 + 0.5) - 0.5)
    c.paint("cactus", outside * height, c.lightness("cactus") + ribs + 0.2 * across * c.light)


def _upright(across: Array, up: Array, low: float, top: float, radius: float) -> Array:
    """Distance to a capsule from ``low`` to ``top``."""
    return disc(across, up - np.clip(up, low, top), radius)


def poppies(c: Canvas, top: Array, cells: int) -> None:
    """Small red flowers all over the ground below y ``top``, one to a cell of a jittered grid."""
    column, row = (c.x * cells).astype(np.int64)[0, 0], (c.y * cells).astype(np.int64)[0, :, 0]
    at = np.ix_(np.arange(len(c.luck)), row, column)
    right, down, grows = (c.lattice(cells, cells)[at] for _ in range(3))
    across, below = c.x * cells - column - (0.3 + 0.4 * right), c.y * cells - row[:, None] - (0.3 + 0.4 * down)
    distance = disc(across, below, 0.35) / cells
    hidden = np.where((grows < np.float32(0.6)) & ((row[:, None] + 0.2) / cells > top), np.float32(0), np.float32(1))
    level = c.lightness("poppy") + 0.1 * (right - 0.5)
    c.paint("poppy", distance + hidden, level - 0.2 * np.clip(1 - disc(across, below, 0.0) * 7, 0, 1))


def sunflower(c: Canvas, x: Array, y: Array, radius: Array) -> None:
    """Eight petals around a dark heart on a stem to the lower border; ``x``, ``y`` its middle."""
    across, down = c.x - x, c.y - y
    c.paint("leaves", np.maximum(np.abs(across) - 0.13 * radius, -down), c.lightness("leaves"))
    wide, narrow = np.maximum(np.abs(across), np.abs(down)), np.minimum(np.abs(across), np.abs(down))
    petals = np.minimum(
        disc(wide - 0.62 * radius, narrow, 0.38 * radius, 0.24 * radius),
        disc(wide - 0.45 * radius, narrow - 0.45 * radius, 0.3 * radius),
    )
    level = c.lightness("sunflower")
    c.paint("sunflower", np.minimum(petals, disc(across, down, 0.6 * radius)), level)
    c.paint("wood", disc(across, down, 0.4 * radius), c.lightness("wood", level, 0.2))


def sheep(c: Canvas, x: Array, foot: Array, height: Array) -> None:
    """A woolly body on four legs, the dark head towards the light."""
    across, up = (c.x - x) * c.light / height, (foot - c.y) / height
    dark = c.between(0.12, 0.25)
    c.paint("stone", box(np.abs(across) - 0.32, up - 0.2, 0.07, 0.2) * height, dark)
    wool = c.lightness("wool")
    curls = 0.06 * c.noise(24, 24)
    fleece = np.minimum(disc(across, up - 0.55, 0.58, 0.36), disc(across + 0.1, up - 0.72, 0.36, 0.28))
    c.paint("wool", fleece * height, wool + curls + 0.2 * (up - 0.6))
    c.paint("stone", disc(across - 0.58, up - 0.68, 0.2, 0.26) * height, dark)
