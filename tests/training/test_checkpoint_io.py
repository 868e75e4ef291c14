"""A resumed run reads each checkpoint once."""

import signal
from collections import Counter

import pytest

from colourize.errors import Interrupted
from colourize.runs import archive, checkpoint
from colourize.tasks.chosen import train
from colourize.tasks.colourization.module import Colourizer
from colourize.training.checkpoint_io import CheckpointFiles


@pytest.fixture
def reads(monkeypatch):
    """How often each file was opened as a checkpoint."""
    counted, original = Counter(), archive.verified

    def verified(path):
        counted[path.name] += 1
        return original(path)

    monkeypatch.setattr(archive, "verified", verified)
    return counted


def test_a_resume_reads_last_and_best_once(quick, tmp_path, monkeypatch, reads):
    original = Colourizer.training_step

    def training_step(self, batch, batch_idx):
        if self.trainer.fit_loop.total_batch_idx == 4:
            signal.raise_signal(signal.SIGTERM)
        return original(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(Colourizer, "training_step", training_step)
        with pytest.raises(Interrupted):
            train(quick(), tmp_path / "run")
    assert not reads
    train(quick(), tmp_path / "run")
    assert reads == {"last.ckpt": 1, "best.ckpt": 1}


def test_a_fork_reads_its_checkpoint_once(quick, tmp_path, reads):
    train(quick("max_epochs=1"), tmp_path / "first")
    train(quick(f"ckpt_path={tmp_path / 'first/checkpoints/last.ckpt'}"), tmp_path / "second")
    assert reads == {"last.ckpt": 1}


def test_known_contents_are_returned_once(tmp_path):
    files, path = CheckpointFiles(), tmp_path / "last.ckpt"
    files.save_checkpoint({"config": {}, "state_dict": {}}, path)
    files.contents = {"known": True}
    assert files.load_checkpoint(path) == {"known": True}
    assert files.load_checkpoint(path) == checkpoint.read(path)
    files.remove_checkpoint(path)
    assert not path.exists()
