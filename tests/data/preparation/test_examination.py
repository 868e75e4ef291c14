"""The examination of single picture files, including hostile ones."""

import os
import time

import pytest

from colourize.data.preparation import examination
from colourize.data.preparation.examination import examine, examine_all
from colourize.data.preparation.settings import Settings
from tests.drawn_pictures import png
from tests.textured import save, textured

SMALL = Settings(side=24, smallest=12, form="png")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "an empty file"),
        (b"text\n" * 100, "not a picture of a known format"),
        (png(30000, 30000, 8, 2, b"\0" * 1000), "30000 x 30000 pixels, more than the limit of 80000000"),
        (png(600, 600, 8, 2, b"\0" * 1000), "truncated"),
        (None, "No such file or directory"),
    ],
)
def test_a_hostile_file_is_unreadable_in_a_few_words(tmp_path, content, why):
    if content is None:
        (tmp_path / "a.png").symlink_to(tmp_path / "nowhere")
    else:
        (tmp_path / "a.png").write_bytes(content)
    file, picture = examine(tmp_path, "a.png", SMALL)
    assert (file.state, picture) == ("unreadable", b"")
    assert why in file.why and "\n" not in file.why


def test_a_huge_file_is_not_read(tmp_path):
    with (tmp_path / "a.png").open("wb") as file:
        os.truncate(file.fileno(), 1 << 33)  # sparse: it has no blocks
    assert "more than the limit" in examine(tmp_path, "a.png", SMALL)[0].why


def test_several_threads_give_the_results_of_one(tmp_path, monkeypatch):
    monkeypatch.setattr(examination, "BATCH", 3)
    names = [save(textured(seed), tmp_path / f"{seed}.png").name for seed in range(20)]
    found = []
    for jobs in (1, 4):
        staging = tmp_path / f"staging{jobs}"
        staging.mkdir()
        known = examine_all(tmp_path, names, SMALL, jobs, staging, lambda known: None)
        found.append((sorted(known, key=lambda file: file.path), {p.name: p.read_bytes() for p in staging.iterdir()}))
    assert found[0] == found[1]
    assert len(found[0][1]) == 20


def test_results_are_kept_on_a_full_disk(tmp_path, monkeypatch):
    names = [save(textured(seed), tmp_path / f"{seed}.png").name for seed in range(6)]
    monkeypatch.setattr(examination, "BATCH", 1)
    number, original = 0, examination.files.replace

    def replace(*arguments):
        nonlocal number
        number += 1
        if number > 3:
            raise OSError(28, "No space left on device", "somewhere")
        original(*arguments)

    monkeypatch.setattr(examination.files, "replace", replace)
    kept = []
    with pytest.raises(OSError, match="No space left"):
        examine_all(tmp_path, names, SMALL, 1, tmp_path, kept.append)
    assert len(kept[-1]) == 3


def test_results_are_saved_regularly(tmp_path, monkeypatch):
    names = [save(textured(seed), tmp_path / f"{seed}.png").name for seed in range(4)]
    monkeypatch.setattr(examination, "BATCH", 1)
    ticks = iter(range(0, 10_000, 100))
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks))
    kept = []
    examine_all(tmp_path, names, SMALL, 1, tmp_path, lambda known: kept.append(len(known)))
    assert kept == [1, 2, 3, 4, 4]
