"""Cases 11 to 14: the output of a resumed run, and the folders that can be resumed."""

import signal
import socket

import pytest

from colourize.runs import manifest, resume, run_folder
from tests.faults import probes
from tests.faults.states import assert_identical, differences, saved, untimed_rows

IGNORED = {
    "lr=0.5": "trained with lr=0.001, not 0.5; pass lr=0.001",
    "batch_size=5": "trained with batch_size=4, not 5; pass batch_size=4",
    "model=unet": "trained with model=convtranspose, not unet; pass model=convtranspose",
    "kernel=5": "trained with kernel=3, not 5; pass kernel=3",
    "seed=7": "trained with seed=0, not 7; pass seed=0",
    "data.num_train=44": "trained with data.num_train=40, not 44",
}
REFUSED = {
    "max_epochs=1": "killed/checkpoints/last.ckpt is 3 batches into epoch 3; pass max_epochs=3 or more",
    "accelerator=gpu": "pass accelerator=cpu or auto",
    "trainer.limit_train_batches=5": "trained with trainer.limit_train_batches=null, not 5",
    "model=unet": "trained with model=convtranspose, not unet",
}


@pytest.mark.case(11)
def test_11_a_change_that_would_be_ignored_is_refused(run, resume, tmp_path, seen):
    assert run("stopped", probe=probes.signal_in_step, given=(signal.SIGTERM, 3)).wait() == 143
    before = saved(tmp_path / "stopped")
    for word, message in IGNORED.items():
        for begin in (resume, run):
            again = begin("stopped", word)
            assert again.wait() == 1
            assert message in again.stderr()
            assert again.stderr().count("\n") == 1
        assert differences(before, saved(tmp_path / "stopped")) == []
    seen(f"{', '.join(IGNORED)} refused")


@pytest.mark.case(11)
def test_11_a_change_that_takes_effect_is_named(run, resume, tmp_path, seen):
    assert run("whole", "max_epochs=5").wait() == 0
    assert run("stopped", probe=probes.signal_in_step, given=(signal.SIGTERM, 3)).wait() == 143
    longer = resume("stopped", "max_epochs=5")
    assert longer.wait() == 0
    assert "stopped was trained with max_epochs=4; it is resumed with 5" in longer.stdout()
    assert_identical_but_configuration(tmp_path / "whole", tmp_path / "stopped")
    seen("max_epochs named, identical to a run of that length")


def assert_identical_but_configuration(first, second):
    found = differences(saved(first), saved(second))
    assert [path for path in found if not path.startswith("/config")] == []
    assert untimed_rows(first) == untimed_rows(second)


@pytest.mark.case(11)
def test_11_a_refused_start_leaves_the_folder_unchanged(run, resume, whole, tmp_path, seen):
    assert run("killed", probe=probes.signal_in_step, given=(signal.SIGTERM, 22)).wait() == 143
    files = [tmp_path / "killed" / name for name in ("run.json", ".hydra/config.yaml", ".hydra/overrides.yaml")]
    before = [file.read_bytes() for file in files]
    for word, message in REFUSED.items():
        refused = resume("killed", word)
        assert refused.wait() == 1
        assert message in refused.stderr() and refused.stderr().count("\n") == 1
        assert [file.read_bytes() for file in files] == before
    assert resume("killed").wait() == 0
    assert_identical(whole, tmp_path / "killed")
    seen(f"{', '.join(REFUSED)} refused, run.json and .hydra as before")


@pytest.mark.case(12)
def test_12_with_another_environment_it_is_resumed_and_warns_that_bits_may_differ(run, resume, tmp_path, seen):
    assert run("stopped", probe=probes.signal_in_step, given=(signal.SIGTERM, 3)).wait() == 143
    folder = tmp_path / "stopped"
    environment = manifest.read(folder)["environment"]
    assert {"torch", "python", "threads", "device", "machine"} <= environment.keys()
    manifest.update(folder, environment={**environment, "torch": "1.0", "device": "cuda:0"})
    again = resume("stopped", probe=probes.threads, given=(2,))
    assert again.wait() == 0
    for word in (f"torch 1.0, now {environment['torch']}", "device cuda:0, now cpu", "threads 1, now 2"):
        assert word in again.stdout()
    assert "the bits may differ" in again.stdout()
    seen("threads, version and device named; resumes")


@pytest.mark.case(13)
def test_13_a_missing_run_is_an_error_and_a_run_without_checkpoint_starts_again(run, resume, whole, tmp_path, seen):
    (tmp_path / "empty").mkdir()
    for name, lack in (("missing", "does not exist"), ("empty", "contains no run or sweep")):
        lost = resume(name)
        assert lost.wait() == 1
        remedy = "pass the folder of a run or a sweep: colourize runs lists them"
        assert lost.stderr() == f"colourize: resume={name} {lack}; {remedy}\n"
    assert not (tmp_path / "missing").exists()
    assert run("killed", probe=probes.kill_in_step, given=(3,)).wait() == -signal.SIGKILL
    again = resume("killed")
    assert again.wait() == 0
    assert "killed: no checkpoint to resume from, the run starts from the beginning" in again.stdout()
    assert_identical(whole, tmp_path / "killed")
    seen("no folder, empty folder: exit 1; killed before the first save: said, identical")


SOON = signal.SIGTERM, *range(1000)


@pytest.mark.case(13)
def test_13_a_run_that_cannot_be_resumed_is_reported(run, resume, tmp_path, seen):
    assert run("mine").wait() == 0
    again = resume("mine")
    assert again.wait() == 0
    assert "is finished: nothing to do" in again.stdout()
    for folder, words, message in (
        ("mine/checkpoints/last.ckpt", [], "is a file; pass the folder of a run"),
        ("mine", ["hydra.run.dir=other"], "decides the folder and the mode; leave out hydra.run.dir=other"),
        ("mine", ["--multirun"], "decides the folder and the mode; leave out --multirun"),
    ):
        refused = resume(folder, *words)
        assert refused.wait() == 1
        assert message in refused.stderr() and refused.stderr().count("\n") == 1
    (tmp_path / "mine/run.json").write_text('{"status": "inter')
    damaged = resume("mine")
    assert damaged.wait() == 1
    assert "mine contains checkpoints, but no run.json with the overrides of the run" in damaged.stderr()
    assert run("mine").wait() == 0  # the same command in the same folder: nothing is lost
    assert manifest.read(tmp_path / "mine")["status"] == "finished"
    seen("a file, another folder beside it, a damaged run.json: one line each")


@pytest.mark.case(13)
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL])
def test_13_a_run_that_ended_during_its_imports_can_be_resumed(run, resume, whole, tmp_path, seen, signum):
    status = -signum if signum == signal.SIGKILL else 128 + signum
    assert run("early", probe=probes.signal_before_the_imports, given=(signum,)).wait() == status
    assert run_folder.state(tmp_path / "early") == ("killed" if signum == signal.SIGKILL else "interrupted")
    assert resume("early").wait() == 0
    assert_identical(whole, tmp_path / "early")
    seen(f"{signum.name} before the first import: resumed")


@pytest.mark.case(13)
@pytest.mark.parametrize("name", ["a b", "a'b", "a\\b", "ends\\", "a=b,c", "ü$[x]", "a/../b"])
def test_13_any_name_of_a_folder_can_be_resumed(tmp_path, monkeypatch, name):
    from hydra.core.override_parser.overrides_parser import OverridesParser

    folder = tmp_path / name
    folder.mkdir(parents=True)
    manifest.write(folder, overrides=["seed=1"])
    words = resume.resumed([f"resume={folder}"])
    (place,) = [word for word in words if word.startswith("hydra.run.dir=")]
    assert OverridesParser.create().parse_override(place).value() == str(folder.absolute())


@pytest.mark.case(14)
def test_14_a_folder_in_use_is_refused_and_that_of_a_dead_process_is_taken_over(run, resume, whole, tmp_path, seen):
    first = run("shared", "max_epochs=100000")
    first.wait_for(lambda: (tmp_path / "shared/checkpoints/last.ckpt").exists())
    assert run_folder.state(tmp_path / "shared") == "running"
    second = resume("shared")
    assert second.wait() == 1
    assert f"is in use by process {first.pid} on {socket.gethostname()}" in second.stderr()
    assert second.stderr().count("\n") == 1
    first.signal(signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    assert run_folder.state(tmp_path / "shared") == "killed"
    assert run("shared", "max_epochs=100000", probe=probes.signal_in_step, given=SOON).wait() == 143
    seen("second start: exit 1 with pid and host; after kill -9: taken over")
