"""Reads a picture file of any format: each frame's luminance and alpha, and the file's metadata.

H height, W width. Requires only numpy and Pillow, and imagecodecs for 16-bit colours (``wide``).
"""

import contextlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from colourize.colour.tint import beyond_tint
from colourize.data import read
from colourize.data.icc import BrokenProfile
from colourize.data.profiles import declared
from colourize.data.read import UnreadablePicture
from colourize.inference import metadata, space, wide
from colourize.inference.space import Levels

MAX_PIXELS = 128_000_000  # of one frame
ALL_FRAMES = 4  # limit for all frames of an animation together, as a multiple of the limit for one
LONGEST = 1_000_000  # pixels of a side: a picture is coloured in strips of whole rows
MOST_FRAMES = 10_000  # each frame takes a pass through the network, however small it is
HONEST, DENSEST = 50_000_000, 500  # a picture of more pixels than the first must have a byte for every 500
THUMB = 256  # pixels: longer side of the copy on which tints are distinguished from colours
GREY, TINTED, MOST = 2.0, 5.0, 10.0  # chroma, in units of CIELAB: see ``kind``
GREENEST = 0.35  # -a over b of a toned print's mean: a hue of 109 degrees, a little beyond yellow
Kind = Literal["grey", "tinted", "coloured"]


@dataclass(frozen=True)
class Frame:
    """One picture: ``grey`` and ``alpha`` (or None) [H, W], each uint8 or uint16; seconds to show it."""

    grey: Levels
    alpha: Levels | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Photograph:
    """The frames of a file, upright and in sRGB, and the metadata to keep.

    Attributes:
        frames: at least one; only the first with ``photograph(first=True)``.
        kind: of the first frame: grey; tinted, such as sepia, which is made grey; or already coloured.
        format: Pillow's name of the file's format.
        loops: number of times that an animation plays; 0: without end.
        info: EXIF, XMP, resolution and comment, in the form that Pillow's ``save`` takes.
        wide: whether it has 16 bits a channel.
        notes: on parts that were left out, such as a damaged colour profile.
        count: number of frames in the file.
    """

    frames: list[Frame]
    kind: Kind
    format: str = "PNG"
    loops: int = 0
    info: dict[str, Any] = field(default_factory=dict)
    wide: bool = False
    notes: tuple[str, ...] = ()
    count: int = 1


def photograph(source: bytes | Path, max_pixels: int = MAX_PIXELS, first: bool = False) -> Photograph:
    """Reads a file of any format and mode that Pillow reads; with ``first``, only its first frame.

    A picture of more than ``max_pixels``, or of more pixels than its bytes can hold, is refused from its declared size.

    Raises:
        UnreadablePicture: the file is missing, empty, truncated, too large, or not a picture.
    """
    notes: list[str] = []
    try:
        with read.opened(source) as image:
            _check_size(image, source, max_pixels)
            return _of_frames(image, source, max_pixels, notes, first)
    except UnreadablePicture:
        raise
    except Exception as error:  # Pillow's decoders raise nearly every built-in exception on damaged files
        raise UnreadablePicture(read.reason(error, source)) from error


class Extent(NamedTuple):
    """Values of a file's header: pixels of all frames, whether they have 16 bits, size and format of a frame."""

    pixels: int
    wide: bool
    size: tuple[int, int]
    format: str


def extent(source: bytes | Path, max_pixels: int = MAX_PIXELS) -> Extent:
    """How large a file's picture is, from its header.

    Raises:
        UnreadablePicture: as ``photograph``.
    """
    try:
        with read.opened(source) as image:
            _check_size(image, source, max_pixels)
            deep = read.has_levels(image) or wide.narrowed(image)
            pixels = image.width * image.height * _count(image, max_pixels)
            return Extent(pixels, deep, image.size, image.format or "")
    except UnreadablePicture:
        raise
    except Exception as error:  # as above
        raise UnreadablePicture(read.reason(error, source)) from error


def _count(image: Image.Image, max_pixels: int) -> int:
    """Number of frames; 1 for MPO (a photograph with a preview) and PSD (layers), whose first frame is the picture.

    GIF and TIFF do not declare the number. Their frames are counted only up to the limits: Pillow's own count takes
    hours in a file of a million frames.
    """
    if image.format in ("MPO", "PSD"):
        return 1
    if image.format in ("GIF", "TIFF"):
        count = _counted(image, min(MOST_FRAMES, ALL_FRAMES * max_pixels // (image.width * image.height)) + 1)
    else:
        count = getattr(image, "n_frames", 1)
    if count > MOST_FRAMES:
        raise UnreadablePicture(f"more than {MOST_FRAMES} frames; convert it to a film")
    return count


def _counted(image: Image.Image, most: int) -> int:
    """Number of frames, at most ``most``."""
    count = 1
    with contextlib.suppress(EOFError):
        while count < most:
            image.seek(count)
            count += 1
    image.seek(0)
    return count


def of_image(image: Image.Image) -> Photograph:
    """``photograph`` for a picture in memory.

    Raises:
        UnreadablePicture: a mode that cannot be converted.
    """
    notes: list[str] = []
    if 0 in image.size:
        raise UnreadablePicture(f"{image.width} x {image.height} pixels; a picture needs at least one")
    try:
        frame, found = _frame(image, {}, notes)
    except Exception as error:
        raise UnreadablePicture(" ".join(str(error).split()) or type(error).__name__) from error
    return Photograph([frame], found, wide=frame.grey.dtype == np.uint16 and read.has_levels(image), notes=tuple(notes))


def _check_size(image: Image.Image, source: bytes | Path, max_pixels: int) -> None:
    width, height = image.size
    pixels = width * height
    if max(width, height) > LONGEST:
        raise UnreadablePicture(f"{width} x {height} pixels, a side above {LONGEST}; cut it into pieces")
    if pixels > max_pixels:
        raise UnreadablePicture(
            f"{width} x {height} pixels, more than the limit of {max_pixels}; pass --max-pixels {pixels}"
        )
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if pixels > HONEST and pixels > DENSEST * size and max_pixels == MAX_PIXELS:
        raise UnreadablePicture(
            f"{width} x {height} pixels in {size} bytes look like a decompression bomb; pass --max-pixels {pixels}"
        )


def _check_sum(pixels: int, max_pixels: int) -> None:
    if pixels > ALL_FRAMES * max_pixels:
        raise UnreadablePicture(
            f"more than {ALL_FRAMES * max_pixels} pixels in all frames; pass a --max-pixels above {max_pixels}"
        )


def _of_frames(image: Image.Image, source: bytes | Path, max_pixels: int, notes: list[str], first: bool) -> Photograph:
    count, total = _count(image, max_pixels), 0
    _check_sum(count * image.width * image.height, max_pixels)
    form, loops = image.format or "", _loops(image)
    if isinstance(source, Path) and wide.narrowed(image):
        source = source.read_bytes()
    frames, kinds, deep, info = [], [], False, {}
    for number, each in enumerate([image] if first or count == 1 else ImageSequence.Iterator(image)):
        total += each.width * each.height
        _check_size(each, source, max_pixels)  # the pages of a TIFF may differ in size
        _check_sum(total, max_pixels)
        pixels = wide.pixels(source, each, notes, number if count > 1 else None)
        if number == 0:
            info = metadata.kept(each, notes)  # not earlier: it may load the picture, which hides the original depth
        deep = deep or pixels is not None or read.has_levels(each)
        frame, found = _read(each, notes) if pixels is None else _wide_frame(pixels)
        frames.append(frame)
        kinds.append(found)
    return Photograph(frames, kinds[0], form, loops, info, deep, tuple(dict.fromkeys(notes)), count)


def _wide_frame(pixels: wide.Pixels) -> tuple[Frame, Kind]:
    return Frame(space.grey_levels(pixels.colours), pixels.alpha), kind(Image.fromarray(_high_byte(pixels.colours)))


def _read(image: Image.Image, notes: list[str]) -> tuple[Frame, Kind]:
    """Loads the current frame of a file."""
    image.load()
    tiff = getattr(image, "tag_v2", {})
    read.check_planes(tiff)
    seconds = float(image.info.get("duration", 0) or 0) / 1000
    frame, found = _frame(image, tiff, notes)
    return replace(frame, seconds=seconds), found


def _high_byte(levels: NDArray[np.uint16]) -> NDArray[np.uint8]:
    return (levels >> 8).astype(np.uint8)


def _frame(image: Image.Image, tiff: Any, notes: list[str]) -> tuple[Frame, Kind]:
    turned = read.upright(image)
    alpha = _one_hidden_level(turned)
    if read.has_levels(turned):
        levels = np.asarray(read.grey_levels(turned, tiff, 65535)).astype(np.uint16)
        return Frame(wide.in_srgb(levels, turned, notes), alpha), "grey"
    try:
        turned = read.converted(turned, tiff, declared(turned))
    except BrokenProfile as error:
        notes.append(f"its colour profile cannot be applied and is left out: {error}")
    if turned.has_transparency_data:
        turned = read.with_narrow_transparency(turned).convert("RGBA")
        alpha = read.levels(turned.getchannel("A"))
        turned = turned.convert("RGB")
    if turned.mode in ("1", "L"):
        return Frame(read.levels(turned if turned.mode == "L" else turned.convert("L")), alpha), "grey"
    colours = turned if turned.mode == "RGB" else turned.convert("RGB")
    grey = space.grey_levels(read.levels(colours))
    return Frame(grey, alpha), "grey" if grey.dtype == np.uint8 else kind(colours)


def _one_hidden_level(image: Image.Image) -> NDArray[np.uint8] | None:
    """The alpha of a 16-bit grey picture with one transparent level: [H, W]; None for other pictures."""
    hidden = image.info.get("transparency") if read.has_levels(image) else None
    return None if hidden is None else np.where(np.asarray(image) == hidden, 0, 255).astype(np.uint8)


def kind(image: Image.Image) -> Kind:
    """Whether a picture of mode RGB is grey, tinted (the chroma is a function of the lightness) or coloured.

    Measured on a copy of 256 pixels, in CIELAB. Grey: the root mean square chroma is below 2. Tinted: the residual of a
    quadratic fit of the chroma to the lightness has a root mean square below 2; or below 5, with 99 % of the pixels
    below 10 and a mean hue from red to yellow, as in sepia and old paper (docs/photographs.md).
    """
    scale = min(1.0, THUMB / max(image.size))
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    thumb = image.resize(size, Image.Resampling.BOX, reducing_gap=2.0)  # not ``thumbnail``, which needs a whole copy
    lab = space.lab(np.asarray(thumb).reshape(-1, 3) / 255.0).astype(np.float64)
    chroma = lab[:, 1:]
    if np.sqrt((chroma**2).sum(1).mean()) < GREY:
        return "grey"
    left = np.linalg.norm(beyond_tint(lab, degree=2), axis=1)
    green, yellow = chroma.mean(0) * (-1, 1)
    warm = yellow > 0 and green < GREENEST * yellow
    rest = np.sqrt((left**2).mean())
    toned = rest < GREY or (warm and rest < TINTED and np.percentile(left, 99) < MOST)
    return "tinted" if toned else "coloured"


def _loops(image: Image.Image) -> int:
    loops = image.info.get("loop", 1 if image.format == "GIF" else 0)  # a GIF without a count plays once
    return loops if isinstance(loops, int) and 0 <= loops < 65536 else 0
