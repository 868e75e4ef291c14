"""The settings of a preparation: which pictures are kept, and how they are written."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from colourize.errors import InputError

FORMATS = {"webp": "WEBP", "jpeg": "JPEG", "png": "PNG"}
"""The values of ``--format`` (also the file extensions), with Pillow's names."""
SAVED: dict[str, dict[str, Any]] = {
    "webp": {
        "quality": 90,
        "method": 4,
        "use_sharp_yuv": True,
    },  # WebP halves the resolution of the chroma; use_sharp_yuv averages it in linear light
    "jpeg": {"quality": 95, "subsampling": 0},
    "png": {},
}
SMALLEST_SIDE, LARGEST_SIDE = 8, 2000  # the longer side stays within WebP's 16,383 pixels
LARGEST = 1 << 29  # bytes of a file: 80 million pixels with 16 bits a channel are 480 MB
NARROW = 8  # largest ratio of the sides: a square crop of a narrower picture shows too little of it


@dataclass(frozen=True)
class Settings:
    """The settings of ``colourize prepare``; all calls for one output folder must have the same.

    Attributes:
        side: shorter side of the written pictures, in pixels; a smaller picture keeps its size.
        square: whether to crop the centre square.
        form: ``webp``, ``jpeg`` or ``png``.
        smallest: pixels; a picture with a smaller side is tiny.
        chroma: CIELAB units; a picture is grey if 99 % of its pixels have at most this chroma.
        distance: bits of 256; pictures are near-duplicates if their perceptual hashes differ in at most so many bits.
        validation, test: shares of the kept pictures.
    """

    side: int = 128
    square: bool = False
    form: str = "webp"
    smallest: int = 64
    chroma: float = 6.0
    distance: int = 48
    validation: float = 0.1
    test: float = 0.1

    def __post_init__(self) -> None:
        """Raises InputError if a value is out of its range."""
        if not SMALLEST_SIDE <= self.side <= LARGEST_SIDE:
            raise InputError(f"--side must be in {SMALLEST_SIDE} ... {LARGEST_SIDE}, got {self.side}; pass --side 128")
        if self.form not in FORMATS:
            raise InputError(f"--format must be one of {', '.join(FORMATS)}, got {self.form}")
        if self.smallest < 1:
            raise InputError(f"--smallest must be >= 1, got {self.smallest}; pass --smallest {self.side // 2}")
        if not 0 <= self.chroma < math.inf:
            raise InputError(f"--chroma must be >= 0, got {self.chroma:g}; pass --chroma 6")
        if not 0 <= self.distance <= 100:
            raise InputError(f"--distance must be in 0 ... 100 of 256 bits, got {self.distance}; pass --distance 48")
        if not (0 < self.validation < 1 and 0 <= self.test < 1 and self.validation + self.test < 1):
            raise InputError(
                f"--val must be > 0, --test >= 0 and their sum < 1, got {self.validation:g} and {self.test:g}; "
                "pass --val 0.1 --test 0.1"
            )

    def named(self) -> dict[str, Any]:
        """All values, by the names of the options."""
        names = {"form": "format", "validation": "val"}
        return {names.get(name, name): value for name, value in asdict(self).items()}
