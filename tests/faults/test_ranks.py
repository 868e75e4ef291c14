"""Cases 35 and 36: two real processes train one run; one of them is killed, stopped, interrupted or fails."""

import signal
import time

import psutil
import pytest
from pytorch_lightning import Callback, LightningModule, Trainer

from colourize.training.distributed import collectives
from tests.faults.processes import SMALL
from tests.faults.states import assert_identical

pytestmark = pytest.mark.slow
RANKS = (*SMALL, "batch_size=2", "devices=2", "accelerator=cpu", "save_every=3")  # 4 pictures a step, 40 steps
WITHIN = 60  # seconds in which all ranks must have ended


class Fails(Callback):
    """Raises an error on some ranks in their sixth step."""

    def __init__(self, ranks: list[int]) -> None:
        self.ranks = ranks

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch, batch_idx):
        if collectives.rank() in self.ranks and batch_idx == 5:
            raise ValueError(f"rank {collectives.rank()} of the test fails")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("ranks")


@pytest.fixture
def ranks(start, home, cache):
    """Starts two ranks in the folder of a name."""
    return lambda name, *words, **how: start(*RANKS, cache, f"hydra.run.dir={name}", *words, cwd=home, **how)


@pytest.fixture(scope="module")
def whole(home):
    """The folder of an uninterrupted run; the first test that needs it trains it."""
    return home / "whole"


def interrupted(process, folder, ranks, signum):
    """Sends a signal to ranks once a checkpoint is there; returns the status of rank 0, with no rank left behind."""
    process.wait_for((folder / "checkpoints/last.ckpt").exists)
    (other,) = psutil.Process(process.pid).children()
    for rank in ranks:
        (other if rank else psutil.Process(process.pid)).send_signal(signum)
    begin = time.monotonic()
    status = process.wait(WITHIN)
    _, alive = psutil.wait_procs([other], timeout=max(0.1, WITHIN - (time.monotonic() - begin)))
    assert not alive
    return status


def assert_resumed(ranks, home, whole, name):
    """The same command ends in the same bits as an uninterrupted run."""
    if not whole.exists():
        assert ranks("whole").wait() == 0
    resumed = ranks(name)
    assert resumed.wait() == 0, resumed.stderr()
    assert_identical(whole, home / name)


@pytest.mark.case(35)
def test_35_a_killed_rank_ends_all_and_the_same_command_resumes(ranks, home, whole, seen):
    process = ranks("killed", fresh=True)
    assert interrupted(process, home / "killed", [1], signal.SIGKILL) == 1
    assert "colourize: rank 1 (process" in process.stderr() and "was killed by SIGKILL" in process.stderr()
    assert "Traceback" not in process.stderr()
    assert_resumed(ranks, home, whole, "killed")
    seen("rank 1 killed: exit 1, identical")


@pytest.mark.case(35)
def test_35_a_stopped_rank_ends_all(ranks, home, seen):
    process = ranks("stopped")
    assert interrupted(process, home / "stopped", [1], signal.SIGSTOP) == 1
    assert "colourize: rank 1" in process.stderr() and "Traceback" not in process.stderr()
    seen("rank 1 stopped: exit 1")


@pytest.mark.case(35)
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGSTOP])
def test_35_without_rank_0_no_other_is_left(ranks, home, signum, seen):
    process = ranks(f"first-{signum.name}")
    # the other rank ends rank 0, if it is stopped
    assert interrupted(process, home / f"first-{signum.name}", [0], signum) == -signal.SIGKILL
    seen(f"rank 0, {signum.name}: none left")


@pytest.mark.case(36)
@pytest.mark.parametrize(("to", "signum"), [([1], signal.SIGTERM), ([0], signal.SIGINT), ([0, 1], signal.SIGTERM)])
def test_36_a_signal_to_any_ranks_saves_and_ends_all(ranks, home, whole, to, signum, seen):
    name = f"signalled-{''.join(map(str, to))}"
    process = ranks(name)
    assert interrupted(process, home / name, to, signum) == 128 + signum
    assert f"{signum.name}, saved in epoch" in process.stderr()
    assert_resumed(ranks, home, whole, name)
    seen(f"{signum.name} to {to}: exit {128 + signum}, identical")


@pytest.mark.case(36)
@pytest.mark.parametrize("on", [[1], [0], [0, 1]])
def test_36_an_error_on_any_ranks_ends_all_and_is_shown(ranks, home, on, seen):
    words = "+callbacks.fails._target_=tests.faults.test_ranks.Fails", f"+callbacks.fails.ranks={on}".replace(" ", "")
    process = ranks(f"failed-{len(on)}-{on[0]}", *words)
    assert process.wait(WITHIN + 30) == 1
    assert f"rank {on[0]} of the test fails" in process.stderr()
    seen(f"error on {on}: shown, exit 1")
