"""Cases 1 to 14: the same bits after any interruption."""

import csv
import re
import signal
import socket

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from colourize import manifest, runfolder
from tests.faults import probes
from tests.faults.states import assert_identical, differences, rows, saved


@pytest.mark.case(1)
def test_01_killed_in_an_epoch_it_goes_on_from_the_epoch_before_to_the_same_bits(run, resume, whole, tmp_path, seen):
    assert run("killed", probe=probes.kill_in_step, given=(25,)).wait() == -signal.SIGKILL
    assert saved(tmp_path / "killed")["global_step"] == 20
    assert resume("killed").wait() == 0
    assert_identical(whole, tmp_path / "killed")
    seen("killed at step 25, identical")


@pytest.mark.case(2)
@pytest.mark.parametrize("persistent", [False, True])
def test_02_loader_workers_change_nothing(run, resume, whole, tmp_path, seen, persistent):
    """The pictures lie in memory, so there is no knob for workers; yet the place in the data must not hang on them."""
    kill = probes.workers, (2, persistent, probes.kill_in_step, 14, 27)
    assert run("killed", "save_every=3", probe=kill[0], given=kill[1]).wait() == -signal.SIGKILL
    assert saved(tmp_path / "killed")["ColourData"] == {"epoch": 1, "skip": 3}
    assert resume("killed", probe=kill[0], given=kill[1]).wait() == -signal.SIGKILL
    assert resume("killed", probe=probes.workers, given=(2, persistent)).wait() == 0
    assert_identical(whole, tmp_path / "killed")
    seen(f"2 {'persistent ' * persistent}workers, killed at steps 14 and 27, equal to no workers")


@pytest.mark.case(3)
def test_03_killed_after_a_save_in_mid_epoch_every_picture_is_trained_on_once_an_epoch(
    run, resume, whole, tmp_path, seen
):
    file = tmp_path / "indices"
    settings = {"probe": probes.record_indices, "given": (str(file), probes.kill_in_step, 27)}
    assert run("killed", "save_every=3", **settings).wait() == -signal.SIGKILL
    done = saved(tmp_path / "killed")["global_step"]
    assert done == 26
    before = file.read_text().splitlines()[:done]
    file.unlink()
    assert resume("killed", probe=probes.record_indices, given=(str(file),)).wait() == 0
    batches = [list(map(int, line.split())) for line in [*before, *file.read_text().splitlines()]]
    assert [step for step, *_ in batches] == list(range(40))
    for epoch in range(4):
        indices = [index for _, *batch in batches[10 * epoch : 10 * epoch + 10] for index in batch]
        assert sorted(indices) == list(range(40))
    assert_identical(whole, tmp_path / "killed")
    seen("killed at step 27, saved at 26: 40 of 40 pictures once in each of 4 epochs, identical")


@pytest.mark.case(5)
@pytest.mark.parametrize("step", [0, 9, 17, 39])
def test_05_sigterm_saves_between_batches_and_prints_the_command_that_goes_on(run, resume, whole, tmp_path, seen, step):
    stopped = run("stopped", probe=probes.signal_in_step, given=(signal.SIGTERM, step))
    assert stopped.wait() == 143
    assert saved(tmp_path / "stopped")["global_step"] == step + 1
    said = manifest.read(tmp_path / "stopped")
    assert (said["status"], said["error"]) == ("interrupted", "SIGTERM")
    (command,) = re.findall(r"go on with: python train\.py (.*)", stopped.stderr())
    assert resume(command.removeprefix("resume=")).wait() == 0
    assert_identical(whole, tmp_path / "stopped")
    seen(f"in step {step}: saved, exit 143, identical")


@pytest.mark.case(5)
def test_05_sigterm_before_the_first_step_ends_in_order_too(run, resume, whole, tmp_path, seen):
    early = run("early", probe=probes.signal_while_loading, given=(signal.SIGTERM,))
    assert early.wait() == 143
    assert manifest.read(tmp_path / "early")["status"] == "interrupted"
    again = resume("early")
    assert again.wait() == 0
    assert "early: nothing to go on from, the run starts anew" in again.stdout()
    assert_identical(whole, tmp_path / "early")
    seen("while the pictures are loaded: exit 143")


@pytest.mark.case(6)
def test_06_ctrl_c_in_mid_step_keeps_the_counters_of_batch_norm_right(run, resume, whole, tmp_path, seen):
    stopped = run("stopped", probe=probes.signal_in_step, given=(signal.SIGINT, 13))
    assert stopped.wait() == 130
    state = saved(tmp_path / "stopped")
    counters = {int(value) for name, value in state["state_dict"].items() if name.endswith("num_batches_tracked")}
    assert counters == {state["global_step"]} == {14}
    assert resume("stopped").wait() == 0
    assert_identical(whole, tmp_path / "stopped")
    seen("exit 130, 14 batches counted after 14 steps, identical")


@pytest.mark.case(6)
def test_06_a_second_signal_ends_the_run_at_once(run, resume, whole, tmp_path, seen):
    stopped = run("stopped", probe=probes.signal_twice_in_step, given=(signal.SIGINT, 13))
    assert stopped.wait() == 130
    assert saved(tmp_path / "stopped")["global_step"] == 10
    assert manifest.read(tmp_path / "stopped")["status"] == "interrupted"
    assert resume("stopped").wait() == 0
    assert_identical(whole, tmp_path / "stopped")
    seen("a second one: not even the step is ended, exit 130, identical from the epoch before")


@pytest.mark.case(7)
@pytest.mark.parametrize(("signum", "status"), [(signal.SIGHUP, 129), (signal.SIGUSR1, 138)])
def test_07_the_same_command_finds_its_folder_again(run, whole, tmp_path, seen, signum, status):
    """As a scheduler starts a job again: the same words, the same hydra.run.dir."""
    assert run("requeued", probe=probes.signal_in_step, given=(signum, 13)).wait() == status
    assert saved(tmp_path / "requeued")["global_step"] == 14
    assert run("requeued").wait() == 0
    assert_identical(whole, tmp_path / "requeued")
    seen(f"{signum.name}: exit {status}, identical")


@pytest.mark.case(8)
def test_08_killed_after_the_last_step_nothing_is_trained_again(run, resume, whole, tmp_path, seen):
    assert run("killed", probe=probes.kill_before_the_report).wait() == -signal.SIGKILL
    assert runfolder.state(tmp_path / "killed") == "killed"
    file = tmp_path / "steps"
    for _ in range(2):
        assert resume("killed", probe=probes.record_indices, given=(str(file),)).wait() == 0
    assert not file.exists()
    assert_identical(whole, tmp_path / "killed")
    assert manifest.read(tmp_path / "killed")["status"] == "finished"
    seen("killed before the report: 0 steps, exit 0, twice")


@pytest.mark.case(8)
def test_08_where_early_stopping_fired_nothing_is_trained_again(run, resume, tmp_path, seen):
    never_better = "lr=1e-30", "optimizer=sgd", "patience=1", "max_epochs=9"
    assert run("whole", *never_better).wait() == 0
    assert run("killed", *never_better, probe=probes.kill_before_the_report).wait() == -signal.SIGKILL
    done = saved(tmp_path / "killed")["epoch"] + 1
    assert done < 9
    file = tmp_path / "steps"
    assert resume("killed", probe=probes.record_indices, given=(str(file),)).wait() == 0
    assert not file.exists()
    assert_identical(tmp_path / "whole", tmp_path / "killed")
    seen(f"stopped after {done} of 9 epochs, killed: 0 steps, exit 0")


@pytest.mark.case(9)
@pytest.mark.parametrize("scheduler", ["plateau", "cosine", "onecycle", "warmup"])
def test_09_the_learning_rates_go_on(run, resume, tmp_path, seen, scheduler):
    words = [f"scheduler={scheduler}", "optimizer=sgd", *(["scheduler.wait=0"] if scheduler == "plateau" else [])]
    words += ["lr=0.3"]  # too large to fall every epoch
    logs = [tmp_path / name for name in ("rates-whole", "rates")]
    assert run("whole", *words, probe=probes.record_rates, given=(str(logs[0]),)).wait() == 0
    stop = probes.record_rates, (str(logs[1]), probes.signal_in_step, signal.SIGTERM, 13, 27)
    assert run("stopped", *words, probe=stop[0], given=stop[1]).wait() == 143
    assert resume("stopped", probe=stop[0], given=stop[1]).wait() == 143
    assert resume("stopped", probe=stop[0], given=(str(logs[1]),)).wait() == 0
    rates = logs[0].read_text().split()
    assert len(rates) == 40
    assert rates == logs[1].read_text().split()
    assert len(set(rates)) > 1
    assert_identical(tmp_path / "whole", tmp_path / "stopped")
    seen(f"{scheduler}: 40 of 40 equal")


def scalars(run):
    """Every value that a dashboard shows, by tag, without measured times."""
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"images": 0, "scalars": 0})
    events.Reload()
    tags = [tag for tag in events.Tags()["scalars"] if "images_per_second" not in tag]
    values = {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in tags}
    return {**values, "pictures": [event.step for event in events.Images("grey, true, predicted")]}


@pytest.mark.case(10)
def test_10_every_epoch_stands_once_in_the_metrics_and_in_tensorboard(run, resume, whole, tmp_path, seen):
    assert run("killed", "save_every=4", probe=probes.kill_in_step, given=(13,)).wait() == -signal.SIGKILL
    assert resume("killed", probe=probes.kill_after_the_events, given=(2,)).wait() == -signal.SIGKILL
    assert resume("killed", probe=probes.signal_in_step, given=(signal.SIGTERM, 35)).wait() == 143
    assert resume("killed", probe=probes.kill_before_the_report).wait() == -signal.SIGKILL
    assert resume("killed").wait() == 0
    assert [row["epoch"] for row in rows(tmp_path / "killed")] == ["0", "1", "2", "3"]
    assert rows(whole) == rows(tmp_path / "killed")
    expected = scalars(whole)
    assert [step for step, _ in expected["val/loss"]] == [10, 20, 30, 40]
    assert scalars(tmp_path / "killed") == expected
    with (tmp_path / "killed/metrics.csv").open() as file:
        seconds = [float(row["seconds"]) for row in csv.DictReader(file)]
    assert seconds == sorted(seconds)
    seen(f"after five starts: 4 rows, {len(expected)} TensorBoard tags, all equal")


@pytest.mark.case(11)
@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("lr=0.5", "trained with lr=0.001, not 0.5; pass lr=0.001"),
        ("batch_size=5", "trained with batch_size=4, not 5; pass batch_size=4"),
        ("model=unet", "trained with model=convtranspose, not unet; pass model=convtranspose"),
        ("kernel=5", "trained with kernel=3, not 5; pass kernel=3"),
        ("seed=7", "trained with seed=0, not 7; pass seed=0"),
        ("data.num_train=44", "trained with data.num_train=40, not 44"),
    ],
)
def test_11_a_change_that_would_be_ignored_is_refused(run, resume, tmp_path, seen, word, told):
    assert run("stopped", probe=probes.signal_in_step, given=(signal.SIGTERM, 3)).wait() == 143
    before = saved(tmp_path / "stopped")
    for begin in (resume, run):
        again = begin("stopped", word)
        assert again.wait() == 1
        assert told in again.stderr()
        assert again.stderr().count("\n") == 1
    assert differences(before, saved(tmp_path / "stopped")) == []
    seen(f"{word} refused")


@pytest.mark.case(11)
def test_11_a_change_that_takes_effect_is_named(run, resume, tmp_path, seen):
    assert run("whole", "max_epochs=5").wait() == 0
    assert run("stopped", probe=probes.signal_in_step, given=(signal.SIGTERM, 3)).wait() == 143
    longer = resume("stopped", "max_epochs=5")
    assert longer.wait() == 0
    assert "stopped was trained with max_epochs=4; it goes on with 5" in longer.stdout()
    assert_identical_but_configuration(tmp_path / "whole", tmp_path / "stopped")
    seen("max_epochs named, identical to a run of that length")


def assert_identical_but_configuration(first, second):
    found = differences(saved(first), saved(second))
    assert [path for path in found if not path.startswith("/config")] == []
    assert rows(first) == rows(second)


@pytest.mark.case(11)
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["max_epochs=1"], "killed/checkpoints/last.ckpt is 3 batches into epoch 3; pass max_epochs=3 or more"),
        (["accelerator=gpu"], "pass accelerator=cpu or auto"),
        (["+trainer.limit_train_batches=5"], "trained with trainer.limit_train_batches=null, not 5"),
        (["model=unet"], "trained with model=convtranspose, not unet"),
    ],
)
def test_11_what_is_refused_leaves_the_folder_as_it_was(run, resume, whole, tmp_path, seen, words, told):
    assert run("killed", probe=probes.signal_in_step, given=(signal.SIGTERM, 22)).wait() == 143
    files = [tmp_path / "killed" / name for name in ("run.json", ".hydra/config.yaml", ".hydra/overrides.yaml")]
    before = [file.read_bytes() for file in files]
    refused = resume("killed", *words)
    assert refused.wait() == 1
    assert told in refused.stderr() and refused.stderr().count("\n") == 1
    assert [file.read_bytes() for file in files] == before
    assert resume("killed").wait() == 0
    assert_identical(whole, tmp_path / "killed")
    seen(f"{words[0]} refused, run.json and .hydra as before")


@pytest.mark.case(12)
def test_12_with_another_environment_it_goes_on_and_says_that_bits_may_differ(run, resume, tmp_path, seen):
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
    seen("threads, version and device named; goes on")


@pytest.mark.case(13)
def test_13_nothing_to_resume_is_an_error_and_nothing_saved_a_clear_new_start(run, resume, whole, tmp_path, seen):
    (tmp_path / "empty").mkdir()
    for name, lack in (("missing", "is not there"), ("empty", "holds neither")):
        lost = resume(name)
        assert lost.wait() == 1
        remedy = "pass the folder of a run or a sweep: colourize runs lists them"
        assert lost.stderr() == f"colourize: resume={name} {lack}; {remedy}\n"
    assert not (tmp_path / "missing").exists()
    assert run("killed", probe=probes.kill_in_step, given=(3,)).wait() == -signal.SIGKILL
    again = resume("killed")
    assert again.wait() == 0
    assert "killed: nothing to go on from, the run starts anew" in again.stdout()
    assert_identical(whole, tmp_path / "killed")
    seen("no folder, empty folder: exit 1; killed before the first save: said, identical")


SOON = signal.SIGTERM, *range(1000)


@pytest.mark.case(13)
def test_13_what_cannot_be_resumed_is_told(run, resume, tmp_path, seen):
    assert run("mine").wait() == 0
    again = resume("mine")
    assert again.wait() == 0
    assert "is finished: nothing to do" in again.stdout()
    for folder, words, told in (
        ("mine/checkpoints/last.ckpt", [], "is a file; pass the folder of a run"),
        ("mine", ["hydra.run.dir=other"], "says where and how; leave hydra.run.dir=other out"),
        ("mine", ["--multirun"], "says where and how; leave --multirun out"),
    ):
        refused = resume(folder, *words)
        assert refused.wait() == 1
        assert told in refused.stderr() and refused.stderr().count("\n") == 1
    (tmp_path / "mine/run.json").write_text('{"status": "inter')
    damaged = resume("mine")
    assert damaged.wait() == 1
    assert "mine holds checkpoints, but no run.json that says how they were begun" in damaged.stderr()
    assert run("mine").wait() == 0  # the same words in the same folder: nothing is lost
    assert manifest.read(tmp_path / "mine")["status"] == "finished"
    seen("a file, another folder beside it, a damaged run.json: one line each")


@pytest.mark.case(13)
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL])
def test_13_ended_while_it_imports_a_run_can_be_resumed_too(run, resume, whole, tmp_path, seen, signum):
    status = -signum if signum == signal.SIGKILL else 128 + signum
    assert run("early", probe=probes.signal_before_the_imports, given=(signum,)).wait() == status
    assert runfolder.state(tmp_path / "early") == ("killed" if signum == signal.SIGKILL else "interrupted")
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
    words = runfolder.resumed([f"resume={folder}"])
    (place,) = [word for word in words if word.startswith("hydra.run.dir=")]
    assert OverridesParser.create().parse_override(place).value() == str(folder.absolute())


@pytest.mark.case(14)
def test_14_a_folder_in_use_is_refused_and_a_dead_one_s_is_taken_over(run, resume, whole, tmp_path, seen):
    first = run("shared", "max_epochs=100000")
    first.wait_for(lambda: (tmp_path / "shared/checkpoints/last.ckpt").exists())
    assert runfolder.state(tmp_path / "shared") == "running"
    second = resume("shared")
    assert second.wait() == 1
    assert f"is in use by process {first.pid} on {socket.gethostname()}" in second.stderr()
    assert second.stderr().count("\n") == 1
    first.signal(signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    assert runfolder.state(tmp_path / "shared") == "killed"
    assert run("shared", "max_epochs=100000", probe=probes.signal_in_step, given=SOON).wait() == 143
    seen("second start: exit 1 with pid and host; after kill -9: taken over")
