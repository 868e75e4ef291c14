"""Measures of floors and ceilings, cached on disk."""

import functools
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from filelock import FileLock

from colourize.colour.kmeans import fit
from colourize.colour.spaces import RGB, SPACES
from colourize.data import labelled as labelled_file
from colourize.data.labelled import fingerprint, labelled
from colourize.data.scenes import load
from colourize.evaluation import columns_cache
from colourize.evaluation.measures import MEASURES, columns_of
from colourize.evaluation.yardstick import KEPT, QUICK, Yardstick
from colourize.tasks.chosen import train
from tests.faults.processes import forked


def made(folder, pictures=None, num_colours=6, space=RGB, known=None):
    """A yardstick on landscapes, with every floor and ceiling."""
    yardstick = yardstick_of(folder, pictures, num_colours, space, known)
    return yardstick, [*yardstick.floors(), *yardstick.ceilings()]


def yardstick_of(folder, pictures=None, num_colours=6, space=RGB, known=None):
    pictures, palette, found = (
        read(space) if (pictures, num_colours) == (None, 6) else labels(pictures, num_colours, space)
    )
    return Yardstick(pictures, found.train, found.validation, palette, space, folder, known)


@functools.cache
def read(space):
    return labels(load(40, 12), 6, space)


def labels(pictures, num_colours, space):
    palette = fit(pictures.train, num_colours, seed=0, space=space)
    return pictures, palette, labelled(pictures, palette, "unused", space)


def same(first, second):
    """Whether rows have the same columns in the same order, with the same types and bits."""
    return list(first.columns) == list(second.columns) and all(
        a.dtype == b.dtype and a.shape == b.shape and a.numpy().tobytes() == b.numpy().tobytes()
        for a, b in zip(first.columns.values(), second.columns.values(), strict=True)
    )


def forbidden(*_):
    raise AssertionError("measured again")


@pytest.mark.parametrize("keys", [QUICK, tuple(MEASURES), ("ssim", "skill")])
@pytest.mark.parametrize("space", ["rgb", "lab"])
def test_rows_from_the_cache_equal_fresh_ones_to_the_bit(tmp_path, monkeypatch, keys, space):
    fresh, predictors = made(None, space=SPACES[space])
    wanted = [fresh.row(predictor, keys) for predictor in predictors]
    for cached in (False, True):
        yardstick, predictors = made(tmp_path, space=SPACES[space])
        if cached:
            monkeypatch.setattr(Yardstick, "_columns", forbidden)
            monkeypatch.setattr("colourize.evaluation.yardstick.smoothed_table", forbidden)
        assert all(same(yardstick.row(p, keys), row) for p, row in zip(predictors, wanted, strict=True))


def test_a_single_validation_picture_is_enough(tmp_path):
    """numpy does not copy the field of a single record; torch refuses its stride."""
    pictures = load(40, 12)
    objects = pictures.validation_objects[:1]
    single = replace(pictures, validation=pictures.validation[:1], validation_objects=objects)
    fresh, predictors = made(None, single)
    wanted = [fresh.row(predictor) for predictor in predictors]
    for _ in range(2):
        yardstick, predictors = made(tmp_path, single)
        found = [yardstick.row(predictor) for predictor in predictors]
        assert all(same(*rows) for rows in zip(found, wanted, strict=True))


def test_pictures_too_small_for_a_measure_lack_it_with_the_cache(tmp_path):
    pictures = load(20, 6, image_size=8)
    for _ in range(2):
        yardstick, (_, _, table, *_) = made(tmp_path, pictures)
        assert yardstick.row(table, ["ssim"]).columns["ssim"].isnan().all()


def test_computing_five_measures_does_not_compute_the_others(tmp_path):
    yardstick, predictors = made(tmp_path)
    for predictor in predictors:
        assert set(yardstick.row(predictor, QUICK).columns) <= columns_of(QUICK)
    assert len(list(tmp_path.glob("floors-*.npy"))) == 1
    yardstick.row(predictors[0])
    assert len(list(tmp_path.glob("floors-*.npy"))) == 2
    assert set().union(*KEPT) == columns_of(MEASURES)
    assert set(KEPT[0]).isdisjoint(KEPT[1])


def test_the_measures_of_a_network_are_not_cached(tmp_path):
    yardstick, _ = made(tmp_path)
    for shift in (0.0, 5.0):
        network = torch.nn.Conv2d(1, 6, 1)
        torch.nn.init.constant_(network.weight, shift)
        rows = [yardstick.row(yardstick.model("look-up table", network)) for _ in range(2)]
        assert same(*rows)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["cut", "other", "bit", "names", "digest", "list"])
def test_a_damaged_entry_is_built_again(tmp_path, damage, caplog):
    yardstick, predictors = made(tmp_path)
    before = [yardstick.row(predictor, QUICK) for predictor in predictors]
    (path,), (printed,) = tmp_path.glob("*.npy"), tmp_path.glob("*.json")
    contents = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(contents[:-100])
    elif damage == "other":
        np.save(path, np.zeros(12))
    elif damage == "bit":
        contents[-40] ^= 1
        path.write_bytes(contents)
    elif damage == "names":
        path.write_bytes(contents.replace(b"class prior/psnr", b"class prior/PSNR"))
    elif damage == "list":
        printed.write_text("[]")
    else:
        printed.write_text("{}")
    yardstick, predictors = made(tmp_path)
    assert all(same(yardstick.row(p, QUICK), row) for p, row in zip(predictors, before, strict=True))
    assert "damaged" in caplog.text
    caplog.clear()
    yardstick, predictors = made(tmp_path)
    yardstick.row(predictors[0], QUICK)
    assert not caplog.text


@pytest.mark.slow
def test_the_entry_depends_on_everything_that_determines_the_measures(tmp_path, monkeypatch):
    """Other pictures, palettes, spaces, objects or versions each have their own entry."""
    pictures = load(40, 12, image_size=8)
    other = pictures.validation_objects.flip(0)
    variants = [
        {},
        {"pictures": load(41, 12, image_size=8)},
        {"pictures": load(40, 13, image_size=8)},
        {"pictures": type(pictures)(pictures.train, pictures.validation, pictures.train_objects, other)},
        {"pictures": type(pictures)(pictures.train, pictures.validation)},
        {"num_colours": 7},
        {"space": SPACES["lab"]},
        {"space": SPACES["oklab"]},
    ]

    def nothing(yardstick, predictor, wanted):
        return {name: torch.zeros(len(yardstick.labels)) for name in wanted}

    monkeypatch.setattr(Yardstick, "_columns", nothing)  # the test needs only the names of the entries

    def measured(**variant):
        yardstick = yardstick_of(tmp_path, **{"pictures": pictures, **variant})
        yardstick.row(yardstick.floors()[0], ["psnr"])

    for number, variant in enumerate(variants, start=1):
        for _ in range(2):
            measured(**variant)
        assert len(list(tmp_path.glob("floors-*.npy"))) == number, variant
    monkeypatch.setattr(columns_cache, "VERSION", columns_cache.VERSION + 1)
    measured()
    assert len(list(tmp_path.glob("floors-*.npy"))) == len(variants) + 1


def test_a_known_fingerprint_is_not_computed_again(tmp_path, monkeypatch):
    yardstick, predictors = made(tmp_path)
    yardstick.row(predictors[0], QUICK)
    monkeypatch.setattr("colourize.evaluation.yardstick.fingerprint", forbidden)
    monkeypatch.setattr(Yardstick, "_columns", forbidden)
    known = fingerprint(yardstick.pictures, yardstick.palette)
    again, predictors = made(tmp_path, known=known)
    again.row(predictors[0], QUICK)  # the entry is the same


def test_a_run_hashes_its_pictures_once(quick, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(labelled_file, "fingerprint", lambda *parts: asked.append(parts) or fingerprint(*parts))
    monkeypatch.setattr("colourize.evaluation.yardstick.fingerprint", forbidden)
    train(quick("max_epochs=1"), tmp_path / "run")
    assert len(asked) == 1


def building(folder, me):
    """A process that needs an entry. The first waits for the second; one is killed while it builds."""

    def build():
        (folder / f"built by {me}").touch()
        if me == "killed":
            time.sleep(600)
        while me == "first" and not (folder / "second waits").exists():
            time.sleep(0.01)
        time.sleep(0.3)
        return {"floor": {"psnr": torch.arange(4.0)}}

    if me == "second":
        (folder / "second waits").touch()
    rows = columns_cache.kept(folder / "cache", "floors-0", build, 4, ["floor"])
    assert rows["floor"]["psnr"].equal(torch.arange(4.0))


def ended(process):
    process.join(60)
    return process.exitcode


def until(there):
    while not there():
        time.sleep(0.01)


@pytest.mark.slow
def test_one_of_two_processes_measures_and_the_other_reads(tmp_path):
    first = forked(building, tmp_path, "first")
    until((tmp_path / "built by first").exists)
    second = forked(building, tmp_path, "second")
    assert (ended(first), ended(second)) == (0, 0)
    assert [path.name for path in tmp_path.glob("built by*")] == ["built by first"]


def test_a_killed_process_does_not_block_others(tmp_path):
    killed = forked(building, tmp_path, "killed")
    until((tmp_path / "built by killed").exists)
    killed.kill()
    assert ended(killed) == -signal.SIGKILL
    assert ended(forked(building, tmp_path, "second")) == 0
    assert (tmp_path / "built by second").exists()


def test_after_a_timeout_a_process_measures_by_itself(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(columns_cache, "LONGEST_WAIT", 0.05)
    (tmp_path / "cache").mkdir()
    yardstick, predictors = made(tmp_path / "cache")
    yardstick.row(predictors[0], QUICK)
    for file in (tmp_path / "cache").glob("floors-*.npy"):
        file.unlink()
    (entry,) = (tmp_path / "cache").glob("floors-*.json")
    with FileLock(tmp_path / f"cache/.{entry.stem}.lock"):
        yardstick, predictors = made(tmp_path / "cache")
        assert yardstick.row(predictors[0], ["psnr"]).columns["psnr"].isfinite().all()
    assert "another process is still measuring the floors and ceilings" in caplog.text


def test_without_a_writable_folder_no_lock_is_used(tmp_path):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file/below"):
        yardstick, predictors = made(folder)
        assert yardstick.row(predictors[0], ["psnr"]).columns["psnr"].isfinite().all()


def test_a_lock_that_is_a_link_is_not_followed(tmp_path):
    yardstick, predictors = made(tmp_path)
    yardstick.row(predictors[0], QUICK)
    (entry,) = tmp_path.glob("floors-*.json")
    lock = tmp_path / f".{entry.stem}.lock"
    lock.unlink(missing_ok=True)
    lock.symlink_to(tmp_path / "elsewhere")
    yardstick, predictors = made(tmp_path)
    yardstick.row(predictors[0], QUICK)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.slow
def test_the_number_of_threads_does_not_change_the_measures():
    """So the entry's name does not contain their number: jobs and ``evaluate`` share the measures."""
    before, rows = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            yardstick, predictors = made(None)
            rows.append([yardstick.row(predictor) for predictor in predictors])
    finally:
        torch.set_num_threads(before)
    assert all(map(same, *rows))
