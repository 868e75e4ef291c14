"""Case 37 for ``colourize prepare``: kills and signals."""

import signal

import pytest

from tests.faults import probes_photos as probes
from tests.faults.processes import assert_a_second_signal_ends
from tests.textured import save, textured


@pytest.fixture
def prepare(start, tmp_path):
    """Begins ``colourize prepare`` on six pictures, in a process of its own."""
    for seed in range(6):
        save(textured(seed), tmp_path / f"in/{seed}.png")
    words = "in", "-o", "out", "--side", "24", "--jobs", "1"
    return lambda **settings: start(*words, cwd=tmp_path, verb="prepare", **settings)


@pytest.mark.case(37)
@pytest.mark.parametrize("number", [1, 9])  # prepared.json, samples.png
def test_37_what_a_kill_left_of_a_preparation_is_removed_by_the_next_one(prepare, tmp_path, number, seen):
    assert prepare(probe=probes.killed, given=(number,)).wait() == -signal.SIGKILL
    assert list(tmp_path.rglob("out/**/.*.tmp"))
    again = prepare()
    assert again.wait() == 0, again.stderr()
    assert "6 of 6 picture files are kept" in again.stdout()
    assert [path.name for path in tmp_path.rglob("out/**/.*")] == [".lock"]
    seen("prepare: what a kill left is removed by the next command")


@pytest.mark.case(37)
def test_37_a_second_signal_ends_a_preparation_at_once(prepare, tmp_path, seen):
    process = prepare(probe=probes.stuck, given=(str(tmp_path / "begun"),))
    assert_a_second_signal_ends(process, tmp_path / "begun", signal.SIGINT)
    seen("a second signal in a picture of prepare that takes an hour: exit 143 at once, one line")
