"""Three ranks; a run interrupted on two ranks and resumed on one or three."""

import pytest

from tests.faults.states import saved, untimed_rows
from tests.ranks import interrupted_at, settings, steps_of, together, trained

pytestmark = pytest.mark.slow
WORDS = "optimizer=sgd", "lr=0.1", "scheduler=cosine"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Runs with 12 pictures a step: on one process, on three ranks, and begun on two and ended on one and on three."""
    folder = tmp_path_factory.mktemp("ranks")

    def on(ranks, *words):
        return settings(folder / "cache", f"batch_size={12 // ranks}", f"devices={ranks}", *WORDS, *words, plain=True)

    trained(on(1), folder / "one")
    stops = {(str(folder / name), 5): (1,) for name in ("then-one", "then-three")}
    together(*((on(2), folder / name) for name in ("then-one", "then-three")), probe=interrupted_at, given=(stops,))
    trained(on(1), folder / "then-one")
    together(
        (on(3), folder / "then-three"), (on(3), folder / "three"), (on(3), folder / "again"), count=3,
        probe=interrupted_at, given=({(str(folder / "again"), 2): (2,)},),
    )  # fmt: skip
    together((on(3), folder / "again"), count=3)
    return folder


@pytest.mark.parametrize("name", ["three", "then-one", "then-three"])
def test_other_ranks_equal_one_process(home, name):
    one, other = (saved(home / each) for each in ("one", name))
    assert one["global_step"] == other["global_step"] == 8
    differences = [(one["state_dict"][key] - other["state_dict"][key]).abs().max() for key in one["state_dict"]]
    assert max(differences) < 1e-6
    for ours, theirs in zip(untimed_rows(home / "one"), untimed_rows(home / name), strict=True):
        assert [float(ours[key]) for key in ours] == pytest.approx([float(theirs[key]) for key in ours], abs=1e-6)


def test_they_were_interrupted_on_two_ranks(home):
    assert steps_of(home / "then-one", 0) == steps_of(home / "then-one", 1) == list(range(6))
    assert steps_of(home / "then-three", 0) == list(range(8)) and steps_of(home / "then-three", 2) == [6, 7]


def test_three_ranks_that_were_interrupted_end_in_the_same_bits(home):
    whole, again = (saved(home / name)["state_dict"] for name in ("three", "again"))
    assert all(whole[key].equal(again[key]) for key in whole)
