"""Cases 15, 16 and 21: an interrupted save leaves the earlier files; the epochs of last.ckpt and best.ckpt."""

import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from colourize.runs import checkpoint
from colourize.tasks.chosen import train
from colourize.tasks.colourization.module import Colourizer
from colourize.training.resumption import Resumption
from tests.faults import probes_files
from tests.faults.processes import forked
from tests.faults.states import assert_identical, litter, saved


def number_in(file):
    """The number of the checkpoint, equal to every weight of an undamaged file."""
    contents = checkpoint.read(file)
    number = contents["config"]["seed"]
    assert len(contents["state_dict"]) == 20
    assert all((weight == number).all() for weight in contents["state_dict"].values())
    return number


def next_run_begins(folder):
    Resumption(folder, None, 0, 1).setup(None, None, "fit")


def kill_while_saving(folder, done, kills, temporary=None):
    """Kills processes that save into a folder at random instants; returns how often a partial file was left.

    After each kill the folder contains the last saved checkpoint or the next one.
    """
    instants, torn, number = random.Random(0), 0, 0
    for _ in range(kills):
        before = number
        process = forked(
            probes_files.save_for_ever, str(folder / "last.ckpt"), str(done), before + 1, temporary and str(temporary)
        )
        while not (done.exists() and int(done.read_text() or 0) > before):
            assert process.is_alive()
            time.sleep(0.001)
        time.sleep(instants.uniform(0, 0.05))
        process.kill()
        process.join()
        torn += bool(litter(folder))
        number = number_in(checkpoint.newest(folder)[0])
        assert number in (int(done.read_text()), int(done.read_text()) + 1)
    return torn


@pytest.mark.case(15)
def test_15_after_a_kill_at_any_instant_of_a_save_the_earlier_or_the_new_file_loads(tmp_path, seen):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    torn = kill_while_saving(folder, tmp_path / "done", 24)
    assert torn > 0
    next_run_begins(folder)
    assert litter(folder) == []
    seen(f"24 of 24 random kills survived, {torn} of them in the middle of a file")


@pytest.mark.case(15)
@pytest.mark.parametrize("links", [True, False])
def test_15_after_a_kill_before_any_file_operation_the_earlier_or_the_new_file_loads(tmp_path, seen, links):
    """Without hard links, as on some network file systems, last.ckpt is missing for an instant."""
    found, absent = [], 0
    while True:
        folder = tmp_path / f"{len(found)}"
        folder.mkdir()
        last = folder / "last.ckpt"
        process = forked(probes_files.killed_at_operation, str(last), len(found), links)
        process.join(60)
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        absent += not last.exists()
        found.append(number_in(checkpoint.newest(folder)[0]))
        next_run_begins(folder)
        assert litter(folder) == []
    assert found == sorted(found) and set(found) == {2, 3}
    assert absent == (0 if links else 1)
    seen(f"{len(found)} of {len(found)} operations {'with' if links else 'without'} links")


@pytest.mark.case(15)
def test_15_a_run_killed_while_saving_is_resumed_to_the_same_bits(run, resume, whole, tmp_path, seen):
    folder = tmp_path / "killed/checkpoints"
    assert run("killed", "save_every=3", probe=probes_files.kill_on_sync, given=(5,)).wait() == -signal.SIGKILL
    assert len(litter(folder)) == 1
    before = saved(folder.parent)["global_step"]
    assert resume("killed").wait() == 0
    assert litter(folder) == []
    assert_identical(whole, folder.parent)
    seen(f"a run killed in the save after step {before}: identical, no litter")


@pytest.mark.case(16)
def test_16_another_file_system_for_temporary_files_is_not_used(tmp_path, seen):
    places = [Path(place) for place in ("/dev/shm", "/tmp", Path.home()) if os.access(place, os.W_OK)]
    other = next((place for place in places if place.stat().st_dev != tmp_path.stat().st_dev), None)
    if other is None:
        pytest.skip("there is no second file system at /dev/shm, /tmp or ~")
    temporary = other / f"colourize-{os.getpid()}"
    temporary.mkdir()
    try:
        folder = tmp_path / "checkpoints"
        folder.mkdir()
        torn = kill_while_saving(folder, tmp_path / "done", 24, temporary)
        assert torn > 0
        assert list(temporary.iterdir()) == []
        next_run_begins(folder)
        assert litter(folder) == []
    finally:
        shutil.rmtree(temporary)
    seen(f"24 of 24 random kills survived, {torn} in the middle of a file, nothing in $TMPDIR={other}/...")


@pytest.mark.case(21)
def test_21_the_last_checkpoint_is_the_last_epoch_even_if_the_best_came_before(quick, tmp_path, seen):
    train(quick("optimizer=sgd", "lr=1e-30", "max_epochs=3"), tmp_path)  # only batch norm's statistics improve
    last, best = (saved(tmp_path, name)["epoch"] for name in ("last", "best"))
    assert last == 2
    seen(f"last is epoch {last + 1} of 3, best {best + 1}")


@pytest.mark.case(21)
def test_21_a_rising_loss_does_not_change_the_best_checkpoint(quick, tmp_path, monkeypatch, seen):
    def worse(self):
        measured = {"val/loss": float(self.current_epoch), "val/accuracy": 0.0, "val/skill": 0.0}
        self.log_dict(measured, logger=False)

    monkeypatch.setattr(Colourizer, "on_validation_epoch_end", worse)
    train(quick("max_epochs=3"), tmp_path)
    assert [saved(tmp_path, name)["epoch"] for name in ("best", "last")] == [0, 2]
    seen("with a loss that only rises: best 1, last 3")
