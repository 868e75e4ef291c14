"""Coloured pictures as files: PNG, JPEG, WebP, AVIF, TIFF, GIF. H height, W width.

Colours are tagged sRGB. TIFF and PNG keep 16 bits; an animation keeps its frames in PNG, WebP, GIF, AVIF and TIFF.
"""

import functools
import io
import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin

from colourize.errors import InputError
from colourize.inference.space import Levels

FORMATS = {
    ".png": "PNG", ".apng": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".avif": "AVIF", ".tif": "TIFF",
    ".tiff": "TIFF", ".gif": "GIF",
}  # fmt: skip
MOVING = {"PNG", "WEBP", "GIF", "AVIF", "TIFF"}
WIDE = {"PNG", "TIFF"}
QUALITY = 95
LONGEST = {"WEBP": 16383, "JPEG": 65535, "GIF": 65535, "AVIF": 65535}  # pixels of a side that the format can say
SOFTWARE = 0x0131  # of EXIF


class Picture(NamedTuple):
    """A coloured frame: [H, W, 3] uint8 or uint16; alpha uint8 [H, W] or None; seconds to show it."""

    colours: Levels
    alpha: NDArray[np.uint8] | None = None
    seconds: float = 0.0


def format_of(suffix: str) -> str:
    """Pillow's name of the format of a suffix such as ".png"; InputError for one that we do not write."""
    if suffix.lower() not in FORMATS:
        raise InputError(
            f"an output must end in {', '.join(FORMATS)}, got {suffix or 'no suffix'!r}; pass --format png"
        )
    return FORMATS[suffix.lower()]


@functools.cache
def srgb_profile() -> bytes:
    """The ICC profile of sRGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def save(
    file: BinaryIO, frames: list[Picture], form: str, info: dict[str, Any], note: str = "", loops: int = 0
) -> None:
    """Writes frames as a file of a format.

    Args:
        file: to write into.
        frames: several only for an animation.
        form: one of ``FORMATS``' values.
        info: EXIF, XMP, resolution and comment to keep, as ``opening.Photograph`` has them.
        note: what was done, kept as the EXIF's or PNG's Software; "" writes no metadata at all.
        loops: how often an animation plays, 0 for ever.

    Raises:
        InputError: more frames than the format holds, or a side that is too long for it.
    """
    check(form, len(frames), frames[0].colours.shape[:2])
    kept = _with_note(info, note) if note else {}
    if len(frames) == 1 and frames[0].colours.dtype == np.uint16:
        return _save_tiff(file, frames[0], kept) if form == "TIFF" else _save_png(file, frames[0], kept)
    images = [image(frame, form) for frame in frames]
    images[0].save(file, form, **_options(form, kept, note), **_moving(frames, images[1:], form, loops))


def check(form: str, frames: int, size: Sequence[int]) -> None:
    """Whether a format holds so many frames of a height and width.

    Raises:
        InputError: it does not.
    """
    if max(size) > LONGEST.get(form, 1 << 31):
        limit = f"{form} holds sides of up to {LONGEST[form]} pixels, got {size[1]} x {size[0]}"
        raise InputError(f"{limit}; pass --format png")
    if frames > 1 and form not in MOVING:
        raise InputError(f"{form} holds one picture, got {frames} frames; pass --format webp")


def _with_note(info: dict[str, Any], note: str) -> dict[str, Any]:
    exif = Image.Exif()
    try:
        if "exif" in info:
            exif.load(info["exif"])
        exif[SOFTWARE] = note
        return {**info, "exif": exif.tobytes()}
    except Exception:  # an entry that cannot be read or written again
        bare = Image.Exif()
        bare[SOFTWARE] = note
        return {**info, "exif": bare.tobytes()}


def image(frame: Picture, form: str = "PNG") -> Image.Image:
    """A frame as a PIL image of 8 bits: RGB, or RGBA where it has alpha; for JPEG on white."""
    colours = frame.colours if frame.colours.dtype == np.uint8 else (frame.colours >> 8).astype(np.uint8)
    opaque = Image.fromarray(colours)
    if frame.alpha is None:
        return opaque
    if form == "JPEG":
        white = Image.new("RGB", opaque.size, "white")
        white.paste(opaque, mask=Image.fromarray(frame.alpha))
        return white
    opaque.putalpha(Image.fromarray(frame.alpha))
    return opaque


def _options(form: str, kept: dict[str, Any], note: str) -> dict[str, Any]:
    options: dict[str, Any] = {} if form == "GIF" else {"icc_profile": srgb_profile()}
    options |= {name: kept[name] for name in ("exif", "dpi") if name in kept and form != "GIF"}
    if form in ("JPEG", "WEBP", "AVIF") and "xmp" in kept:
        options["xmp"] = kept["xmp"]
    if form == "JPEG":
        options |= {"quality": QUALITY, "subsampling": 0}
        options |= {"comment": kept["comment"]} if "comment" in kept else {}
    elif form in ("WEBP", "AVIF"):
        options |= {"quality": QUALITY}
    elif form == "TIFF":
        options |= {"compression": "tiff_adobe_deflate"}
    elif form == "GIF":
        options |= {"comment": note} if note else {}
    elif form == "PNG" and note:
        options["pnginfo"] = text = PngImagePlugin.PngInfo()
        text.add_text("Software", note)
        if "xmp" in kept:
            text.add_itxt("XML:com.adobe.xmp", kept["xmp"].decode(errors="replace"))
    return options


def _moving(frames: list[Picture], others: list[Image.Image], form: str, loops: int) -> dict[str, Any]:
    if not others:
        return {}
    options: dict[str, Any] = {"save_all": True, "append_images": others}
    if form != "TIFF":
        options |= {"duration": [round(1000 * frame.seconds) for frame in frames], "loop": loops}
    return options


def _save_tiff(file: BinaryIO, frame: Picture, kept: dict[str, Any]) -> None:
    import tifffile  # late: only 16 bits need it

    pixels, extra = frame.colours, []
    if frame.alpha is not None:
        pixels = np.concatenate([pixels, frame.alpha.astype(np.uint16)[..., None] * 257], -1)
    if "xmp" in kept:
        extra.append((700, 1, len(kept["xmp"]), kept["xmp"], True))
    software = _software(kept)
    tifffile.imwrite(
        file, pixels, photometric="rgb", compression="zlib", iccprofile=srgb_profile(), metadata=None,
        extrasamples=["unassalpha"] if frame.alpha is not None else None, software=software, extratags=extra,
        resolution=kept.get("dpi"), resolutionunit="INCH" if "dpi" in kept else None,
    )  # fmt: skip


def _software(kept: dict[str, Any]) -> str:
    exif = Image.Exif()
    if "exif" in kept:
        exif.load(kept["exif"])
    return str(exif.get(SOFTWARE, "")).encode("ascii", "replace").decode()


def _save_png(file: BinaryIO, frame: Picture, kept: dict[str, Any]) -> None:
    """16 bits a channel, which Pillow does not write: PNG (Third Edition), section 11."""
    height, width = frame.colours.shape[:2]
    pixels = frame.colours
    if frame.alpha is not None:
        pixels = np.concatenate([pixels, frame.alpha.astype(np.uint16)[..., None] * 257], -1)
    header = struct.pack(">2I5B", width, height, 16, 6 if frame.alpha is not None else 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"iCCP", b"sRGB\0\0" + zlib.compress(srgb_profile()))]
    if "exif" in kept:
        chunks += [
            (b"eXIf", kept["exif"].removeprefix(b"Exif\0\0")),
            (b"tEXt", b"Software\0" + _latin(_software(kept))),
        ]
    chunks += [(b"IDAT", part) for part in _compressed(pixels)]
    file.write(b"\x89PNG\r\n\x1a\n")
    for name, content in [*chunks, (b"IEND", b"")]:
        file.write(struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content)))


def _compressed(pixels: Levels) -> Iterable[bytes]:
    """Rows without a filter, big-endian, compressed in strips."""
    packer, rows = zlib.compressobj(6), 256
    for top in range(0, len(pixels), rows):
        strip = pixels[top : top + rows].astype(">u2")
        raw = np.ascontiguousarray(strip).view(np.uint8).reshape(len(strip), -1)
        yield packer.compress(np.pad(raw, ((0, 0), (1, 0))).tobytes())
    yield packer.flush()


def _latin(text: str) -> bytes:
    return text.encode("latin-1", "replace")


def written(frames: list[Picture], form: str, info: dict[str, Any], note: str = "", loops: int = 0) -> bytes:
    """The bytes of ``save``."""
    buffer = io.BytesIO()
    save(buffer, frames, form, info, note, loops)
    return buffer.getvalue()
