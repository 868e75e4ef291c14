"""What floors and ceilings measure, kept on disk."""

import numpy as np
import pytest
import torch

from colourize import columns_cache
from colourize.data.module import labelled
from colourize.data.scenes import load
from colourize.evaluation import KEPT, QUICK, Yardstick
from colourize.measures import MEASURES, columns_of
from colourize.palette import fit
from colourize.spaces import RGB, SPACES


def made(folder, pictures=None, num_colours=6, space=RGB):
    """A yardstick of landscapes, and every floor and ceiling."""
    pictures = pictures or load(40, 12)
    palette = fit(pictures.train, num_colours, seed=0, space=space)
    yardstick = Yardstick(pictures, *labelled(pictures, palette, folder or "unused", space), palette, space, folder)
    return yardstick, [*yardstick.floors(), *yardstick.ceilings()]


def same(first, second):
    """Whether rows have the same columns in the same order, of one type and the same bits."""
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
        assert all(same(yardstick.row(p, keys), row) for p, row in zip(predictors, wanted, strict=True))


def test_pictures_too_small_for_a_measure_have_none_from_the_cache_too(tmp_path):
    pictures = load(20, 6, image_size=8)
    for _ in range(2):
        yardstick, (_, _, table, *_) = made(tmp_path, pictures)
        assert yardstick.row(table, ["ssim"]).columns["ssim"].isnan().all()


def test_a_run_s_five_measures_do_not_cost_the_others(tmp_path):
    yardstick, predictors = made(tmp_path)
    for predictor in predictors:
        assert set(yardstick.row(predictor, QUICK).columns) <= columns_of(QUICK)
    assert len(list(tmp_path.glob("floors-*.npy"))) == 1
    yardstick.row(predictors[0])
    assert len(list(tmp_path.glob("floors-*.npy"))) == 2
    assert set().union(*KEPT) == columns_of(MEASURES)
    assert set(KEPT[0]).isdisjoint(KEPT[1])


def test_a_network_is_measured_and_never_kept(tmp_path):
    yardstick, _ = made(tmp_path)
    for shift in (0.0, 5.0):
        network = torch.nn.Conv2d(1, 6, 1)
        torch.nn.init.constant_(network.weight, shift)
        rows = [yardstick.row(yardstick.model("look-up table", network)) for _ in range(2)]
        assert same(*rows)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["cut", "other", "bit", "names", "digest", "list"])
def test_a_damaged_entry_is_built_anew(tmp_path, damage, caplog):
    yardstick, predictors = made(tmp_path)
    before = [yardstick.row(predictor, QUICK) for predictor in predictors]
    (path,), (said,) = tmp_path.glob("*.npy"), tmp_path.glob("*.json")
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
        said.write_text("[]")
    else:
        said.write_text("{}")
    yardstick, predictors = made(tmp_path)
    assert all(same(yardstick.row(p, QUICK), row) for p, row in zip(predictors, before, strict=True))
    assert "damaged" in caplog.text
    caplog.clear()
    yardstick, predictors = made(tmp_path)
    yardstick.row(predictors[0], QUICK)
    assert not caplog.text


def test_what_decides_the_measures_decides_the_entry(tmp_path, monkeypatch):
    """Other pictures, another palette, another space, other objects, another version: each has an entry of its own."""
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
    for number, variant in enumerate(variants, start=1):
        for _ in range(2):
            yardstick, predictors = made(tmp_path, **{"pictures": pictures, **variant})
            yardstick.row(predictors[0], ["psnr"])
        assert len(list(tmp_path.glob("floors-*.npy"))) == number, variant
    monkeypatch.setattr(columns_cache, "VERSION", columns_cache.VERSION + 1)
    yardstick, predictors = made(tmp_path, pictures)
    yardstick.row(predictors[0], ["psnr"])
    assert len(list(tmp_path.glob("floors-*.npy"))) == len(variants) + 1


def test_threads_do_not_decide_the_measures():
    """So the entry's name does not hold their number: a job among others and ``evaluate`` share what was measured."""
    before, rows = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            yardstick, predictors = made(None)
            rows.append([yardstick.row(predictor) for predictor in predictors])
    finally:
        torch.set_num_threads(before)
    assert all(map(same, *rows))
