"""A report over runs with other pictures or other palettes."""

import re

import pytest

from tests.made_runs import run
from tests.reports import cells, made, written


def test_runs_on_other_pictures_are_not_compared_and_have_their_own_floors(tmp_path):
    made(tmp_path)
    run(tmp_path / "6", losses=(3.0, 0.5), batch_size=32, fingerprint="e" * 20, num_colours=8)
    _, text, _ = written(tmp_path)
    assert "Settings with other pictures or another palette are not comparable." in text
    assert "| look-up table (num_colours=8) |" in text
    assert "num_colours=8 | " not in text.partition("## Compared")[2].partition("## What varied")[0]


def test_palettes_of_two_sizes_and_two_spaces_are_named_by_both_and_have_a_chart_of_skill(tmp_path):
    places = [(number, space) for number in (8, 16) for space in ("lab", "rgb")]
    for job, (number, space) in enumerate(places):
        run(tmp_path / str(job), (2.0, 0.45), num_colours=number, colour_space=space, fingerprint=f"{job}" * 20)
    _, text, _ = written(tmp_path)
    for number, space in places:
        assert text.count(f"| look-up table (num_colours={number}, colour_space={space}) |") == 2  # losses, pictures
        assert cells(text, f"num_colours={number}, colour_space={space}")[5] == "0.500"
    assert "The last epoch's skill, against num_colours." in text
    assert "skill" not in written(made(tmp_path / "alike"))[1].partition("## Compared")[0].partition("![")[2]


@pytest.mark.usefixtures("no_charts")
def test_palettes_have_the_shortest_label_that_distinguishes_them_in_every_table(tmp_path):
    """28 settings; the first table shows the ten best. No override distinguishes one of the palettes."""
    places = [(k, space, lr) for k in (8, 16, 32) for space in ("lab", "rgb") for lr in (1, 2, 3, 4)]
    for job, (number, space, lr) in enumerate(places):
        mark = f"{number:02}{space}" * 4
        run(
            tmp_path / str(job), (2.0, 0.5 + job / 100), num_colours=number, colour_space=space, lr=lr, fingerprint=mark
        )
    for job, lr in enumerate((1, 2, 3, 4), 24):
        run(tmp_path / str(job), (2.0, 2.0), num_colours=8, colour_space="lab", lr=lr, fingerprint="e" * 20)
    _, text, _ = written(tmp_path)
    names = set(re.findall(r"look-up table \((.*?)\)", text))
    message = {
        f"num_colours={number}, colour_space={space}" for number, space, lr in places if (number, space) != (8, "lab")
    }
    assert names == {*message, "pictures 08lab08l", "pictures eeeeeeee"}


def test_a_palette_without_a_finished_run_has_no_chart_of_skill(tmp_path):
    run(made(tmp_path) / "6", (2.0,), num_colours=8, fingerprint="e" * 20, status="interrupted")
    assert "-final.svg" in written(tmp_path)[1] and "skill-final" not in written(tmp_path)[1]
