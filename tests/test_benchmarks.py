"""The benchmarks: both sides do the same work, and the arithmetic is correct."""

import copy
import json
import re

import numpy as np
import pytest
import torch

from benchmarks import average, large, photographs, plain_loop
from benchmarks.pages import summary, tables
from benchmarks.report import exponent, interleaved, picked, row
from benchmarks.run import main
from benchmarks.sections import SECTIONS, _parts
from benchmarks.turns import ROOT, contestants
from colourize.colour.palette import quantize
from colourize.config.instantiate import instantiate
from colourize.data.scenes import load
from colourize.model import Model
from colourize.tasks.colourization.module import Colourizer
from tests.colour_data import colour_data
from tests.conftest import TINY, knobs

COURSE = "poolupsample", "convtranspose", "unet"


@pytest.mark.parametrize("model", COURSE)
def test_ten_steps_of_the_plain_loop_and_of_ours_have_the_same_losses(model, tmp_path):
    """Same weights, same pictures in the same order; SGD, because Adam divides rounding errors by their own size."""
    pictures = load(100, 6)
    data = colour_data(pictures, tmp_path)
    palette = data.pictures.palette
    torch.manual_seed(0)
    module = Colourizer(Model(instantiate(knobs(f"model={model}")["model"]), palette), {})
    plain = plain_loop.Network(model)
    plain.load_state_dict(copy.deepcopy(module.model.network.state_dict()))
    training, validation = (
        plain_loop.arrays(split.numpy(), palette.numpy()) for split in (pictures.train, pictures.validation)
    )
    by_hand = plain_loop.train_epoch(plain, torch.optim.SGD(plain.parameters(), lr=0.01), training, 10)
    optimizer, ours = torch.optim.SGD(module.parameters(), lr=0.01, fused=True), []
    for number, part in enumerate(torch.arange(100).split(10)):
        optimizer.zero_grad()
        loss = module.training_step(data.train[part], number)["loss"]
        loss.backward()
        optimizer.step()
        ours.append(loss.item())
    assert by_hand == pytest.approx(ours, abs=1e-5)
    expected = plain_loop.validate(plain, validation, 4)
    module.eval().log_dict = module.log = lambda *values, **named: shown.update(values[0]) if len(values) == 1 else None
    shown = {}
    module.on_validation_epoch_start()
    with torch.no_grad():
        for number, part in enumerate(torch.arange(6).split(3)):
            module.validation_step(data.validation[part], number)
    module.on_validation_epoch_end()
    assert shown["val/accuracy"] == pytest.approx(expected[1], abs=1e-3)


def test_the_labels_equal_those_of_the_course():
    images = load(105, 2).train
    palette = torch.rand(7, 3)
    expected = plain_loop.nearest_colours(images.numpy(), palette.numpy())[:, 0]
    np.testing.assert_array_equal(quantize(images, palette).numpy(), expected)


def test_a_row_contains_medians_and_the_ratio_of_neighbours():
    seconds = {"slow": iter([9.0, 2.0, 4.0, 8.0]), "fast": iter([9.0, 1.0, 1.0, 2.0])}
    times = interleaved({name: values.__next__ for name, values in seconds.items()}, 3)
    entry = row("x", times, 1000, "ms")
    assert (entry["slow"]["median"], entry["fast"]["median"]) == (4000, 1000)
    assert entry["slow / fast"] == {"median": 4.0, "range": [2.0, 4.0]}


def test_the_exponent_of_a_power_law_is_found():
    sizes = [8, 24, 72, 313]
    assert exponent(sizes, [3 * size**1.25 for size in sizes]) == pytest.approx(1.25)


@pytest.mark.slow
def test_contestants_take_turns_in_their_own_processes(tmp_path):
    words = [*TINY, "batch_size=8", f"cache_dir={tmp_path}"]
    targets = {name: [f"contestants.{name}_epoch", *words] for name in ("colourize", "limit")}
    with contestants(targets) as started:
        assert len({contestant.process.pid for contestant in started.values()}) == 2
        values = interleaved(started, 1)
    steps = picked(values, "step")
    assert all(0 < steps[name][0] <= values[name][0]["epoch"] for name in targets)


@pytest.mark.slow
def test_a_contestant_that_cannot_be_built_ends_the_run_in_one_line(capfd):
    with (
        pytest.raises(SystemExit, match=r"colourize_epoch kernel=0 ended with status 1"),
        contestants({"x": ["contestants.colourize_epoch", "kernel=0"]}),
    ):
        pass


def test_tables_contain_medians_with_their_spread_in_the_order_of_the_rows():
    times = {"slow": [1.0, 2.0, 4.0], "fast": [0.5, 0.5, 0.5]}
    (table,) = tables([row("x", times), row("y", times)])
    assert table.splitlines() == [
        "| | slow | fast | slow / fast |",
        "|---|--:|--:|--:|",
        "| x (s) | 2.00 (1.00 to 4.00) | 0.500 (0.500 to 0.500) | 4.00 (2.00 to 8.00) |",
        "| y (s) | 2.00 (1.00 to 4.00) | 0.500 (0.500 to 0.500) | 4.00 (2.00 to 8.00) |",
    ]


def test_the_pages_show_the_measured_figures():
    files = [json.loads(file.read_text()) for file in sorted((ROOT / "benchmarks/results").glob("*.json"))]
    measured = {name: rows for results in files for name, rows in results.items() if name in SECTIONS}
    page = (ROOT / "docs/speed.md").read_text()
    assert summary(measured) in page
    for section, rows in measured.items():
        assert all(table in page for table in tables(rows)), section
    (missing,) = re.findall(r"Not measured: any GPU(?:, (.*?))?\.$", page, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", missing)) == SECTIONS.keys() - measured.keys()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nosuch"], "unknown section nosuch; pass some of step"),
        (["data", "kernel=5"], "data take no kernel=5"),
        (["large"], "large requires photographs; pass --pictures DIR"),
        (["step", "--repeats", "0"], "--repeats 0 must be >= 1"),
        (["step", "--json", "nowhere/x.json"], "there is no folder nowhere"),
    ],
)
def test_bad_input_is_one_line(words, message):
    with pytest.raises(SystemExit, match=message):
        main(words)


def test_every_section_has_a_description():
    assert all(section.__doc__ for section in SECTIONS.values())


def test_a_photograph_s_parts_are_set_against_decoding_and_the_network():
    turns = [
        {"whole": 6.0, "decode": 1.0, "network": 2.0, "upsampling": 2.5, "encode": 0.5, "peak MB": mb} for mb in (9, 7)
    ]
    parts = _parts("12 megapixels", turns)
    assert parts["whole / decode + network"]["median"] == 2
    assert (parts["upsampling"]["median"], parts["encode"]["median"], parts["peak MB"]) == (2.5, 0.5, 9)


def test_the_parts_of_a_photograph_add_up_to_its_time_and_small_files_are_counted():
    one = photographs.one("shipped", "0.02", "1")
    one()
    figures = one()
    assert all(figures[part] > 0 for part in ("whole", "decode", "network", "encode", "peak MB"))
    assert photographs.files("shipped", "2", "1")() > 0 and photographs.alone("shipped", "2")() > 0


@pytest.mark.slow
def test_a_command_takes_longer_than_a_job_with_a_loaded_network():
    seconds = photographs.command("shipped", "0.02")()
    assert 0 < seconds["warm"] < seconds["cold"]


@pytest.mark.filterwarnings("ignore")  # as in a contestant's own process: Lightning's advice
def test_on_large_pictures_both_sides_train_and_the_labels_are_the_nearest_colours(picture_folder):
    for contestant in (large.colourize, large.image_folder):
        assert contestant(str(picture_folder), "32", "4", "2")()["picture"] > 0
    palette = torch.rand(5, 3)
    images = torch.rand(2, 3, 4, 6)
    levels = (images.permute(0, 2, 3, 1) * 256).to(torch.uint8)
    same = large.nearest(levels.permute(0, 3, 1, 2) / 256, palette) == quantize(levels, palette)
    assert same.all()


@pytest.mark.parametrize(("more", "said"), [([], "nowhere.ckpt"), (["--share", "2"], r"must be in \[0, 1\], got 2")])
def test_checkpoints_that_cannot_be_averaged_are_one_line(more, said, monkeypatch, tmp_path):
    monkeypatch.setattr("sys.argv", ["average.py", "nowhere.ckpt", "nowhere.ckpt", str(tmp_path / "x.ckpt"), *more])
    with pytest.raises(SystemExit, match=rf"^average: [^\n]*{said}[^\n]*$"):
        average.main()
    assert not list(tmp_path.iterdir())
