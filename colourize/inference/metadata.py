"""Metadata that a result keeps: EXIF, XMP, resolution and comment. Damaged and too long ones are left out."""

import re
from typing import Any

from PIL import Image

SOFTWARE, ORIENTATION, XMP = 0x0131, 0x0112, 0x02BC
DESCRIPTIVE = (
    *(0x000B, 0x010D, 0x010E, 0x010F, 0x0110, 0x011D, 0x0131, 0x0132, 0x013B, 0x013C),  # names, camera, date, artist
    *(0x4746, 0x4749, 0x8298, *range(0x9C9B, 0x9CA0)),  # rating, copyright, Windows' titles
)
"""Tags of the main directory that describe the picture. A TIFF's other tags describe how that file stores pixels."""
EXIF, GPS = 0x8769, 0x8825  # directories of their own
COLOUR_SPACE, INTEROPERABILITY, SIDES = 0xA001, 0xA005, (0xA002, 0xA003)  # of the directory EXIF
SRGB = 1
MARKER = 65533 - 29  # bytes: a JPEG segment less the name of EXIF or XMP
LONGEST_COMMENT = (1 << 15) - 1  # bytes or characters
_TURN = re.compile(rb'(tiff:Orientation\s*(?:=\s*["\']|>)\s*)[1-8]')


def kept(image: Image.Image, notes: list[str]) -> dict[str, Any]:
    """EXIF, XMP, resolution and comment of an opened file, in the form that Pillow's ``save`` takes.

    The orientation is left out, because the picture is turned upright, and so are the sizes. The colour space becomes
    sRGB.

    Args:
        image: the opened file.
        notes: gets a line for each of them that is left out.
    """
    info: dict[str, Any] = {}
    exif = _exif(image, notes)
    if len(exif):
        info["exif"] = exif.tobytes()
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    if isinstance(xmp, str | bytes) and xmp:
        content = _TURN.sub(rb"\g<1>1", xmp.encode(errors="replace") if isinstance(xmp, str) else xmp)
        if len(content) <= MARKER:
            info["xmp"] = content
        else:
            notes.append(f"its XMP of {len(content)} bytes is left out; a picture holds {MARKER}")
    dpi = image.info.get("dpi")
    if isinstance(dpi, tuple) and len(dpi) == 2 and all(0 < float(each) < 1e5 for each in dpi):
        info["dpi"] = tuple(float(each) for each in dpi)
    comment = image.info.get("comment")
    if isinstance(comment, bytes | str):
        if len(comment) <= LONGEST_COMMENT:
            info["comment"] = comment
        else:
            notes.append(f"its comment of {len(comment)} bytes is left out; a picture holds {LONGEST_COMMENT}")
    return info


def _exif(image: Image.Image, notes: list[str]) -> Image.Exif:
    """The descriptive tags; damaged ones are left out."""
    exif = Image.Exif()
    try:
        given = image.getexif()
        for tag in DESCRIPTIVE:
            if tag in given:
                exif[tag] = given[tag]
        for directory in (EXIF, GPS):
            entries = {tag: value for tag, value in given.get_ifd(directory).items() if tag != INTEROPERABILITY}
            if directory == EXIF and COLOUR_SPACE in entries:
                entries[COLOUR_SPACE] = SRGB
            if entries := {tag: value for tag, value in entries.items() if tag not in SIDES}:
                exif[directory] = entries
        exif.tobytes()
    except Exception:  # an entry that cannot be read or written again
        notes.append("its EXIF is damaged and is left out")
        return Image.Exif()
    return exif


def with_note(info: dict[str, Any], note: str, form: str) -> dict[str, Any]:
    """The metadata with the note as the EXIF's Software; only the note where the format cannot hold the EXIF."""
    exif = Image.Exif()
    try:
        if "exif" in info:
            exif.load(info["exif"])
        exif[SOFTWARE] = note
        if form == "TIFF" and "xmp" in info:
            exif[XMP] = info["xmp"]
        content = exif.tobytes()
    except Exception:  # an entry that cannot be read or written again
        content = b""
    if not content or (form == "JPEG" and len(content) > MARKER):
        bare = Image.Exif()
        bare[SOFTWARE] = note
        content = bare.tobytes()
    return {**info, "exif": content}


def entries(info: dict[str, Any]) -> dict[int, str]:
    """The texts of the main directory in ASCII, including Software, for writers that do not support EXIF."""
    exif = Image.Exif()
    if "exif" in info:
        exif.load(info["exif"])
    return {
        tag: value.encode("ascii", "replace").decode()
        for tag, value in exif.items()
        if isinstance(value, str) and value
    }
