"""The choices of a visitor of the page, as ``colouring.Choices`` and as arguments of ``colourize photo``."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from colourize.colour.usual import TEMPERATURE
from colourize.errors import InputError
from colourize.inference.colouring import Choices
from colourize.inference.decoded import Decoding
from colourize.inference.hinted import Hint
from colourize.inference.space import Floats

DECODINGS = {"mean": "Balanced", "argmax": "Vivid", "sample": "Samples"}
COOLEST, WARMEST, MOST_SATURATION = 0.05, 2.0, 3.0
SAMPLES = 4  # side by side
LARGEST = 384  # pixels of the working size
FORMATS = {"": "As the original", ".png": "PNG", ".jpg": "JPEG", ".webp": "WebP", ".tif": "TIFF", ".avif": "AVIF"}


@dataclass(frozen=True)
class Steering:
    """The controls of the page.

    Attributes:
        model: name of the network.
        decoding: one of ``DECODINGS``.
        temperature: of the mean or of samples, in [0.05, 2].
        saturation: in [0, 3]; the network's chroma is multiplied by it.
        size: the working size in pixels, at most ``LARGEST``; 0 for that of the training.
        seed: of the sample that is shown large.
        first: seed of the first of the samples side by side.
        format: the download's suffix, one of ``FORMATS``.
        metadata: whether the download keeps EXIF and XMP, and names colourize.
    """

    model: str
    decoding: str = "mean"
    temperature: float = TEMPERATURE
    saturation: float = 1.0
    size: int = 0
    seed: int = 0
    first: int = 0
    format: str = ""
    metadata: bool = True

    def __post_init__(self) -> None:
        if self.decoding not in DECODINGS or self.format not in FORMATS:
            raise InputError(f"the page has no choice {self.decoding!r} or {self.format!r}; reload it")
        if not (isinstance(self.size, int) and 0 <= self.size <= LARGEST):
            raise InputError(f"the page has no size of {self.size!r} pixels; reload it")
        for name, least, most in (("temperature", COOLEST, WARMEST), ("saturation", 0, MOST_SATURATION)):
            value = getattr(self, name)
            if not (isinstance(value, int | float) and math.isfinite(value) and least <= value <= most):
                raise InputError(f"{name} must be in [{least}, {most}], got {value}; move its slider")
        if not 0 <= self.seed < 1 << 62:
            raise InputError(f"a seed must be in [0, 2^62), got {self.seed}; reload the page")

    def choices(self, hints: Sequence[Hint] = (), palette: Floats | None = None, uncertainty: bool = False) -> Choices:
        """How pictures are coloured."""
        return Choices(
            self.parsed_decoding(), self.size or None, self.saturation, 1, hints, palette, uncertainty=uncertainty
        )

    def parsed_decoding(self) -> Decoding:
        """The decoding with its temperature and seed, which an arg-max does not have."""
        if self.decoding == "argmax":
            return Decoding("argmax")
        return Decoding(self.decoding, float(self.temperature), self.seed if self.decoding == "sample" else 0)


def arguments(steering: Steering, hints: Sequence[Hint] = (), reference: str = "", model: str = "") -> list[str]:
    """The arguments of ``colourize photo IN -o OUT ...`` that give the same file.

    Args:
        steering: the visitor's choices.
        hints: on this photograph.
        reference: path of the reference photograph; "" for none.
        model: path of the network; "" for the one that comes with colourize.
    """
    words = ["--model", model] if model else []
    if steering.decoding == "argmax":
        words += ["--decoding", "argmax"]
    elif steering.decoding == "sample":
        words += ["--decoding", "sample", "--temperature", f"{steering.temperature:g}", "--seed", str(steering.seed)]
    else:
        words += ["--temperature", f"{steering.temperature:g}"]
    if steering.saturation != 1:
        words += ["--saturation", f"{steering.saturation:g}"]
    if steering.size:
        words += ["--size", str(steering.size)]
    for hint in hints:
        words += ["--hint", f"{hint.x},{hint.y},#{bytes(hint.rgb).hex()}"]
    words += ["--reference", reference] if reference else []
    return words if steering.metadata else [*words, "--no-metadata"]
