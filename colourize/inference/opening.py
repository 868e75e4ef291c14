"""Any picture file as greys to colour: each frame's luminance, its alpha, and what to keep of the file.

H height, W width. Only numpy and Pillow; tifffile where a TIFF has 16-bit colours.
"""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from colourize.data import read
from colourize.data.icc import BrokenProfile
from colourize.data.profiles import declared
from colourize.data.read import UnreadablePicture
from colourize.inference import metadata, space
from colourize.inference.space import Levels

MAX_PIXELS = 128_000_000  # of one frame
ALL_FRAMES = 4  # times as many pixels in all frames of an animation
MOST_FRAMES = 10_000  # each takes a pass through the network, however small it is
HONEST, DENSEST = 50_000_000, 500  # a picture of more pixels must have a byte for every 500
THUMB = 256  # pixels of the longer side of the picture on which tints are told from colours
GREY, TINTED, MOST = 2.0, 5.0, 10.0  # chroma, in units of CIELAB: see ``kind``
GREENEST = 0.35  # -a over b of a toned print's mean: a hue of 109 degrees, a little beyond yellow
Kind = Literal["grey", "tinted", "coloured"]


@dataclass(frozen=True)
class Frame:
    """One picture: ``grey`` levels [H, W] uint8 or uint16, ``alpha`` uint8 [H, W] or None, seconds to show it."""

    grey: Levels
    alpha: NDArray[np.uint8] | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Photograph:
    """The frames of a file, upright and in sRGB, and what is kept beside them.

    Attributes:
        frames: at least one.
        kind: grey; tinted, such as sepia, which is made grey; or coloured already. Of the first frame.
        format: Pillow's name of the file's format.
        loops: how often an animation plays, 0 for ever.
        info: EXIF, XMP, resolution and comment, as Pillow takes them when it saves; nothing that damages a file.
        wide: whether it has 16 bits a channel.
        notes: what was left out, such as a damaged colour profile.
    """

    frames: list[Frame]
    kind: Kind
    format: str = "PNG"
    loops: int = 0
    info: dict[str, Any] = field(default_factory=dict)
    wide: bool = False
    notes: tuple[str, ...] = ()


def photograph(source: bytes | Path, max_pixels: int = MAX_PIXELS) -> Photograph:
    """Reads a file of any format and mode that Pillow reads.

    A picture of more than ``max_pixels``, or of more pixels than its bytes can hold, is refused from its declared size.

    Raises:
        UnreadablePicture: missing, empty, truncated, too large, or no picture.
    """
    notes: list[str] = []
    try:
        with read.opened(source) as image:
            _check_size(image, source, max_pixels)
            return _of_frames(image, source, max_pixels, notes)
    except UnreadablePicture:
        raise
    except Exception as error:  # Pillow's decoders raise nearly every built-in exception on damaged files
        raise UnreadablePicture(read.reason(error, source)) from error


def extent(source: bytes | Path, max_pixels: int = MAX_PIXELS) -> tuple[int, bool]:
    """Pixels of all frames of a file and whether they have 16 bits, from its header.

    Raises:
        UnreadablePicture: as ``photograph``.
    """
    try:
        with read.opened(source) as image:
            _check_size(image, source, max_pixels)
            wide = read.has_levels(image) or max(getattr(image, "tag_v2", {}).get(258, (8,)), default=8) > 8
            return image.width * image.height * _count(image), wide
    except UnreadablePicture:
        raise
    except Exception as error:  # as above
        raise UnreadablePicture(read.reason(error, source)) from error


def _count(image: Image.Image) -> int:
    """Frames; of photographs with a preview (MPO) and of layers (PSD) the first is the picture."""
    count: int = getattr(image, "n_frames", 1) if image.format not in ("MPO", "PSD") else 1
    if count > MOST_FRAMES:
        raise UnreadablePicture(f"{count} frames, more than the limit of {MOST_FRAMES}; make it a film")
    return count


def of_image(image: Image.Image) -> Photograph:
    """The same for a picture in memory.

    Raises:
        UnreadablePicture: a mode that gives no picture.
    """
    notes: list[str] = []
    try:
        frame, found = _frame(image, {}, notes)
    except Exception as error:
        raise UnreadablePicture(" ".join(str(error).split()) or type(error).__name__) from error
    return Photograph([frame], found, wide=frame.grey.dtype == np.uint16 and read.has_levels(image), notes=tuple(notes))


def _check_size(image: Image.Image, source: bytes | Path, max_pixels: int) -> None:
    width, height = image.size
    pixels = width * height
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
            f"frames of {pixels} pixels together, more than the limit of {ALL_FRAMES * max_pixels}; pass a larger "
            "--max-pixels"
        )


def _of_frames(image: Image.Image, source: bytes | Path, max_pixels: int, notes: list[str]) -> Photograph:
    count, total = _count(image), 0
    _check_sum(count * image.width * image.height, max_pixels)
    info, form, loops = metadata.kept(image), image.format or "", _loops(image)
    tiff = getattr(image, "tag_v2", {})
    if count == 1 and (pixels := _wide_colours(source, tiff, notes)) is not None:
        frame = Frame(space.grey_levels(pixels[..., :3]), _high_byte(pixels[..., 3]) if pixels.shape[2] == 4 else None)
        return Photograph([frame], kind(_high_byte(pixels[..., :3])), form, 0, info, True, tuple(notes))
    frames, kinds, wide = [], [], False
    for each in ImageSequence.Iterator(image) if count > 1 else [image]:
        total += each.width * each.height
        _check_size(each, source, max_pixels)  # pages of a TIFF have sizes of their own
        _check_sum(total, max_pixels)
        each.load()
        read.check_planes(getattr(each, "tag_v2", {}))
        wide = wide or read.has_levels(each)
        seconds = float(each.info.get("duration", 0) or 0) / 1000
        frame, found = _frame(each, getattr(each, "tag_v2", {}), notes)
        frames.append(Frame(frame.grey, frame.alpha, seconds))
        kinds.append(found)
    return Photograph(frames, kinds[0], form, loops, info, wide, tuple(dict.fromkeys(notes)))


def _high_byte(levels: NDArray[np.uint16]) -> NDArray[np.uint8]:
    return (levels >> 8).astype(np.uint8)


def _frame(image: Image.Image, tiff: Any, notes: list[str]) -> tuple[Frame, Kind]:
    turned = read.upright(image)
    alpha = _one_hidden_level(turned)
    try:
        turned = read.converted(turned, tiff, declared(turned))
    except BrokenProfile as error:
        notes.append(f"a colour profile that cannot be applied is left out: {error}")
    if read.has_levels(turned):
        return Frame(np.asarray(read.grey_levels(turned, tiff, 65535)).astype(np.uint16), alpha), "grey"
    if turned.has_transparency_data:
        read.narrow_transparency(turned)
        turned = turned.convert("RGBA")
        alpha = np.array(turned.getchannel("A"))
        turned = turned.convert("RGB")
    if turned.mode in ("1", "L"):
        return Frame(np.array(turned.convert("L")), alpha), "grey"
    pixels = np.asarray(turned if turned.mode == "RGB" else turned.convert("RGB"))
    return Frame(space.grey_levels(pixels), alpha), kind(pixels)


def _one_hidden_level(image: Image.Image) -> NDArray[np.uint8] | None:
    """The alpha of greys of 16 bits, of which one level is transparent: [H, W]; None for other pictures."""
    hidden = image.info.get("transparency") if read.has_levels(image) else None
    return None if hidden is None else np.where(np.asarray(image) == hidden, 0, 255).astype(np.uint8)


def kind(pixels: NDArray[np.uint8]) -> Kind:
    """Whether RGB pixels [H, W, 3] are grey, tinted (one curve from lightness to chroma) or coloured.

    Judged on a picture of 256 pixels. Grey: the root of the mean squared chroma is below 2. Tinted: it is below 5, and
    10 in 99 of 100 pixels, once a quadratic in the lightness is taken off, which a toned or yellowed print follows; and
    the mean is red to yellow, as of sepia and old paper (docs/photographs.md). Of any hue, if the rest is below 2.
    """
    thumb = Image.fromarray(pixels)
    thumb.thumbnail((THUMB, THUMB), Image.Resampling.BOX)
    lab = space.lab(np.asarray(thumb).reshape(-1, 3) / 255.0).astype(np.float64)
    chroma = lab[:, 1:]
    if np.sqrt((chroma**2).sum(1).mean()) < GREY:
        return "grey"
    powers = np.stack([np.ones(len(lab)), lab[:, 0] / 100, (lab[:, 0] / 100) ** 2], 1)
    fitted = powers @ np.linalg.lstsq(powers, chroma, rcond=None)[0]
    left = np.linalg.norm(chroma - fitted, axis=1)
    green, yellow = chroma.mean(0) * (-1, 1)
    warm = yellow > 0 and green < GREENEST * yellow
    rest = np.sqrt((left**2).mean())
    toned = rest < GREY or (warm and rest < TINTED and np.percentile(left, 99) < MOST)
    return "tinted" if toned else "coloured"


def _wide_colours(source: bytes | Path, tiff: Any, notes: list[str]) -> NDArray[np.uint16] | None:
    """The 16-bit colours of a TIFF, of which Pillow would keep 8 bits: [H, W, 3 or 4]; None for all else."""
    bits = tiff.get(258, ()) if tiff else ()
    if not (len(bits) in (3, 4) and set(bits) == {16} and tiff.get(262) == 2 and tiff.get(274, 1) == 1):
        return None
    if tiff.get(338, ()) == (1,):  # colours multiplied by alpha: Pillow divides them
        return None
    if tiff.get(34675):
        notes.append("its colour profile is left out, to keep 16 bits")
    import tifffile  # late: only such a TIFF needs it

    try:
        pixels = tifffile.imread(io.BytesIO(source) if isinstance(source, bytes) else source)
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        notes.append("its 16 bits become 8, as its compression requires imagecodecs: pip install imagecodecs")
        return None
    if pixels.ndim == 3 and pixels.shape[0] in (3, 4) and tiff.get(284) == 2:
        pixels = np.moveaxis(pixels, 0, -1)
    if pixels.dtype != np.uint16 or pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        return None
    return pixels if tiff.get(338, ()) == (2,) else pixels[..., :3]


def _loops(image: Image.Image) -> int:
    loops = image.info.get("loop", 1 if image.format == "GIF" else 0)  # a GIF without a count plays once
    return loops if isinstance(loops, int) and 0 <= loops < 65536 else 0
