"""Runs on shards in a store: interrupted and resumed, evaluated, on two ranks, and side by side; with its faults."""

import os
import shlex
import shutil
import signal
from datetime import timedelta

import pytest

from colourize.data.shards import store as store_file
from tests.faults import probes
from tests.faults.processes import Process
from tests.faults.states import assert_identical, differences, saved, untimed_rows
from tests.stores import BUCKET, KEY, SECRET, boto3_client, upload

pytestmark = pytest.mark.slow
ROOT = f"data.root=s3://{BUCKET}/trained"
RUN = (
    "data=shards", "image_size=8", "num_filters=2", "num_colours=4", "batch_size=3", "max_epochs=3", "cache_dir=cache",
    "trainer.enable_progress_bar=false", "logger=none", "accelerator=cpu",
)  # fmt: skip
"""A run of 18 steps, six an epoch."""
FAULTS = ["503", "cut", "", "slow", "503", "", "cut", "cut", "", "503", "slow"]


def silent(seconds):
    store_file.SILENCE = seconds


def in_store(environment, then=None, *given):
    """The process's keys and the store's address; short pauses and few retries; then another probe."""
    os.environ.update(environment)
    store_file.FIRST_PAUSE = store_file.LONGEST_PAUSE = timedelta(milliseconds=2)
    store_file.RETRIES, store_file.SILENCE = 3, 2.0
    if then is not None:
        then(*given)


@pytest.fixture
def run(written, store, tmp_path):
    """Starts a command in ``tmp_path`` with the store's keys, and ``probe`` in its process."""
    upload(store, written, "trained")
    begun = []

    def begin(*words, probe=(), key=KEY, **settings):
        given = store.environment(key), *probe
        begun.append(Process(*words, cwd=tmp_path, probe=in_store, given=given, **settings))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()


def done(process):
    assert process.wait() == 0, process.stdout() + process.stderr()
    return process


def pasted(process):
    """The overrides of the command that an interrupted process printed."""
    (line,) = (line for line in process.stderr().splitlines() if "resume with: " in line)
    return shlex.split(line.partition("resume with: python train.py ")[2])


def stopped(process):
    assert process.wait() == 128 + signal.SIGTERM, process.stdout() + process.stderr()
    return pasted(process)


def fetched(store):
    """Names of the shards, once for each request that gave the whole."""
    return sorted(
        name for name, fault, sent in store.asked if name.endswith(".tar") and fault in ("", "slow") and not sent
    )


def forget(cache):
    """Deletes what a cache holds; it stays a cache, which a file may name."""
    for path in cache.glob("*.*"):
        if path.suffix in (".npy", ".json"):
            path.unlink()


def assert_no_key(folder):
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert SECRET.encode() not in content and f"={KEY}".encode() not in content, path


def test_an_interrupted_run_resumes_to_the_same_bits_with_the_printed_line(run, store, tmp_path):
    """The second start lacks the cache, as on another machine, and the store fails again."""
    done(run(*RUN, ROOT, "hydra.run.dir=whole"))
    forget(tmp_path / "cache")
    words = RUN
    for steps in (8, 14):
        store.faults[:] = FAULTS
        begun = run(*words, *(() if words is not RUN else (ROOT, "hydra.run.dir=broken")),
                    probe=(probes.signal_in_step, signal.SIGTERM, steps))  # fmt: skip
        words = stopped(begun)
        assert ROOT in words and not store.faults
        forget(tmp_path / "cache")
    assert differences(saved(tmp_path / "whole"), saved(tmp_path / "broken"))
    done(run(*words))
    assert_identical(tmp_path / "whole", tmp_path / "broken")
    assert_no_key(tmp_path)


def test_a_sweep_is_resumed_with_the_printed_line(run, tmp_path):
    probe = probes.signal_in_step, signal.SIGTERM, 8
    words = stopped(run(*RUN, ROOT, "-m", "lr=0.01,0.02", "hydra.sweep.dir=sweep", probe=probe))
    assert ROOT in words
    done(run(*words))
    assert sorted(path.name for path in (tmp_path / "sweep").iterdir() if path.is_dir()) == ["0", "1"]


def test_a_preparation_that_a_signal_ends_continues_with_the_printed_line(run, store, tmp_path):
    store.faults[:] = ["", "", "", "", "stalled"]
    begun = run(*RUN, ROOT, "hydra.run.dir=early", probe=(silent, 300.0))
    begun.wait_for(lambda: len(store.asked) >= 8 and not store.faults)
    begun.signal(signal.SIGTERM)
    assert begun.wait(50) == 128 + signal.SIGTERM  # it does not wait for the silent store
    words = pasted(begun)
    assert (tmp_path / "early").is_dir() and not (tmp_path / "early/checkpoints").exists()
    done(run(*words))
    shards = fetched(store)
    assert len(shards) >= 6 and len(set(shards)) == len(shards)  # the seventh may be continued where it ended


def test_two_ranks_fetch_each_shard_once_and_resume_to_the_bits_of_a_run_on_a_folder(run, written, store, tmp_path):
    shutil.copytree(written, tmp_path / "here")
    store.faults[:] = ["503", "slow"] * 4
    probe = probes.signal_in_step, signal.SIGTERM, 4
    words = stopped(run(*RUN, ROOT, "devices=2", "hydra.run.dir=two", probe=probe))
    assert fetched(store) == sorted(path.name for path in written.glob("*.tar"))
    done(run(*words))
    forget(tmp_path / "cache")
    done(run(*RUN, "data.root=here", "devices=2", "hydra.run.dir=plain"))
    found = differences(saved(tmp_path / "two"), saved(tmp_path / "plain"))
    assert [path for path in found if not path.startswith("/config")] == []
    assert untimed_rows(tmp_path / "two") == untimed_rows(tmp_path / "plain")


def test_of_two_runs_at_once_one_prepares_and_the_other_waits(run, store, written, tmp_path):
    store.faults[:] = ["slow"] * 9
    both = [run(*RUN, ROOT, f"hydra.run.dir={name}") for name in ("a", "b")]
    said = [done(process).stdout() for process in both]
    assert sum("another process prepares these shards" in text for text in said) == 1
    shards = [name for name, *_ in store.asked if name.endswith(".tar")]
    assert sorted(shards) == sorted(path.name for path in written.glob("*.tar"))
    assert_identical(tmp_path / "a", tmp_path / "b")


def test_a_killed_preparation_leaves_its_lock_free_and_whole_shards(run, store, tmp_path):
    store.faults[:] = ["", "", "", "", "", "stalled"]
    first = run(*RUN, ROOT, "hydra.run.dir=first", probe=(silent, 300.0))
    first.wait_for(lambda: len(store.asked) >= 8 and not store.faults)
    second = run(*RUN, ROOT, "hydra.run.dir=second")
    second.wait_for(lambda: "another process prepares" in second.stdout())
    first.signal(signal.SIGKILL)
    done(second)
    assert len(set(fetched(store))) == len(fetched(store))


def test_a_run_is_evaluated_with_its_address_typed_again(run, store, tmp_path):
    finished = done(run(*RUN, ROOT, "hydra.run.dir=run"))
    refused = run("run", verb="evaluate")
    assert refused.wait() == 1
    assert refused.stderr().count("\n") == 1 and f"{ROOT} is only in the file" in refused.stderr()
    (line,) = (line for line in finished.stdout().splitlines() if "colourize evaluate" in line)
    words = shlex.split(line.partition("colourize evaluate ")[2])
    forget(tmp_path / "cache")
    store.faults[:] = FAULTS
    figures = done(run(*words, verb="evaluate")).stdout()
    assert ROOT in words and "6 validation pictures" in figures and not store.faults
    again = done(run("run", f"data.root={store.http}/{BUCKET}/trained", verb="evaluate")).stdout()
    assert figures.splitlines()[-3:] == again.splitlines()[-3:]


def half_shard(store):
    client, name = boto3_client(store), "trained/train-00001.tar"
    content = client.get_object(Bucket=BUCKET, Key=name)["Body"].read()
    client.put_object(Bucket=BUCKET, Key=name, Body=content[: len(content) // 2], ACL="public-read")


REFUSED = {
    "no bucket": (lambda store: None, "data.root=s3://nothing/x", KEY, "the store has no bucket nothing"),
    "wrong key": (lambda store: setattr(store, "check_keys", True), ROOT, "wrong", "access (InvalidAccessKeyId)"),
    "half a shard": (half_shard, ROOT, KEY, "train-00001.tar has "),
    "503 forever": (lambda store: store.faults.append("503*"), ROOT, KEY, "503 Service Unavailable after 3 retries"),
    "cut forever": (lambda store: store.faults.append("cut*"), ROOT, KEY, "the connection broke after 3 retries"),
}  # fmt: skip


def test_a_list_of_runs_says_that_the_address_must_be_typed_but_not_which(run, tmp_path):
    """Anyone may have written the files of a run: a line to paste must not name an address from them."""
    stopped(run(*RUN, ROOT, "hydra.run.dir=run", probe=(probes.signal_in_step, signal.SIGTERM, 8)))
    said = done(run(".", verb="runs")).stdout()
    assert "resume with: python train.py resume=run data.root=ADDRESS\n" in said


@pytest.mark.parametrize(("fault", "devices"), [*((fault, 1) for fault in REFUSED), ("wrong key", 2)])
def test_a_store_that_cannot_be_read_is_one_line_and_leaves_nothing(run, store, tmp_path, fault, devices):
    change, root, key, said = REFUSED[fault]
    change(store)
    process = run(*RUN, root, f"devices={devices}", "hydra.run.dir=run", key=key)
    assert process.wait() == 1, process.stdout() + process.stderr()
    assert process.stderr().count("\n") == 1 and said in process.stderr()
    assert not list((tmp_path / "run").glob("checkpoints/*"))
    left = [path.name for path in (tmp_path / "cache").glob("*")] if (tmp_path / "cache").exists() else []
    assert not [name for name in left if name.startswith(("shards-", ".", "tmp")) and not name.endswith(".lock")]
    store.faults.clear()
    store.check_keys = False
