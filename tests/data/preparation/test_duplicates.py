"""Near-duplicates, compared with imagehash's distances."""

import io

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from colourize.data.preparation.duplicates import Alike, hashes, near_duplicates
from tests.drawn_pictures import encoded
from tests.textured import textured


def bits(digits):
    return np.unpackbits(np.frombuffer(bytes.fromhex(digits), np.uint8))


def again(image, quality):
    return Image.open(io.BytesIO(encoded(image, "JPEG", quality=quality))).convert("RGB")


@pytest.mark.parametrize("seed", range(4))
def test_the_distance_of_two_hashes_equals_imagehash_s(seed):
    first, second = textured(seed, 200, 150), textured(seed + 1, 200, 150)
    theirs = imagehash.phash(first, hash_size=16) - imagehash.phash(second, hash_size=16)
    ours = (bits(hashes(first)[0]) != bits(hashes(second)[0])).sum()
    assert abs(int(ours) - theirs) <= 4  # we scale the grey picture in two steps, imagehash in one


@pytest.mark.parametrize(
    "change",
    [
        lambda image: again(image, 40),
        lambda image: image.resize((100, 80)),
        lambda image: image.convert("L").convert("RGB"),
        lambda image: ImageEnhance.Color(image).enhance(0.3),
        lambda image: ImageEnhance.Contrast(image).enhance(0.8),
        ImageOps.mirror,
        lambda image: again(ImageOps.mirror(image), 60),
    ],
)
def test_only_a_changed_copy_is_near_its_original(change):
    pictures = [textured(seed, 200, 150) for seed in range(30)]
    found = near_duplicates([hashes(each) for each in [*pictures, change(pictures[7])]], 48)
    assert found[:30] == [None] * 30
    assert found[30].row == 7


def test_kept_pictures_are_far_apart_and_dropped_ones_are_near_a_kept_one():
    rng = np.random.default_rng(0)
    centres = rng.integers(0, 2, (20, 256), dtype=np.uint8)
    many = centres[rng.integers(0, 20, 300)]
    many ^= rng.random(many.shape) < 0.06
    mirrored = rng.integers(0, 2, many.shape, dtype=np.uint8)
    digits = [tuple(np.packbits(each).tobytes().hex() for each in pair) for pair in zip(many, mirrored, strict=True)]
    found = near_duplicates(digits, 40)

    def near(first, second):
        return (first != second).sum() <= 40 and (first[:64] != second[:64]).sum() <= 10

    kept = []
    for row, match in enumerate(found):  # the same, one pair at a time
        candidates = [(int((many[other] != many[row]).sum()), other) for other in kept if near(many[other], many[row])]
        assert match == (Alike(min(candidates)[1], min(candidates)[0], False) if candidates else None)
        if match is None:
            kept.append(row)
    assert 20 <= len(kept) < 300


def test_pictures_of_one_tone_are_never_near():
    flat = [hashes(Image.new("RGB", (60, 60), colour)) for colour in ("red", "green", "red")]
    assert flat == [("", "")] * 3
    assert near_duplicates(flat, 48) == [None] * 3
    assert near_duplicates([], 48) == []
