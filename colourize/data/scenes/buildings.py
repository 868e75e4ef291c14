"""Buildings and other made objects. Lengths [N, 1, 1] in picture sides; ``x`` is a centre, ``foot`` the lowest y."""

import numpy as np

from colourize.data.scenes.canvas import Canvas
from colourize.data.scenes.drawing import Array, box, cone, disc, waves


def house(c: Canvas, x: Array, foot: Array, width: Array) -> None:
    """A wall with door and windows under a gable roof; ``width`` is half the width of the wall."""
    across, up = (c.x - x) / width, (foot - c.y) / width
    wall = c.lightness("wall")
    c.paint("wall", box(across, up - 0.55, 1.0, 0.55) * width, wall + 0.06 * across * c.light)
    chimney = box(across - 0.6 * c.light, up - 1.75, 0.13, 0.3)
    c.paint("stone", chimney * width, c.lightness("stone"))
    roof = c.lightness("roof", wall, 0.15)
    tiles = 0.08 * (waves(up * 3.5) - 0.5)
    c.paint("roof", cone(across, 2.0 - up, 0.95, 0.35, 1.25) * width, roof + tiles + 0.05 * c.light * across)
    c.paint("wood", box(across, up - 0.36, 0.2, 0.37) * width, c.lightness("wood", wall, 0.2))
    pane = c.lightness("window", wall, 0.22)
    c.paint("window", box(np.abs(across) - 0.6, up - 0.62, 0.19, 0.22) * width, pane)


def windmill(c: Canvas, x: Array, foot: Array, height: Array) -> None:
    """A tapered tower with a cap and four sails."""
    across, up = (c.x - x) / height, (foot - c.y) / height
    wall = c.lightness("wall")
    lit = np.clip(across * c.light * 7, -1, 1)
    c.paint("wall", cone(across, 0.66 - up, 0.66, 0.11, 0.18) * height, wall + 0.08 * lit)
    c.paint("wood", box(across, up - 0.1, 0.05, 0.1) * height, c.lightness("wood", wall, 0.2))
    c.paint("roof", np.maximum(disc(across, up - 0.65, 0.15), 0.64 - up) * height, c.lightness("roof", wall))
    t = c.between(0.1, 0.9)
    cosine, sine = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
    turned, other = across * cosine + (up - 0.68) * sine, (up - 0.68) * cosine - across * sine
    blades = np.minimum(box(turned, other, 0.4, 0.045), box(turned, other, 0.045, 0.4))
    c.paint("wood", blades * height, c.lightness("wood", wall, 0.15))


def lighthouse(c: Canvas, x: Array, foot: Array, height: Array) -> None:
    """A banded tower with a lantern, on a rock."""
    across, up = (c.x - x) / height, (foot - c.y) / height
    lit = np.clip(across * c.light * 8, -1, 1)
    rock = disc(across, up + 0.02, 0.36, 0.15) + 0.06 * c.noise(7, 14)
    c.paint("stone", rock * height, c.lightness("stone") + 0.1 * lit * up + 0.06 * c.noise(8, 20))
    tower = cone(across, 0.82 - up, 0.74, 0.09, 0.15)
    wall = c.lightness("wall")
    c.paint("wall", tower * height, wall + 0.07 * lit)
    band = np.maximum(tower, np.minimum(np.abs(up - 0.32), np.abs(up - 0.62)) - 0.075)
    c.paint("paint", band * height, c.lightness("paint", wall, 0.18) + 0.07 * lit)
    c.paint("sun", box(across, up - 0.88, 0.07, 0.06) * height, c.lightness("sun"))
    c.paint("paint", cone(across, 1.03 - up, 0.1, 0.01, 0.12) * height, c.lightness("paint"))


def boat(c: Canvas, x: Array, foot: Array, height: Array) -> None:
    """A hull with a mainsail and a jib."""
    across, up = (c.x - x) * c.light / height, (foot - c.y) / height
    c.shade(box(across, up + 0.03, 0.35, 0.04) * height, np.float32(0.15), 0.4)
    c.paint("paint", cone(across, 0.22 - up, 0.22, 0.46, 0.3) * height, c.lightness("paint"))
    cloth = c.lightness("sail")
    drop = 1 - up
    main = np.maximum(np.maximum(across - 0.55 * drop, 0.04 - across), 0.27 - up)
    jib = np.maximum(np.maximum(-across - 0.42 * (drop - 0.08), across + 0.0), 0.27 - up)
    c.paint("sail", main * 0.85 * height, cloth)
    c.paint("sail", jib * 0.85 * height, cloth - 0.14)


def balloon(c: Canvas, x: Array, top: Array, height: Array) -> None:
    """A hot-air balloon in stripes over its basket."""
    across, down = (c.x - x) / height, (c.y - top) / height
    globe = disc(across, down - 0.36, 0.36)
    skirt = cone(across, down - 0.46, 0.34, 0.34, 0.1)
    width = np.sqrt(np.maximum(1 - (down - 0.36) * (down - 0.36) / 0.1296, 0.05))
    gores = waves(across / width * 2.1 + 0.5)
    level = c.lightness("balloon")
    c.paint("balloon", np.minimum(globe, skirt) * height, level + 0.22 * (gores - 0.5) + 0.12 * across * c.light)
    c.paint("wood", box(across, down - 0.93, 0.09, 0.07) * height, c.lightness("wood"))


def parasol(c: Canvas, x: Array, foot: Array, height: Array) -> None:
    """A striped beach umbrella on a pole."""
    across, up = (c.x - x) / height, (foot - c.y) / height
    c.paint("wood", box(across, up - 0.4, 0.035, 0.4) * height, c.lightness("wood"))
    shade = np.maximum(disc(across, up - 0.55, 0.5, 0.42), 0.56 - up)
    stripes = waves(across * 3.0 + 0.5)
    c.paint("parasol", shade * height, c.lightness("parasol") + 0.28 * (stripes - 0.5))


def pyramid(c: Canvas, x: Array, foot: Array, height: Array) -> None:
    """Two faces of stone courses, one lit."""
    across, down = (c.x - x) / height, (c.y - foot) / height + 1
    lit = np.clip((across - 0.3 * c.light * down) * c.light * height * (0.7 * c.size), -1, 1)
    courses = 0.05 * (waves(down * 8) - 0.5)
    c.paint("pyramid", cone(across, down, 1.0, 0.0, 0.95) * height, c.lightness("pyramid") + 0.12 * lit + courses)
