"""Writes coloured pictures as PNG, JPEG, WebP, AVIF, TIFF or GIF. H height, W width.

Colours are tagged sRGB. TIFF and PNG keep 16 bits; an animation keeps its frames in PNG, WebP, GIF, AVIF and TIFF.
"""

import functools
import io
import re
import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin

from colourize.errors import InputError, one_line
from colourize.inference import jpeg, metadata
from colourize.inference.space import Levels

FORMATS = {
    ".png": "PNG", ".apng": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".jfif": "JPEG", ".jpe": "JPEG", ".webp": "WEBP",
    ".avif": "AVIF", ".tif": "TIFF", ".tiff": "TIFF", ".gif": "GIF",
}  # fmt: skip
MOVING = {"PNG", "WEBP", "GIF", "AVIF", "TIFF"}
WIDE = {"PNG", "TIFF"}
QUALITY = 95
LONGEST = {"WEBP": 16383, "JPEG": jpeg.LONGEST, "GIF": 65535, "AVIF": 65535}  # pixels: the format's limit for a side


class Picture(NamedTuple):
    """A coloured frame: [H, W, 3] and alpha [H, W] or None, each uint8 or uint16; seconds to show it."""

    colours: Levels
    alpha: Levels | None = None
    seconds: float = 0.0


def format_of(suffix: str) -> str:
    """Pillow's name of the format of a suffix such as ".png"; InputError for one that colourize does not write."""
    if suffix.lower() not in FORMATS:
        raise InputError(
            f"an output must end in {', '.join(FORMATS)}, got {suffix or 'no suffix'!r}; pass --format png"
        )
    return FORMATS[suffix.lower()]


@functools.cache
def srgb_profile() -> bytes:
    """The ICC profile of sRGB. Its date and ID are fixed, so that equal pictures give equal files (ICC.1, 7.2)."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + struct.pack(">6H", 1999, 10, 1, 0, 0, 0) + profile[36:84] + bytes(16) + profile[100:]


def save(
    file: BinaryIO,
    frames: list[Picture],
    form: str,
    info: dict[str, Any],
    note: str = "",
    loops: int = 0,
    threads: int = 1,
) -> None:
    """Writes frames as a file of a format.

    Args:
        file: to write into.
        frames: several only for an animation.
        form: one of ``FORMATS``' values.
        info: EXIF, XMP, resolution and comment to keep, as ``opening.Photograph`` has them.
        note: how the picture was made, kept as the EXIF's or PNG's Software; "" writes no metadata at all.
        loops: number of times that an animation plays; 0: without end.
        threads: number of threads that encode a JPEG.

    Raises:
        InputError: more frames than the format holds, or a side that is too long for it.
    """
    check(form, len(frames), frames[0].colours.shape[:2])
    kept = metadata.with_note(info, note, form) if note else {}
    if frames[0].colours.dtype == np.uint16 and form == "TIFF":
        return _save_tiff(file, frames, kept)
    if frames[0].colours.dtype == np.uint16 and len(frames) == 1:
        return _save_png(file, frames[0], kept)
    if form == "JPEG":
        return jpeg.save(file, _opaque(frames[0]), _options(form, kept, note), threads)
    images = [image(frame, form) for frame in frames]
    options = _options(form, kept, note) | _moving(frames, images[1:], form, loops)
    if form == "AVIF" and len(images) > 1:
        images[0].save(buffer := io.BytesIO(), form, **options)
        file.write(_timeless(buffer.getvalue()))
    else:
        images[0].save(file, form, **options)


def _timeless(content: bytes) -> bytes:
    """An animated AVIF without the times in the headers of movie, track and media, which libavif writes before the
    data, with 64 bits each (ISO/IEC 14496-12, 8.2.2)."""
    headers, data, rest = content.partition(b"mdat")
    return re.sub(rb"(mvhd|tkhd|mdhd)(\x01...).{16}", rb"\1\2" + bytes(16), headers, flags=re.DOTALL) + data + rest


def check(form: str, frames: int, size: Sequence[int]) -> None:
    """Checks that a format can hold a number of frames of a height and width.

    Raises:
        InputError: it cannot.
    """
    if max(size) > LONGEST.get(form, 1 << 31):
        limit = f"{form} holds sides of up to {LONGEST[form]} pixels, got {size[1]} x {size[0]}"
        raise InputError(f"{limit}; pass --format png")
    if frames > 1 and form not in MOVING:
        raise InputError(f"{form} holds one picture, got {frames} frames; pass --format webp")


def image(frame: Picture, form: str = "PNG") -> Image.Image:
    """A frame as a PIL image of 8 bits: RGB, or RGBA where it has alpha. JPEG has no alpha, so it gets white."""
    opaque = Image.fromarray(_eight_bits(frame.colours))
    if frame.alpha is None:
        return opaque
    if form == "JPEG":
        white = Image.new("RGB", opaque.size, "white")
        white.paste(opaque, mask=Image.fromarray(_eight_bits(frame.alpha)))
        return white
    opaque.putalpha(Image.fromarray(_eight_bits(frame.alpha)))
    return opaque


def _opaque(frame: Picture) -> NDArray[np.uint8]:
    return _eight_bits(frame.colours) if frame.alpha is None else np.asarray(image(frame, "JPEG"))


def _eight_bits(levels: Levels) -> NDArray[np.uint8]:
    return (levels if levels.dtype == np.uint8 else levels >> 8).astype(np.uint8, copy=False)


def _options(form: str, kept: dict[str, Any], note: str) -> dict[str, Any]:
    options: dict[str, Any] = {} if form == "GIF" else {"icc_profile": srgb_profile()}
    options |= {name: kept[name] for name in ("exif", "dpi") if name in kept and form != "GIF"}
    if form in ("JPEG", "WEBP", "AVIF") and "xmp" in kept:
        options["xmp"] = kept["xmp"]
    if form == "JPEG":
        options |= {"quality": QUALITY, "subsampling": 0}
        options |= {"extra": _comment(kept["comment"])} if "comment" in kept else {}
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


def _comment(text: str | bytes) -> bytes:
    """The segment of a JPEG's comment (T.81, B.2.4.5). Pillow writes one of its own only where its buffer has room."""
    content = text.encode() if isinstance(text, str) else text
    return b"\xff\xfe" + struct.pack(">H", len(content) + 2) + content


def _moving(frames: list[Picture], others: list[Image.Image], form: str, loops: int) -> dict[str, Any]:
    if not others:
        return {}
    options: dict[str, Any] = {"save_all": True, "append_images": others}
    if form != "TIFF":
        options |= {"duration": [round(1000 * frame.seconds) for frame in frames], "loop": loops}
    if form == "GIF" and loops == 1:
        del options["loop"]  # a GIF without a count plays once
    if form == "GIF" and any(frame.alpha is not None for frame in frames):
        options["disposal"] = 2  # each frame is cleared before the next
    return options


def _save_tiff(file: BinaryIO, frames: Sequence[Picture], kept: dict[str, Any]) -> None:
    """Writes 16 bits a channel, which Pillow does not support; a page for each frame."""
    import tifffile  # late: only 16 bits need it

    extra: list[tuple[int, int, int | None, Any, bool]] = []
    if "xmp" in kept:
        extra.append((metadata.XMP, 1, len(kept["xmp"]), kept["xmp"], True))
    texts = metadata.entries(kept)
    software = texts.pop(metadata.SOFTWARE, "")
    extra += [(tag, 2, None, text, True) for tag, text in texts.items()]
    with tifffile.TiffWriter(file) as writer:
        for frame in frames:
            writer.write(
                _with_alpha(frame), photometric="rgb", compression="zlib", iccprofile=srgb_profile(), metadata=None,
                extrasamples=None if frame.alpha is None else ["unassalpha"], software=software, extratags=extra,
                resolution=kept.get("dpi"), resolutionunit="INCH" if "dpi" in kept else None,
            )  # fmt: skip


def _with_alpha(frame: Picture) -> Levels:
    """16-bit colours, with the alpha as a fourth channel: [H, W, 3 or 4]."""
    if frame.alpha is None:
        return frame.colours
    alpha = frame.alpha.astype(np.uint16) * (257 if frame.alpha.dtype == np.uint8 else 1)
    pixels: NDArray[np.uint16] = np.concatenate([frame.colours, alpha[..., None]], -1)
    return pixels


def _save_png(file: BinaryIO, frame: Picture, kept: dict[str, Any]) -> None:
    """Writes 16 bits a channel, which Pillow does not support: PNG (Third Edition), section 11."""
    height, width = frame.colours.shape[:2]
    header = struct.pack(">2I5B", width, height, 16, 6 if frame.alpha is not None else 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"iCCP", b"sRGB\0\0" + zlib.compress(srgb_profile()))]
    if "exif" in kept:
        chunks += [
            (b"eXIf", kept["exif"].removeprefix(b"Exif\0\0")),
            (b"tEXt", b"Software\0" + _latin(metadata.entries(kept).get(metadata.SOFTWARE, ""))),
        ]
    if "dpi" in kept:
        chunks.append((b"pHYs", struct.pack(">2IB", *(round(each / 0.0254) for each in kept["dpi"]), 1)))
    if "xmp" in kept:
        chunks.append((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + kept["xmp"]))
    chunks += [(b"IDAT", part) for part in _compressed(_with_alpha(frame))]
    file.write(b"\x89PNG\r\n\x1a\n")
    for name, content in [*chunks, (b"IEND", b"")]:
        file.write(struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content)))


def _compressed(pixels: Levels) -> Iterable[bytes]:
    """The rows, big-endian and without a filter, compressed in strips."""
    packer, rows = zlib.compressobj(6), 256
    for top in range(0, len(pixels), rows):
        strip = pixels[top : top + rows].astype(">u2")
        raw = np.ascontiguousarray(strip).view(np.uint8).reshape(len(strip), -1)
        yield packer.compress(np.pad(raw, ((0, 0), (1, 0))).tobytes())
    yield packer.flush()


def _latin(text: str) -> bytes:
    return text.encode("latin-1", "replace")


def written(
    frames: list[Picture], form: str, info: dict[str, Any], note: str = "", loops: int = 0, threads: int = 1
) -> bytes:
    """The bytes of ``save``.

    Raises:
        InputError: the format or its library cannot hold the picture.
    """
    buffer = io.BytesIO()
    try:
        save(buffer, frames, form, info, note, loops, threads)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # encoders raise nearly every built-in exception for pictures that they cannot hold
        raise InputError(f"{form} cannot hold this picture ({one_line(error)}); pass --format png") from error
    return buffer.getvalue()
