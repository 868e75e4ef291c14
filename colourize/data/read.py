"""Reads a picture file of any kind as 8-bit RGB. H height, W width."""

import contextlib
import functools
import io
import struct
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import (
    BITSPERSAMPLE,
    COMPRESSION,
    PHOTOMETRIC_INTERPRETATION,
    PLANAR_CONFIGURATION,
    SAMPLEFORMAT,
)

from colourize.data import libtiff
from colourize.data.icc import BrokenProfile
from colourize.data.profiles import declared, to_srgb

MAX_PIXELS = 80_000_000
"""240 MB as RGB: more than phone cameras produce, less than known decompression bombs."""

# Formats that Pillow only identifies, or passes to another program (EPS to Ghostscript, WMF to Windows).
_NOT_READ = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}

OF_PILLOW = AssertionError, AttributeError, LookupError, NotImplementedError, TypeError
"""Errors by which Pillow's readers fail on files that break their format's rules; their texts say nothing to a user."""
STRIP = 1 << 16  # pixels that are copied at once; a program's own Image.MAX_IMAGE_PIXELS applies to them

_opening = threading.Lock()


class UnreadablePicture(Exception):  # noqa: N818
    """A file cannot be read as a picture; the text is a short reason on one line."""


@functools.cache
def formats() -> tuple[str, ...]:
    """Pillow's names of the formats we read. Common formats come first, because Pillow tries them in order.

    Includes HEIF if ``pillow-heif`` is installed.
    """
    Image.init()
    libtiff.silence()
    with contextlib.suppress(ImportError):
        from pillow_heif import register_heif_opener

        register_heif_opener()
    common = {"JPEG", "PNG"}
    names = set(Image.ID) - _NOT_READ
    return tuple(sorted(names, key=lambda name: (name not in common, Image.OPEN[name][1] is None, name)))


@functools.cache
def extensions() -> frozenset[str]:
    """Lower-case file name extensions of the formats we read: '.jpg', '.png', ..."""
    names = formats()  # first, because it may register more extensions
    return frozenset(ending for ending, name in Image.registered_extensions().items() if name in names)


def read_rgb(
    source: bytes | Path,
    max_pixels: int = MAX_PIXELS,
    at_least: int | None = None,
    profiles: bool = True,
    ignored: list[str] | None = None,
) -> Image.Image:
    """The picture in a file, or in the bytes of a file, as a viewer shows it: mode RGB, 8 bits, sRGB.

    - 1, L: grey. P: its palette. CMYK, YCbCr, LAB, HSV without a profile: Pillow's conversion.
    - ``profiles``: an ICC profile, a PNG's gamma and primaries and a camera's Adobe RGB are converted to sRGB. A
      broken profile, or one for another kind of colours, is ignored, and the reason is added to ``ignored``.
    - I;16 (16-bit grey): 65535 is white, rounded to 8 bits. 16-bit RGB: Pillow keeps the high byte.
    - 12-bit grey in a TIFF: 4095 is white. If the TIFF declares 0 to be white, the grey is inverted.
    - F (floats), I (32-bit integers) declare no white: white is 1 for floats below 2, else 255 for values below
      256, else 65535 below 65536, else the picture's maximum. Values outside are clipped; NaN is black.
    - LA, PA, RGBA, and a transparent colour of any mode: composited on white, so that hidden colours never appear.
    - EXIF orientation is applied. An animation or a file of several pages gives its first picture.

    A picture is refused if its declared size exceeds ``max_pixels``, before any pixel is read. With ``at_least``, a
    large JPEG may be read at a half, a quarter or an eighth of its size, with a shorter side of at least twice
    ``at_least``; this makes a following ``square`` much faster.

    Raises:
        UnreadablePicture: the file is missing, empty, truncated, too large, or not a picture.
    """
    try:
        with opened(source) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise UnreadablePicture(f"{width} x {height} pixels, more than the limit of {max_pixels}")
            check_planes(getattr(image, "tag_v2", {}))
            if at_least is not None:
                image.draft(None, (2 * at_least, 2 * at_least))
            image.load()
            tiff = getattr(image, "tag_v2", {})
            turned = upright(image)
            if profiles:
                try:
                    turned = converted(turned, tiff, declared(image), at_least)
                except BrokenProfile as error:
                    if ignored is not None:
                        ignored.append(str(error))
            return _rgb(turned, tiff)
    except UnreadablePicture:
        raise
    except Exception as error:  # Pillow's decoders raise nearly any built-in exception for damaged files
        raise UnreadablePicture(reason(error, source)) from error


def declared_size(source: bytes | Path) -> tuple[int, int]:
    """The width and height that a file declares, before EXIF orientation. Reads no pixels.

    Raises:
        UnreadablePicture: the file is missing, empty, or not a picture.
    """
    try:
        with opened(source) as image:
            return image.size
    except UnreadablePicture:
        raise
    except Exception as error:
        raise UnreadablePicture(reason(error, source)) from error


def square(image: Image.Image, size: int) -> Image.Image:
    """The centre square of a picture, scaled to ``size`` x ``size``.

    The crop is aligned to whole pixels, so that pixels stay unchanged if nothing is scaled.
    """
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.resize((size, size), Image.Resampling.LANCZOS, box=(left, top, left + side, top + side))


def opened(source: bytes | Path) -> ImageFile.ImageFile:
    """Opens a picture file and reads only its header; the caller checks the size.

    Raises:
        UnreadablePicture: the source is a pipe or a device.
        Exception: any exception of Pillow for a damaged file; ``reason`` describes it.
    """
    if isinstance(source, Path) and source.exists() and not (source.is_file() or source.is_dir()):
        raise UnreadablePicture("not a regular file")  # opening a pipe would block
    # Pillow's limit is global and only warns; we turn it off while a header is read, and the caller checks the size
    with _opening:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=formats())
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def may_begin_picture(begin: bytes) -> bool:
    """Whether the first bytes of a file, some thousand, may be those of a picture that can be read."""
    for name in formats():
        accept: Any = Image.OPEN[name][1]
        with contextlib.suppress(SyntaxError, IndexError, TypeError, struct.error):  # those that Pillow catches, too
            if accept is not None and accept(begin[:16]) is True:
                return True
    try:
        opened(begin).close()  # formats without a signature
    except Exception:  # as in ``opened``
        return False
    return True


def upright(image: Image.Image) -> Image.Image:
    """Applies the EXIF orientation of a picture. An upright picture is returned itself, not a copy."""
    try:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
        return ImageOps.exif_transpose(image) if turned else image
    except Exception:  # damaged EXIF does not make a picture unreadable
        return image


def check_planes(tiff: Mapping[int, Any]) -> None:
    """Refuses uncompressed 16-bit colour planes, because Pillow 12 reads half of each as 8 bits."""
    if tiff.get(PLANAR_CONFIGURATION) == 2 and tiff.get(COMPRESSION, 1) == 1 and max(tiff.get(BITSPERSAMPLE, [1])) > 8:
        raise UnreadablePicture("a TIFF of 16-bit colour planes; save it with its colours interleaved")


def converted(
    image: Image.Image, tiff: Mapping[int, Any], profile: bytes | None, at_least: int | None = None
) -> Image.Image:
    """Converts the picture to sRGB if it has a profile. Greys with more than 8 bits keep 16, to preserve shadows."""
    if profile is None:
        return image
    tones = grey_levels(image, tiff, 65535) if has_levels(image) else image
    result = to_srgb(tones, profile, at_least)
    return image if result is tones else result


def _rgb(image: Image.Image, tiff: Mapping[int, Any]) -> Image.Image:
    if has_levels(image):
        image = grey_levels(image, tiff, 255)
    if not image.has_transparency_data:
        return image.convert("RGB")
    alpha = with_narrow_transparency(image).convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(alpha, mask=alpha)
    return white


def levels(image: Image.Image) -> NDArray[np.uint8]:
    """The levels of a picture of mode L or RGB, in an array of their own: uint8 [H, W] or [H, W, 3].

    Copied in strips: numpy makes three copies of what it converts. Those of a whole picture take new memory, and the
    operating system needs longer to provide it (Linux: 2 microseconds for a page of 4 kB) than the copies take.
    """
    shape = (image.height, image.width, 3) if image.mode == "RGB" else (image.height, image.width)
    found = np.empty(shape, np.uint8)
    rows = max(1, STRIP // image.width)
    for top in range(0, image.height, rows):
        found[top : top + rows] = np.asarray(image.crop((0, top, image.width, min(top + rows, image.height))))
    return found


def with_narrow_transparency(image: Image.Image) -> Image.Image:
    """The picture; of a 16-bit RGB PNG a copy whose transparent colour has 8 bits, like the pixels."""
    hidden = image.info.get("transparency")
    if isinstance(hidden, tuple) and max(hidden) > 255:
        image = image.copy()
        image.info["transparency"] = tuple(value >> 8 for value in hidden)
    return image


def has_levels(image: Image.Image) -> bool:
    """Whether a picture is grey with more than 8 bits."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def grey_levels(image: Image.Image, tiff: Mapping[int, Any], most: int) -> Image.Image:
    """Greys of more than 8 bits as a viewer shows them: I;16, I or F to L for ``most`` = 255, to I;16 for 65535.

    ``most`` is white, also for a transparent value.
    """
    values = np.asarray(image)
    bits = tiff.get(BITSPERSAMPLE)
    if image.mode.startswith("I;16"):
        white = 4095 if bits == (12,) else 65535
        grey = ((values.astype(np.uint32) * most + white // 2) // white).astype(np.uint16)
    else:
        if bits == (32,) and tiff.get(SAMPLEFORMAT, (1,)) == (1,):
            values = values.view(np.uint32)  # Pillow's I is signed
        peak = float(values.max(initial=0, where=np.isfinite(values)))
        top = next((w for w in ((1, 255, 65535) if image.mode == "F" else (255, 65535)) if peak < w + 1), peak)
        tones = np.nan_to_num(values.astype(np.float32).clip(0, top), copy=False)
        tones *= most / top
        grey = np.rint(tones).astype(np.uint16)
    if tiff.get(PHOTOMETRIC_INTERPRETATION) == 0:
        grey = most - grey
    if "transparency" in image.info:
        grey[values == image.info["transparency"]] = most
    return Image.fromarray(grey if most == 65535 else grey.astype(np.uint8))


def reason(error: Exception, source: bytes | Path) -> str:
    """A short reason why a file cannot be read."""
    if isinstance(error, UnidentifiedImageError):
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        if _begins_as_tiff(source):
            return "a TIFF of a kind that Pillow cannot read, or a damaged one; save it as RGB, or as a PNG"
        return "not a picture of a known format" if size else "an empty file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, OF_PILLOW):
        return "a damaged file, or of a kind that Pillow cannot read"
    return " ".join(str(error).split()) or type(error).__name__


def _begins_as_tiff(source: bytes | Path) -> bool:
    if isinstance(source, Path):
        with contextlib.suppress(OSError), source.open("rb") as file:
            source = file.read(4)
    return isinstance(source, bytes) and source[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
