"""Trees, a cactus and flowers. Lengths [N, 1, 1] in picture sides; ``x`` is a centre, ``foot`` the lowest y."""

import numpy as np

from colourize.data.scenes.canvas import Canvas
from colourize.data.scenes.drawing import Array, box, cone, disc, waves


def crown(c: Canvas, kind: str, x: Array, foot: Array, height: Array) -> None:
    """A broad tree: trunk and round crown, with smooth leaves or clusters of blossom."""
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
    """A slender, spindle-shaped tree, golden in autumn."""
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
    """Small red flowers on the ground below y ``top``, one per cell of a jittered grid."""
    column, row = (c.x * cells).astype(np.int64)[0, 0], (c.y * cells).astype(np.int64)[0, :, 0]
    at = np.ix_(np.arange(len(c.luck)), row, column)
    right, down, grows = (c.lattice(cells, cells)[at] for _ in range(3))
    across, below = c.x * cells - column - (0.3 + 0.4 * right), c.y * cells - row[:, None] - (0.3 + 0.4 * down)
    distance = disc(across, below, 0.35) / cells
    hidden = np.where((grows < np.float32(0.6)) & ((row[:, None] + 0.2) / cells > top), np.float32(0), np.float32(1))
    level = c.lightness("poppy") + 0.1 * (right - 0.5)
    c.paint("poppy", distance + hidden, level - 0.2 * np.clip(1 - disc(across, below, 0.0) * 7, 0, 1))


def sunflower(c: Canvas, x: Array, y: Array, radius: Array) -> None:
    """Eight petals around a dark centre at ``x``, ``y``, on a stem to the lower border."""
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
