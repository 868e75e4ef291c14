"""Cases 4 and 36: two ranks that are interrupted at any steps, once, twice or three times, end in the same bits.

With ``--all`` 120 sequences: each of 24 steps once, 48 pairs and 48 triples, each signal to one rank or to both.
"""

import random

import pytest

from tests.faults.states import assert_identical
from tests.ranks import interrupted_at, settings, steps_of, together

pytestmark = pytest.mark.slow
STEPS, GROUP = 24, 12
TO = (0,), (1,), (0, 1)
WORDS = (
    "batch_size=4",
    "devices=2",
    "max_epochs=4",
    "sync_batchnorm=true",
    "ema=0.9",
    "scheduler=cosine",
    "augment=flips",
)


def sequences():
    """120 lists of a step and the ranks that get SIGTERM in it, shuffled, so that each group has all kinds."""
    rng = random.Random(0)
    found = [(step,) for step in range(STEPS)]
    found += [tuple(sorted(rng.sample(range(STEPS), length))) for length in (2, 3) for _ in range(48)]
    rng.shuffle(found)
    return [[(step, rng.choice(TO)) for step in steps] for steps in found]


def pytest_generate_tests(metafunc):
    metafunc.parametrize("group", range(120 // GROUP if metafunc.config.getoption("--all", default=False) else 1))


@pytest.mark.case(4, 36)
@pytest.mark.timeout(1200)
def test_two_ranks_interrupted_at_any_steps_end_in_the_same_bits(group, tmp_path, seen):
    own = settings(tmp_path / "cache", *WORDS)
    chosen = {tmp_path / str(number): each for number, each in enumerate(sequences()[group * GROUP :][:GROUP])}
    stops = {(str(folder), step): ranks for folder, each in chosen.items() for step, ranks in each}
    starts = [(own, folder) for folder, each in chosen.items() for _ in range(len(each) + 1)]
    together((own, tmp_path / "whole"), *starts, probe=interrupted_at, given=(stops,), seconds=1000)
    for folder in (tmp_path / "whole", *chosen):
        assert [steps_of(folder, rank) for rank in (0, 1)] == [list(range(STEPS))] * 2, chosen.get(folder)
        assert_identical(tmp_path / "whole", folder)
    seen(f"two ranks: {len(chosen)} of {len(chosen)} sequences")
