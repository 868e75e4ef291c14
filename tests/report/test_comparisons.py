"""Which settings are compared with each other."""

from itertools import combinations

from colourize.report.comparisons import MOST_PAIRS, compared
from colourize.report.records import read
from colourize.report.settings import grouped
from tests.made_runs import run


def pairs(folder):
    return [{each.first.label, each.second.label} for each in compared(grouped(read([folder])))[0]]


def test_a_network_is_compared_with_every_variant_of_another(tmp_path):
    run(tmp_path / "0", model="convtranspose.ConvTransposeNet")
    for job, skips in enumerate((["half"], ["full"], ["half", "full"]), 1):
        run(tmp_path / str(job), model="unet.UNet", skips=skips)
    found = pairs(tmp_path)
    names = {name for pair in found for name in pair}
    assert len(names) == 4
    assert sorted(map(sorted, found)) == sorted(map(sorted, combinations(sorted(names), 2)))


def test_settings_with_two_differences_are_compared_only_with_the_best(tmp_path):
    run(tmp_path / "0", kernel=3, lr=0.001)
    run(tmp_path / "1", losses=(2.0, 0.9), kernel=5, lr=0.01)
    run(tmp_path / "2", kernel=7, lr=0.1)
    assert [("kernel=5, lr=0.01" in pair) for pair in pairs(tmp_path)] == [True, True]


def test_if_there_are_many_pairs_each_is_compared_with_the_best(tmp_path):
    for job in range(8):
        run(tmp_path / str(job), losses=(2.0, 1 + abs(job - 5) / 10), kernel=job + 1)
    found = pairs(tmp_path)
    assert MOST_PAIRS < 8 * 7 / 2 and len(found) == 7
    assert all("kernel=6" in pair for pair in found)


def test_other_pictures_and_other_seeds_are_not_a_pair(tmp_path):
    run(tmp_path / "0", kernel=3, seed=0)
    run(tmp_path / "1", kernel=5, seed=1)
    run(tmp_path / "2", kernel=5, seed=0, fingerprint="e" * 20)
    assert pairs(tmp_path) == []
