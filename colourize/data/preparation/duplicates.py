"""Finds pictures that look the same, by perceptual hashes. N pictures."""

from typing import NamedTuple

import imagehash
import numpy as np
from PIL import Image, ImageOps

HASH_SIDE = 16  # bits: the 16 x 16 lowest frequencies of a cosine transform, each above the median or not
LOW_SIDE = 8  # the lowest 8 x 8 frequencies: 64 bits, compared first
FLAT = 2.0  # of 255; with a smaller standard deviation a picture has too little structure for a hash


class Alike(NamedTuple):
    """The similar picture, how many of 256 bits differ, and whether one is the other's mirror image."""

    row: int
    distance: int
    mirrored: bool


def hashes(image: Image.Image) -> tuple[str, str]:
    """The perceptual hash (``imagehash.phash``) of a picture and of its mirror image, 64 hex digits each.

    256 bits, computed from the lightness. Both are empty for a picture of a single tone: its hash is rounding noise.
    """
    grey = image.convert("L")
    small = grey.resize((4 * HASH_SIDE, 4 * HASH_SIDE), Image.Resampling.LANCZOS)  # phash's own size and filter
    if np.asarray(small, np.float32).std() < FLAT:
        return "", ""
    return _bits(small), _bits(ImageOps.mirror(small))


def _bits(image: Image.Image) -> str:
    bits = imagehash.phash(image, hash_size=HASH_SIDE).hash
    low = np.zeros_like(bits)
    low[:LOW_SIDE, :LOW_SIDE] = True
    return np.packbits(np.concatenate([bits[low], bits[~low]])).tobytes().hex()


def near_duplicates(found: list[tuple[str, str]], most: int) -> list[Alike | None]:
    """For each picture the nearest earlier kept one, or None if the picture itself is kept.

    A picture is dropped if its hash, or that of its mirror image, differs from the hash of a kept picture in at most
    ``most`` of the 256 bits and in at most ``most`` / 4 of the 64 lowest frequencies. Random pairs of photographs
    differ in 128 bits. The nearest of 8 million pairs differed in 76; copies that were saved again, scaled, cropped by
    2 % or made 25 % brighter differed in up to 46. A picture costs two vector operations over the kept ones, about 60
    microseconds for 50,000.

    Args:
        found: the results of ``hashes`` for N pictures, in the order of preference.
        most: number of bits.
    """
    rows = np.array([row for row, (plain, _) in enumerate(found) if plain], np.int64)
    words = _words([found[row][0] for row in rows]), _words([found[row][1] for row in rows])
    kept, low, number = np.empty(len(rows), np.int64), np.empty(len(rows), np.uint64), 0
    alike: list[Alike | None] = [None] * len(found)
    for place, row in enumerate(rows):
        match = None
        for mirrored in (False, True):
            own = words[mirrored][place]
            near = np.flatnonzero(np.bitwise_count(low[:number] ^ own[0]) <= most // 4)
            if not len(near):
                continue
            distances = np.bitwise_count(words[0][kept[near]] ^ own).sum(1)
            first = int(distances.argmin())
            if distances[first] <= most and (match is None or distances[first] < match.distance):
                match = Alike(int(rows[kept[near[first]]]), int(distances[first]), mirrored)
        alike[row] = match
        if match is None:
            kept[number], low[number] = place, words[0][place, 0]
            number += 1
    return alike


def _words(digits: list[str]) -> np.ndarray:
    """Hashes as uint64 [N, 4]; the first word contains the lowest frequencies."""
    return np.frombuffer(bytes.fromhex("".join(digits)), np.uint64).reshape(-1, 4)
