"""Splits by content: shares, stability, and names of the written files."""

import hashlib
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colourize.data.preparation.settings import Settings
from colourize.data.preparation.splits import SPLITS, given_splits, place_of, split_by_content

CONTENTS = [hashlib.blake2b(str(number).encode(), digest_size=16).hexdigest() for number in range(4000)]


def test_the_shares_are_the_requested_ones():
    splits = split_by_content(CONTENTS, 0.2, 0.1)
    for split, share in zip(SPLITS, (0.7, 0.2, 0.1), strict=True):
        assert splits.count(split) / 4000 == pytest.approx(share, abs=4 * (share * (1 - share) / 4000) ** 0.5)


def test_a_picture_keeps_its_split_when_others_are_added():
    before = split_by_content(CONTENTS[:500], 0.1, 0.1)
    assert split_by_content(CONTENTS, 0.1, 0.1)[:500] == before


@given(st.sets(st.integers(0, 3999), min_size=2, max_size=6), st.floats(0.01, 0.6), st.floats(0, 0.39))
def test_two_pictures_are_enough_to_train_and_to_validate(rows, validation, test):
    splits = split_by_content([CONTENTS[row] for row in sorted(rows)], validation, test)
    assert "train" in splits and "val" in splits


def test_earlier_splits_are_kept():
    fixed = dict.fromkeys(range(0, 4000, 7), "test")
    splits = split_by_content(CONTENTS, 0.1, 0.1, fixed)
    assert all(splits[row] == "test" for row in fixed)


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a.png", "horse/b.png"], {"a.png": ("", "a.png"), "horse/b.png": ("", "horse/b.png")}),
        (["Train/a.png", "valid/b/c.png", "x.png"], {"Train/a.png": ("train", "a.png"),
                                                     "valid/b/c.png": ("val", "b/c.png")}),
        (["train/a.png"], {"train/a.png": ("train", "a.png")}),
        (["train/a.png", "horse/b.png"], {"train/a.png": ("", "train/a.png"), "horse/b.png": ("", "horse/b.png")}),
        (["test/a.png"], {"test/a.png": ("", "test/a.png")}),
    ],
)  # fmt: skip
def test_a_folder_s_own_splits_are_kept(paths, expected):
    assert given_splits(paths) == expected


def test_pictures_with_one_name_and_two_formats_get_two_files():
    settings = Settings(form="png")
    first, second = (place_of(f"horse/a.{end}", CONTENTS[row], settings) for row, end in enumerate(("jpg", "png")))
    assert first == PurePosixPath(f"horse/a-{CONTENTS[0][:8]}.png")
    assert first != second
    long = place_of("b/" + "é" * 200 + ".jpg", CONTENTS[0], settings)
    assert len(long.name.encode()) <= 100 and long.name.isprintable()
    assert place_of("\udcff.jpg", CONTENTS[0], settings).name == f"picture-{CONTENTS[0][:8]}.png"
