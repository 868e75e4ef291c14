"""Reads 16 bits a channel where Pillow would keep 8: colours of PNG and TIFF, and greys with a profile.

imagecodecs reads them (libpng, libtiff) and converts them to sRGB (LittleCMS). Without it they become 8 bits, with a
note. H height, W width.
"""

import functools
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colourize.data import profiles, read
from colourize.data.icc import BrokenProfile
from colourize.errors import one_line
from colourize.inference import saving, space

LIBRARY = "pip install imagecodecs"
ORIENTATION, SAMPLES, EXTRA, PLANAR = 274, 277, 338, 284  # tags of EXIF and TIFF
ASSOCIATED, UNASSOCIATED = 1, 2  # alpha that the colours are multiplied by, or are not: TIFF 6.0, section 18
STRIP = 1 << 20  # pixels that are converted at once
# transposed, upside down, mirrored: the eight orientations of EXIF
_TURNS = {2: (False, False, True), 3: (False, True, True), 4: (False, True, False), 5: (True, False, False),
          6: (True, False, True), 7: (True, True, True), 8: (True, True, False)}  # fmt: skip
# LittleCMS: relative colorimetric with black point compensation, as in ``profiles``; without its own table, whose
# error is up to 20 of 255 levels in the shadows
_INTENT, _FLAGS = 1, 0x2000 | 0x0100
Wide = NDArray[np.uint16]


class Pixels(NamedTuple):
    """Upright sRGB colours [H, W, 3], and alpha [H, W] or None."""

    colours: Wide
    alpha: Wide | None


def narrowed(image: Image.Image) -> bool:
    """Whether Pillow reads only 8 of the 16 bits of an opened file's channels."""
    if read.has_levels(image):
        return False
    bits = getattr(image, "tag_v2", {}).get(258, ())
    return max(bits, default=8) == 16 or any(_is_wide(tile) for tile in getattr(image, "tile", ()))


def _is_wide(tile: Any) -> bool:
    """Whether Pillow's decoder gets 16 bits: from a raw mode such as RGB;16B, or a PPM's largest value."""
    words = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
    return any(";16" in str(word) for word in words) or (tile[0] in ("ppm", "ppm_plain") and words[-1] > 255)


def pixels(source: bytes | Path, image: Image.Image, notes: list[str], page: int | None = None) -> Pixels | None:
    """The 16-bit colours of a PNG or TIFF that ``image`` has opened but not loaded; ``page`` if it has several.

    Returns:
        None for other files; a note names the reason if 16 bits become 8.

    Raises:
        Exception: any exception of imagecodecs, for a damaged file.
    """
    if not narrowed(image):
        return None
    tiff = getattr(image, "tag_v2", {})
    whole = image.mode in ("RGB", "RGBA", "RGBX") if image.format == "TIFF" else image.format == "PNG" and page is None
    if not whole:
        notes.append("its 16 bits become 8: they are kept only from RGB in TIFF, and from PNGs that are not animated")
        return None
    try:
        import imagecodecs  # late: only 16 bits need it
    except ImportError:
        notes.append(f"its 16 bits become 8; to keep them: {LIBRARY}")
        return None
    content = source if isinstance(source, bytes) else source.read_bytes()
    values = imagecodecs.tiff_decode(content, page or 0) if tiff else imagecodecs.png_decode(content)
    if tiff and tiff.get(PLANAR) == 2:
        values = np.moveaxis(values, 0, -1)
    channels = values.shape[2] if values.ndim == 3 else 0
    if values.dtype != np.uint16 or channels not in (2, 3, 4):
        raise read.UnreadablePicture(f"16-bit pixels of the shape {list(values.shape)}; save it as a PNG")
    return _upright(_in_colours(values, tiff), image, notes)


def _in_colours(values: Wide, tiff: Any) -> Pixels:
    """Colours and alpha of grey and alpha [H, W, 2], RGB [H, W, 3], or RGB and a fourth channel [H, W, 4]."""
    if values.shape[2] == 3:
        return Pixels(values, None)
    colours, alpha = values[..., :-1], values[..., -1]
    kind = tiff.get(EXTRA, (0,))[0] if tiff else UNASSOCIATED
    if kind == ASSOCIATED:
        whole = np.maximum(alpha, 1).astype(np.uint32)[..., None]
        colours = np.minimum((colours.astype(np.uint32) * 65535 + whole // 2) // whole, 65535).astype(np.uint16)
    if colours.shape[2] == 1:
        colours = np.repeat(colours, 3, axis=2)
    return Pixels(colours, alpha if kind in (ASSOCIATED, UNASSOCIATED) else None)


def _upright(stored: Pixels, image: Image.Image, notes: list[str]) -> Pixels:
    try:
        turn = _TURNS.get(image.getexif().get(ORIENTATION, 1))
    except Exception:  # damaged EXIF does not make a picture unreadable
        turn = None
    colours = in_srgb(stored.colours, image, notes)
    if turn is None:
        return Pixels(colours, stored.alpha)
    return Pixels(_turned(colours, turn), None if stored.alpha is None else _turned(stored.alpha, turn))


def _turned(values: Wide, turn: tuple[bool, bool, bool]) -> Wide:
    transposed, upside_down, mirrored = turn
    upright = values.swapaxes(0, 1) if transposed else values
    return np.ascontiguousarray(upright[:: -1 if upside_down else 1, :: -1 if mirrored else 1])


def in_srgb(values: Wide, image: Image.Image, notes: list[str]) -> Wide:
    """Converts levels, grey [H, W] or RGB [H, W, 3], from the profile that their file declares to sRGB.

    A profile that cannot be applied is left out, with a note.
    """
    try:
        profile = profiles.declared(image)
        if profile is None:
            return values
        mode = profiles.mode_of(profile)
        if mode not in ("L", "RGB") or (mode == "L" and values.ndim == 3 and not space.is_grey(values)):
            reason = (
                f"a profile for {mode} in a picture of RGB" if mode else "a damaged profile, or one without colours"
            )
            raise BrokenProfile(reason)
        return values if profiles.is_srgb(profile) else _converted(values, profile, mode, notes)
    except BrokenProfile as error:
        notes.append(f"its colour profile cannot be applied and is left out: {error}")
        return values


def _converted(values: Wide, profile: bytes, mode: str, notes: list[str]) -> Wide:
    try:
        if values.ndim == 2:
            return _table(profile, mode)[values]
        if mode == "L":
            return np.repeat(_table(profile, mode)[values[..., :1]], 3, axis=2)
        rows = max(1, STRIP // values.shape[1])
        strips = [_transformed(values[top : top + rows], profile, mode) for top in range(0, len(values), rows)]
        return np.concatenate(strips)
    except ImportError:
        notes.append(f"its colour profile is left out, to keep 16 bits; to apply it: {LIBRARY}")
        return values


@functools.lru_cache(profiles.KEPT)
def _table(profile: bytes, mode: str) -> Wide:
    """sRGB of each of the 65,536 greys."""
    ramp = np.arange(65536, dtype=np.uint16)[None]
    table = _transformed(ramp if mode == "L" else np.repeat(ramp[..., None], 3, axis=2), profile, mode)
    return np.ascontiguousarray(table[0, :, 1])  # the channels differ only by rounding


def _transformed(values: Wide, profile: bytes, mode: str) -> Wide:
    import imagecodecs

    try:
        result: Wide = imagecodecs.cms_transform(
            np.ascontiguousarray(values), profile, saving.srgb_profile(), colorspace="gray" if mode == "L" else "rgb",
            outcolorspace="rgb", outdtype="uint16", intent=_INTENT, flags=_FLAGS,
        )  # fmt: skip
    except imagecodecs.CmsError as error:
        raise BrokenProfile(one_line(error)) from error
    return result
