"""A photograph that a visitor has put on the page. The file is read again where its full size is needed."""

import os
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from colourize.app.kept import Kept
from colourize.inference import opening, working
from colourize.inference.hinted import Hint
from colourize.inference.memory import Budget
from colourize.inference.opening import Kind
from colourize.inference.predictor import Card
from colourize.inference.working import Seen

SIDE = 1440  # pixels: longer side of the copy that the page shows
SHOWN = ".shown.npy"  # in the folder of the photograph, whose own name begins with no dot
LONGEST_NAME = 120  # characters of a file's name


@dataclass
class Held:
    """One photograph of a visitor.

    Attributes:
        path: its private file.
        size: height and width of the full picture.
        kind: grey, tinted or coloured, as in ``opening``.
        frames: number of frames; the page shows the first.
        notes: on parts that were left out when it was read.
        hints: the colours that the visitor has given, in their order.
    """

    path: Path
    size: tuple[int, int]
    kind: Kind
    frames: int = 1
    notes: tuple[str, ...] = ()
    hints: list[Hint] = field(default_factory=list)

    @property
    def grey(self) -> NDArray[np.uint8]:
        """A copy of at most ``SIDE`` pixels, [H, W]. It lies beside the file, so that 50 photographs take no memory."""
        levels: NDArray[np.uint8] = np.load(self.path.with_name(SHOWN), allow_pickle=False)
        return levels

    def view(self, card: Card, size: int, max_pixels: int, budget: Budget, kept: Kept) -> Seen:
        """The picture as a network sees it at a working size; 0 for that of its training."""
        found: Seen | None = kept.get(*_key(self.path, card, size))
        if found is None:
            extent = opening.extent(self.path, max_pixels)
            with budget.taken(budget.check(extent.pixels, extent.wide)):
                grey = opening.photograph(self.path, max_pixels, first=True).frames[0].grey
                found = working.seen(grey, card, size or None)
            kept.put(*_key(self.path, card, size), value=found, size=found.grey.nbytes)
        return found


def held(path: Path, card: Card, size: int, max_pixels: int, budget: Budget, kept: Kept) -> Held:
    """Reads a photograph.

    Args:
        path: of its private file.
        card: of the network that will see it first.
        size: the working size; 0 for that of the training.
        max_pixels: of a frame.
        budget: of memory.
        kept: stores the network's view of the photograph.

    Raises:
        UnreadablePicture: not a picture, damaged or too large.
        InputError: the memory does not suffice.
    """
    extent = opening.extent(path, max_pixels)
    with budget.taken(budget.check(extent.pixels, extent.wide)):
        read = opening.photograph(path, max_pixels, first=True)
        grey = read.frames[0].grey
        height, width = grey.shape
        scale = min(1.0, SIDE / max(height, width))
        small = working.resized(grey, max(1, round(height * scale)), max(1, round(width * scale)))
        view = working.seen(grey, card, size or None)
    np.save(path.with_name(SHOWN), np.rint(small * 255).astype(np.uint8))
    kept.put(*_key(path, card, size), value=view, size=view.grey.nbytes)
    return Held(path, (height, width), read.kind, read.count, read.notes)


def _key(path: Path, card: Card, size: int) -> tuple[str, Path, int, int]:
    return "view", path, size or card.size, card.multiple


def safe_name(given: str) -> str:
    """A file name without folders and control characters, for a file in a private folder: "../a.jpg" -> "a.jpg"."""
    last = given.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(each for each in unicodedata.normalize("NFC", last) if each.isprintable()).strip().lstrip(".")
    stem, dot, suffix = kept.rpartition(".")
    whole = f"{stem[: LONGEST_NAME - len(suffix)]}{dot}{suffix[:20]}" if dot else kept[:LONGEST_NAME]
    while len(whole.encode()) > 2 * LONGEST_NAME:
        whole = whole[1:]
    return whole if whole.strip(".") else "photograph"


def key(path: Path) -> bytes:
    """The key of the noise of samples besides the seed, as in ``colourize photo``: the file's name."""
    return os.fsencode(path.name)
