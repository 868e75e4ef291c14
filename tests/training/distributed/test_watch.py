"""Which rank is to blame for a connection that broke, where the watch has not found it in time."""

import time
from dataclasses import replace

import pytest
import torch.distributed as dist

from colourize.training.distributed import member, watch
from colourize.training.distributed.place import Place
from colourize.training.distributed.watch import RankError, Watch

PLACE = Place(0, 3, 0, 1, "127.0.0.1", 1)


def test_the_rank_without_a_beat_for_longest_is_the_suspect():
    now = time.monotonic()
    guard = Watch(dist.HashStore(), PLACE)
    assert guard.suspect() == {}
    guard.beats = {1: (b"7", now), 2: (b"5", now - watch.OVERDUE / 2)}
    assert guard.suspect() == {}
    guard.beats[2] = b"5", now - 9
    assert guard.suspect() == {"rank": 2, "line": "has not answered for 9 s"}


def test_a_rank_that_is_killed_at_once_is_missed():
    store = dist.HashStore()
    lost, guard = Watch(store, replace(PLACE, rank=1)), Watch(store, PLACE)
    lost.run = lambda: None  # killed before its thread did anything
    lost.start()
    assert [guard._look(float(now)) for now in range(0, int(watch.SILENT) + 1, 5)] == [{}] * 5
    assert guard._look(watch.SILENT + 1) == {"rank": 1, "line": "has not answered for 20 s"}


def test_a_broken_connection_names_the_suspect_if_the_watch_was_too_slow(monkeypatch):
    monkeypatch.setattr(watch, "SILENT", -8.0)  # the wait for the watch is over at once
    monkeypatch.setattr(Watch, "start", lambda self: self.beats.update({2: (b"5", time.monotonic() - 9)}))
    monkeypatch.setattr(member, "_meet", lambda *given: (_ for _ in ()).throw(RuntimeError("Connection reset by peer")))
    with (
        pytest.raises(RankError, match=r"^rank 2 has not answered for 9 s; earlier checkpoints are intact"),
        member.joined(PLACE, dist.HashStore(), {"accelerator": "cpu"}),
    ):
        pytest.fail("not reached")
