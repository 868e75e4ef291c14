"""Five kinds of landscape, each painted back to front. Lengths [N, 1, 1] in picture sides."""

import numpy as np

from colourize.data.scenes import buildings, plants, scenery
from colourize.data.scenes.canvas import Canvas
from colourize.data.scenes.drawing import Array, disc


def meadow(c: Canvas) -> None:
    """Grass under hills, with broad trees, flowers and sometimes a balloon."""
    horizon = c.between(0.45, 0.66)
    _day(c, horizon)
    side = np.where(c.chance(0.5), np.float32(-1), np.float32(1))
    with c.only(c.chance(0.4), side) as (some, (right,)):
        buildings.balloon(some, 0.5 - right * some.between(0.0, 0.3), some.between(0.03, 0.12), some.between(0.26, 0.4))
    scenery.hills(c, horizon)
    scenery.grass(c, horizon + 0.03 * c.noise(1, 4))
    _broad_tree(c, 0.5 - side * c.between(0.08, 0.36), horizon, c.between(0.2, 0.3))
    flowers = c.lattice(1, 1)
    with c.only(flowers < np.float32(0.45), horizon) as (some, (top,)):
        plants.poppies(some, top + 0.12, 9)
    _broad_tree(c, 0.5 + side * c.between(0.12, 0.34), horizon + c.between(0.08, 0.2), c.between(0.45, 0.62))
    with c.only((flowers > np.float32(0.4)) & (flowers < np.float32(0.7)), side, horizon) as (some, (right, top)):
        for gap in 0.14, 0.36:
            foot = top + some.between(0.2, 0.34)
            scenery.sheep(some, 0.5 - right * (some.between(-0.06, 0.06) + gap), foot, some.between(0.18, 0.24))
    with c.only(flowers > np.float32(0.66), side) as (some, (right,)):
        for near in 0.0, 0.28:
            x = 0.5 - right * (some.between(0.34, 0.42) - near)
            plants.sunflower(some, x, some.between(0.72, 0.82) + near / 4, some.between(0.12, 0.15))


def coast(c: Canvas) -> None:
    """Sea and beach by day or at sunset, with a boat, a lighthouse, a palm or a parasol."""
    horizon = c.between(0.36, 0.52)
    _day_or_dusk(c, horizon, 0.4)
    scenery.water(c, "sea", horizon, horizon - c.y)
    side = np.where(c.chance(0.5), np.float32(-1), np.float32(1))
    sight = c.lattice(1, 1)
    with c.only(sight < np.float32(0.45), side, horizon) as (some, (right, far)):
        buildings.lighthouse(some, 0.5 - right * some.between(0.25, 0.36), far + 0.06, some.between(0.34, 0.46))
    # If there is a lighthouse, the boat stays in the middle.
    leftmost = np.where(sight < np.float32(0.45), np.float32(-0.05), np.float32(-0.34))
    with c.only(sight > np.float32(0.25), side, horizon, leftmost) as (some, (right, far, limit)):
        x = 0.5 + right * some.between(limit, 0.12)
        buildings.boat(some, x, far + some.between(0.1, 0.18), some.between(0.26, 0.42))
    slope = side * c.between(0.05, 0.3)
    shore = c.between(0.7, 0.82) - slope * (c.x - 0.5) + 0.03 * c.noise(1, 5)
    scenery.sand(c, shore)
    extra = c.lattice(1, 1)
    with c.only(extra < np.float32(0.4), side) as (some, (right,)):
        plants.palm(some, 0.5 + right * some.between(0.22, 0.34), some.between(0.86, 0.95), some.between(0.5, 0.68))
    with c.only(extra > np.float32(0.55), side) as (some, (right,)):
        x = 0.5 + right * some.between(0.14, 0.34)
        buildings.parasol(some, x, some.between(0.9, 0.97), some.between(0.28, 0.38))


def mountains(c: Canvas) -> None:
    """Peaks with snow over a lake and pines."""
    foot = c.between(0.55, 0.68)
    _day(c, foot)
    first = c.between(0.1, 0.3)
    scenery.mountain(c, first, c.between(0.22, 0.38), foot)
    scenery.mountain(c, first + c.between(0.5, 0.65), c.between(0.2, 0.36), foot)
    scenery.mountain(c, first + c.between(0.15, 0.4), c.between(0.08, 0.3), foot)
    scenery.grass(c, foot + 0.02 * c.noise(1, 5))
    with c.only(c.chance(0.65), foot) as (some, (top,)):
        y = top + 0.2
        down = some.y - y + 0.02 * some.noise(1, 6)
        outside = disc(some.x - some.between(0.3, 0.7), down, some.between(0.4, 0.7), some.between(0.1, 0.15))
        scenery.water(some, "lake", top, outside)
    count = c.lattice(1, 1)
    for most in 1.0, 0.8, 0.55, 0.3:
        with c.only(count < np.float32(most)) as (some, _):
            left = some.chance(0.5)
            x = np.where(left, some.between(0.04, 0.3), some.between(0.7, 0.96))
            plants.pine(some, x, some.between(0.8, 0.98), some.between(0.3, 0.5))


def desert(c: Canvas) -> None:
    """Dunes by day or at sunset, with pyramids and cacti."""
    horizon = c.between(0.45, 0.6)
    _day_or_dusk(c, horizon, 0.35)
    extra = c.lattice(1, 1)
    scenery.plain(c, horizon + 0.03)
    with c.only(extra < np.float32(0.45), horizon) as (some, (far,)):
        big = some.between(0.24, 0.4)
        x = some.between(0.2, 0.8)
        buildings.pyramid(some, x + 0.3, far + 0.05, big * np.float32(0.6))
        buildings.pyramid(some, x, far + 0.06, big)
    side = np.where(c.chance(0.5), np.float32(-1), np.float32(1))
    for nearer in 0.0, 0.12, 0.27:
        scenery.dune(c, 0.5 + side * c.between(0.1, 0.4), horizon + nearer, c.between(0.2, 0.4))
        side = -side
    with c.only(extra > np.float32(0.35), side) as (some, (right,)):
        plants.cactus(some, 0.5 + right * some.between(0.05, 0.34), some.between(0.85, 0.96), some.between(0.35, 0.6))
        plants.cactus(some, 0.5 - right * some.between(0.15, 0.4), some.between(0.68, 0.76), some.between(0.16, 0.26))


def farm(c: Canvas) -> None:
    """Fields of wheat or lavender around a house or a windmill, with poplars."""
    horizon = c.between(0.42, 0.58)
    _day(c, horizon)
    scenery.hills(c, horizon)
    scenery.grass(c, horizon)
    purple = c.chance(0.5)
    x = c.between(0.24, 0.76)
    border = horizon + 0.07 + 0.02 * c.noise(1, 4)
    with c.only(purple, border) as (some, (top,)):
        scenery.rows(some, "lavender", top)
    with c.only(~purple, border) as (some, (top,)):
        scenery.wheat(some, top)
    away = np.where(x > 0.5, np.float32(-1), np.float32(1))
    for gap in 0.3, 0.44:
        with c.only(c.chance(0.6), x, horizon, away) as (some, (middle, far, right)):
            plants.poplar(some, middle + right * gap, far + 0.1, some.between(0.32, 0.46))
    mill = c.chance(0.4)
    with c.only(mill, x, horizon) as (some, (middle, far)):
        buildings.windmill(some, middle, far + 0.13, some.between(0.48, 0.6))
    with c.only(~mill, x, horizon) as (some, (middle, far)):
        buildings.house(some, middle, far + some.between(0.14, 0.2), some.between(0.15, 0.21))


def _day(c: Canvas, horizon: Array) -> None:
    scenery.sky(c, horizon)
    with c.only(c.chance(0.45)) as (some, _):
        scenery.sun(some, some.between(0.1, 0.2), some.between(0.06, 0.09))
    for _ in range(2):
        with c.only(c.chance(0.6)) as (some, _):
            scenery.cloud(some, 0.08, 0.32)


def _day_or_dusk(c: Canvas, horizon: Array, share: float) -> None:
    """At dusk the sun stands on the horizon."""
    late = c.chance(share)
    with c.only(~late, horizon) as (some, (far,)):
        _day(some, far)
    with c.only(late, horizon) as (some, (far,)):
        scenery.dusk(some, far)
        scenery.sun(some, far - some.between(-0.02, 0.05), some.between(0.1, 0.15))


def _broad_tree(c: Canvas, x: Array, foot: Array, height: Array) -> None:
    blooming = c.chance(0.4)
    for chosen, kind in (blooming, "blossom"), (~blooming, "leaves"):
        with c.only(chosen, x, foot, height) as (some, (middle, ground, size)):
            plants.crown(some, kind, middle, ground, size)
