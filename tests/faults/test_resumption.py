"""Cases 1 to 3 and 5 to 10: the same bits after any interruption."""

import csv
import re
import signal

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from colourize.runs import manifest, run_folder
from tests.faults import probes
from tests.faults.states import assert_identical, saved, untimed_rows


@pytest.mark.case(1)
def test_01_a_run_killed_in_an_epoch_resumes_from_the_previous_epoch_to_the_same_bits(
    run, resume, whole, tmp_path, seen
):
    assert run("killed", probe=probes.kill_in_step, given=(25,)).wait() == -signal.SIGKILL
    assert saved(tmp_path / "killed")["global_step"] == 20
    assert resume("killed").wait() == 0
    assert_identical(whole, tmp_path / "killed")
    seen("killed at step 25, identical")


@pytest.mark.case(2)
@pytest.mark.parametrize("persistent", [False, True])
def test_02_loader_workers_change_nothing(run, resume, whole, tmp_path, seen, persistent):
    """The pictures are in memory, so workers are not a knob; still the position must not depend on them."""
    kill = probes.workers, (2, persistent, probes.kill_in_step, 14, 27)
    assert run("killed", "save_every=3", probe=kill[0], given=kill[1]).wait() == -signal.SIGKILL
    assert saved(tmp_path / "killed")["place"] == {"epoch": 1, "skip": 3}
    assert resume("killed", probe=kill[0], given=kill[1]).wait() == -signal.SIGKILL
    assert resume("killed", probe=probes.workers, given=(2, persistent)).wait() == 0
    assert_identical(whole, tmp_path / "killed")
    seen(f"2 {'persistent ' * persistent}workers, killed at steps 14 and 27, equal to no workers")


@pytest.mark.case(3)
def test_03_after_a_kill_within_an_epoch_every_picture_is_trained_on_once_per_epoch(run, resume, whole, tmp_path, seen):
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
def test_05_sigterm_saves_between_batches_and_prints_the_command_to_resume(run, resume, whole, tmp_path, seen, step):
    stopped = run("stopped", probe=probes.signal_in_step, given=(signal.SIGTERM, step))
    assert stopped.wait() == 143
    assert saved(tmp_path / "stopped")["global_step"] == step + 1
    stored = manifest.read(tmp_path / "stopped")
    assert (stored["status"], stored["error"]) == ("interrupted", "SIGTERM")
    (command,) = re.findall(r"resume with: python train\.py (.*)", stopped.stderr())
    assert resume(command.removeprefix("resume=")).wait() == 0
    assert_identical(whole, tmp_path / "stopped")
    seen(f"in step {step}: saved, exit 143, identical")


@pytest.mark.case(5)
def test_05_sigterm_before_the_first_step_ends_the_run_cleanly(run, resume, whole, tmp_path, seen):
    early = run("early", probe=probes.signal_while_loading, given=(signal.SIGTERM,))
    assert early.wait() == 143
    assert manifest.read(tmp_path / "early")["status"] == "interrupted"
    again = resume("early")
    assert again.wait() == 0
    assert "early: no checkpoint to resume from, the run starts from the beginning" in again.stdout()
    assert_identical(whole, tmp_path / "early")
    seen("while the pictures are loaded: exit 143")


@pytest.mark.case(6)
def test_06_ctrl_c_within_a_step_keeps_the_counters_of_batch_norm_correct(run, resume, whole, tmp_path, seen):
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
    """As when a scheduler restarts a job: the same command, the same hydra.run.dir."""
    assert run("requeued", probe=probes.signal_in_step, given=(signum, 13)).wait() == status
    assert saved(tmp_path / "requeued")["global_step"] == 14
    assert run("requeued").wait() == 0
    assert_identical(whole, tmp_path / "requeued")
    seen(f"{signum.name}: exit {status}, identical")


@pytest.mark.case(8)
def test_08_after_a_kill_behind_the_last_step_nothing_is_trained_again(run, resume, whole, tmp_path, seen):
    assert run("killed", probe=probes.kill_before_the_report).wait() == -signal.SIGKILL
    assert run_folder.state(tmp_path / "killed") == "killed"
    file = tmp_path / "steps"
    for _ in range(2):
        assert resume("killed", probe=probes.record_indices, given=(str(file),)).wait() == 0
    assert not file.exists()
    assert_identical(whole, tmp_path / "killed")
    assert manifest.read(tmp_path / "killed")["status"] == "finished"
    seen("killed before the report: 0 steps, exit 0, twice")


@pytest.mark.case(8)
def test_08_after_early_stopping_nothing_is_trained_again(run, resume, tmp_path, seen):
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
def test_09_the_learning_rates_continue(run, resume, tmp_path, seen, scheduler):
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
    """Every value in the dashboard, by tag, without measured times."""
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"images": 0, "scalars": 0})
    events.Reload()
    tags = [tag for tag in events.Tags()["scalars"] if "images_per_second" not in tag]
    values = {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in tags}
    return {**values, "pictures": [event.step for event in events.Images("val/grey, true, predicted")]}


@pytest.mark.case(10)
def test_10_every_epoch_is_once_in_the_metrics_and_in_tensorboard(run, resume, whole, tmp_path, seen):
    assert run("killed", "save_every=4", probe=probes.kill_in_step, given=(13,)).wait() == -signal.SIGKILL
    assert resume("killed", probe=probes.kill_after_the_events, given=(2,)).wait() == -signal.SIGKILL
    assert resume("killed", probe=probes.signal_in_step, given=(signal.SIGTERM, 35)).wait() == 143
    assert resume("killed", probe=probes.kill_before_the_report).wait() == -signal.SIGKILL
    assert resume("killed").wait() == 0
    assert [row["epoch"] for row in untimed_rows(tmp_path / "killed")] == ["0", "1", "2", "3"]
    assert untimed_rows(whole) == untimed_rows(tmp_path / "killed")
    expected = scalars(whole)
    assert [step for step, _ in expected["val/loss"]] == [10, 20, 30, 40]
    assert scalars(tmp_path / "killed") == expected
    with (tmp_path / "killed/metrics.csv").open() as file:
        seconds = [float(row["seconds"]) for row in csv.DictReader(file)]
    assert seconds == sorted(seconds)
    seen(f"after five starts: 4 rows, {len(expected)} TensorBoard tags, all equal")
