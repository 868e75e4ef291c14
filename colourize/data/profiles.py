"""Converts pictures to sRGB from the colours that their file declares: ICC profile, PNG gamma, Adobe RGB in EXIF.

LittleCMS converts them, through Pillow: relative colorimetric with black point compensation.
"""

import functools
import io
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageCms

from colourize.data.icc import BrokenProfile, profile_of

KEPT = 32  # transforms in memory; the transform of a CMYK profile may take some megabytes
SMALL_GAMMA = 0.05  # relative; a smaller difference to the gamma of sRGB is ignored, as in libpng (PNG_GAMMA_THRESHOLD)
SRGB = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)  # x, y of white, red, green and blue (IEC 61966-2-1)
ADOBE_RGB = (0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06), 563 / 256  # Adobe RGB (1998), and its gamma
INTEROPERABILITY, INDEX = 0xA005, 1  # of EXIF; R03 stands for Adobe RGB (DCF 2.0)
_SPACES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab ": "LAB"}  # colour space of a profile: mode of its pictures
_CLASSES = {"mntr", "scnr", "prtr", "spac"}  # of profiles that define colours; others are effects or links
Convert = Callable[[Image.Image], Image.Image]
_GREY = {"1", "L", "LA", "La"}


def declared(image: Image.Image) -> bytes | None:
    """The ICC profile of a picture's colours; None for sRGB and for pictures without a declaration.

    The first of these counts: a profile in the file, a PNG's ``sRGB``, its ``gAMA`` (with ``cHRM`` if present), the
    Adobe RGB of a camera's EXIF.

    Raises:
        BrokenProfile: an impossible gamma or impossible primaries.
    """
    info = image.info
    if profile := info.get("icc_profile"):
        if not isinstance(profile, bytes):
            raise BrokenProfile("a profile that is not stored as bytes")
        return profile
    if "srgb" in info:
        return None
    if "gamma" in info:
        return _of_gamma(info["gamma"], tuple(info.get("chromaticity", SRGB)), image.mode)
    return profile_of(*ADOBE_RGB) if "exif" in info and _is_adobe_rgb(image) else None


def to_srgb(image: Image.Image, profile: bytes, at_least: int | None = None) -> Image.Image:
    """Converts a picture to sRGB by its profile: any mode but I and F -> L, LA, RGB or RGBA, 8 bits.

    Grey stays grey, and alpha does not change. A picture with the profile of sRGB is returned unchanged. With
    ``at_least``, a larger picture is first reduced to a shorter side of at least twice ``at_least``.

    Raises:
        BrokenProfile: the profile is damaged, has no colours, or is for other colours (CMYK for RGB).
    """
    base = _in_mode_of(profile, image)
    grey = base.mode in ("L", "LA", "I;16")
    convert = _greys(profile) if grey else _transform(profile, base.mode.removesuffix("A"))
    if isinstance(convert, str):
        raise BrokenProfile(convert)
    if convert is None:
        return image
    factor = min(image.size) // (2 * at_least) if at_least else 1
    if factor > 1 and base.mode in ("LA", "RGB", "RGBA", "CMYK"):
        base = base.resize((round(image.width / factor), round(image.height / factor)), Image.Resampling.BOX)
    alpha = base.getchannel("A") if base.mode in ("LA", "RGBA") else None
    opaque = base if alpha is None else base.convert(base.mode.removesuffix("A"))
    converted = convert(opaque)
    if image.mode in _GREY or image.mode.startswith("I;16"):
        converted = converted if grey else converted.getchannel("G")  # the channels differ only by rounding
    if alpha is not None:
        converted.putalpha(alpha)
    return converted


def _in_mode_of(profile: bytes, image: Image.Image) -> Image.Image:
    """The picture in a mode to which the profile applies: L, LA, I;16, RGB, RGBA, CMYK or LAB."""
    mode = mode_of(profile)
    if not mode:
        raise BrokenProfile("a damaged profile, or one without colours")
    grey = image.mode in _GREY or image.mode.startswith("I;16")
    own = image.mode if image.mode in ("CMYK", "LAB") else "L" if grey else "RGB"
    if mode != own and (mode, own) != ("RGB", "L"):  # an RGB profile also defines greys
        raise BrokenProfile(f"a profile for {mode} in a picture of {own}")
    if image.mode.startswith("I;16") and mode == "L":
        return image
    if image.mode.startswith("I;16"):
        image = Image.fromarray(((np.asarray(image).astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8))
    if mode in ("L", "RGB") and image.has_transparency_data:
        return image.convert(f"{mode}A")
    return image.convert(mode)


@functools.lru_cache(KEPT)
def mode_of(profile: bytes) -> str:
    """The picture mode of a profile; "" for a damaged profile or another kind."""
    try:
        core = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile
        return _SPACES.get(core.xcolor_space, "") if core.device_class in _CLASSES else ""
    except Exception:  # LittleCMS through Pillow raises several types
        return ""


def is_srgb(profile: bytes) -> bool:
    """Whether a profile of greys or RGB changes no value by more than 1 of 255."""
    return (_greys(profile) if mode_of(profile) == "L" else _transform(profile, "RGB")) is None


@functools.lru_cache(KEPT)
def _transform(profile: bytes, mode: str) -> Convert | str | None:
    """A function that converts opaque pictures in RGB, CMYK or LAB to sRGB; None if it changes values by at most 1 of
    255; a reason if the profile fails.

    Several threads may share a transform: LittleCMS keeps its cache of a pixel on the caller's stack.
    """
    try:
        transform = _built(profile, mode)
        moved = np.asarray(_applied(_PROBE, transform)) if mode == "RGB" else None
    except Exception as error:  # as above
        return " ".join(str(error).split()) or type(error).__name__
    if moved is not None and np.abs(moved.astype(int) - np.asarray(_PROBE)).max() <= 1:
        return None
    return functools.partial(_applied, transform=transform)


@functools.lru_cache(KEPT)
def _greys(profile: bytes) -> Convert | str | None:
    """The same for pictures in L and I;16, by a table of all levels: with 8 bits, LittleCMS is coarse in shadows."""
    try:
        transform = _built(profile, "I;16", ImageCms.Flags.NOOPTIMIZE)
        ramp = Image.fromarray(np.arange(65536, dtype=np.uint16).reshape(256, 256))
        table = np.asarray(_applied(ramp, transform))[..., 1].ravel()  # the channels differ only by rounding
    except Exception as error:  # as above
        return " ".join(str(error).split()) or type(error).__name__
    small = table[::257]
    if np.abs(small.astype(int) - np.arange(256)).max() <= 1:
        return None

    def convert(image: Image.Image) -> Image.Image:
        return image.point(small.tolist()) if image.mode == "L" else Image.fromarray(table[np.asarray(image)])

    return convert


def _built(profile: bytes, mode: str, flags: ImageCms.Flags = ImageCms.Flags.NONE) -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), mode, "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC, flags | ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )  # fmt: skip


def _applied(image: Image.Image, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None
    return converted


def _probe() -> Image.Image:
    """A test picture with all greys, and all combinations of 17 levels per channel."""
    levels = np.linspace(0, 255, 17).round().astype(np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 3)
    greys = np.stack([np.arange(256, dtype=np.uint8)] * 3, axis=-1)
    return Image.fromarray(np.concatenate([grid, greys])[None])


_PROBE = _probe()


def _of_gamma(encoding: float, primaries: Sequence[float], mode: str) -> bytes | None:
    """The profile of a PNG's primaries and gamma, the exponent from light to values; None for those of sRGB."""
    if not 0.05 < encoding < 20:
        raise BrokenProfile(f"gamma must be between 0.05 and 20, got {encoding:g}")
    grey = mode in _GREY or mode.startswith("I")
    usual = abs(encoding * 2.2 - 1) < SMALL_GAMMA
    if usual and (grey or np.allclose(primaries, SRGB, atol=1e-3)):
        return None
    return profile_of(None if grey else primaries, 1 / encoding)


def _is_adobe_rgb(image: Image.Image) -> bool:
    try:
        index = image.getexif().get_ifd(INTEROPERABILITY).get(INDEX)
    except Exception:  # damaged EXIF declares nothing
        return False
    return str(index).startswith("R03")
