"""The cost model: closed forms, limits, and the recovery of known figures; the page shows what was measured."""

import json
import math
from dataclasses import replace
from fractions import Fraction

import pytest

from benchmarks import costs, scaling
from benchmarks.costs import Costs, all_reduce, efficiency, epoch_price, epoch_seconds, fitted, step_seconds
from benchmarks.turns import ROOT
from colourize.data.shards import source

ONE = Costs(step=0.02, batch=100, gradients=4e6, bandwidth=1e9, latency=1e-5, price=3.6)


def ring(ranks, size):
    """Bytes that each rank sends, message by message: W - 1 to sum the parts, W - 1 to spread the sums."""
    parts = Fraction(size, ranks)
    return sum(parts for _ in range(ranks - 1)) + sum(parts for _ in range(ranks - 1))


@pytest.mark.parametrize("ranks", [1, 2, 3, 8, 512])
def test_the_all_reduce_takes_the_bytes_and_messages_of_a_ring(ranks):
    assert all_reduce(ranks, 1000, 10.0) == pytest.approx(float(ring(ranks, 1000)) / 10)
    assert all_reduce(ranks, 0, 1.0, latency=0.5) == ranks - 1


def test_one_rank_has_no_all_reduce_and_many_send_their_bytes_twice():
    assert step_seconds(ONE, 1) == ONE.step and efficiency(ONE, 1) == 1
    endless = replace(ONE, latency=0)
    assert step_seconds(endless, 10**9) == pytest.approx(ONE.step + 2 * ONE.gradients / ONE.bandwidth)
    times = [step_seconds(ONE, ranks) for ranks in range(1, 50)]
    assert times == sorted(times)


def test_a_hidden_all_reduce_costs_nothing_and_a_slow_reader_decides():
    assert step_seconds(replace(ONE, overlap=1.0), 64) == ONE.step
    assert step_seconds(replace(ONE, reader=1000.0), 64) == 0.1
    assert step_seconds(replace(ONE, reader=1e9), 64) == step_seconds(ONE, 64)


def test_an_epoch_has_whole_steps_and_without_communication_its_price_does_not_depend_on_the_ranks():
    assert epoch_seconds(ONE, 2, 201) == 2 * step_seconds(ONE, 2)
    free = replace(ONE, gradients=0, latency=0)
    assert epoch_price(free, 1, 6400) == pytest.approx(epoch_price(free, 64, 6400))
    assert epoch_price(free, 1, 6400) == pytest.approx(64 * 0.02 * 0.001)


@pytest.mark.parametrize(("latency", "bandwidth"), [(2e-4, 5e8), (0.0, 1e9), (1e-3, math.inf)])
def test_known_figures_are_recovered_from_steps(latency, bandwidth):
    sizes = {"small": (0.01, 1e5), "middle": (0.03, 1e6), "large": (0.1, 8e6)}
    rows = [
        {"name": name, "ranks": ranks, "bytes": size, "seconds": step + all_reduce(ranks, size, bandwidth, latency)}
        for name, (step, size) in sizes.items()
        for ranks in (1, 2, 4)
    ]
    found = fitted(rows)
    assert found.latency == pytest.approx(latency, abs=1e-9)
    assert 1 / found.bandwidth == pytest.approx(1 / bandwidth, abs=1e-13)
    assert found.steps == pytest.approx({name: step for name, (step, _) in sizes.items()})
    assert found.residual < 1e-6


def test_one_size_cannot_tell_latency_from_bandwidth():
    with pytest.raises(ValueError, match="two networks of different size"):
        fitted([{"name": "a", "ranks": ranks, "bytes": 1, "seconds": 1} for ranks in (1, 2)])


def test_the_printed_projection_names_its_assumptions(capsys):
    words = "--step 0.012 --weights 31.0M --batch 256 --bandwidth 25 --price 3.5 --gpus 8,64,512 --pictures 100e6"
    costs.main(words.split())
    printed = capsys.readouterr().out
    for said in ("Projection, not measured", "12 ms", "256 pictures", "124.0 MB", "25 GB/s", "3.5 for a GPU's hour"):
        assert said in printed
    assert [line.split()[1] for line in printed.splitlines()[-3:]] == ["8", "64", "512"]
    step = 0.012 + 2 * 7 / 8 * 124e6 / 25e9
    assert f"| {1000 * step:.2f} | {8 * 256 / step:,.0f} |" in printed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "pass --step --weights --batch --bandwidth: your own numbers"),
        ("--step 1 --weights 1M --batch 8", "pass --bandwidth"),
        ("--step 1 --weights 1M --batch 8 --bandwidth 1 --price -1", "must be >= 0"),
    ],
)
def test_missing_and_bad_numbers_are_one_line(words, said):
    with pytest.raises(SystemExit, match=said) as caught:
        costs.main(words.split())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("word", ["--step=0", "--step=nan", "--weights=x", "--gpus=0", "--gpus=1.5", "--overlap=2"])
def test_a_number_out_of_its_range_is_named(word, capsys):
    with pytest.raises(SystemExit):
        costs.main([word])
    assert f"got {word.partition('=')[2]}" in capsys.readouterr().err


def test_the_page_shows_the_projections_of_its_commands(capsys):
    page = (ROOT / "docs/scaling.md").read_text()
    commands = [line for line in page.splitlines() if line.startswith("python benchmarks/costs.py --step")]
    assert len(commands) == 2
    for command in commands:
        costs.main(command.split()[2:])
        assert all(part.strip() in page for part in capsys.readouterr().out.split("\n\n"))


def test_the_drawn_shards_of_the_measurement_are_read_each_picture_once(tmp_path, monkeypatch):
    monkeypatch.setattr(scaling, "DISTINCT", 20)
    scaling._write_shards(tmp_path / "shards", 100, 30)
    pictures = source.load(tmp_path / "shards", cache_dir=tmp_path / "cache")
    assert len(pictures.train) == 100 and len(pictures.validation) == 2
    assert len({picture.numpy().tobytes() for picture in pictures.train}) == 20


@pytest.mark.parametrize(("words", "said"), [(["x"], "unknown section x; pass some of"), (["--repeats=0"], "got 0")])
def test_a_section_that_does_not_exist_is_one_line(words, said):
    with pytest.raises(SystemExit, match=said):
        scaling.main(words)


def test_the_page_shows_the_measured_figures():
    page = (ROOT / "docs/scaling.md").read_text()
    assert all(part in page for part in costs.measured_lines(json.loads(costs.MEASURED.read_text())))
