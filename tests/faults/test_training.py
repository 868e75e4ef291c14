"""Cases 25 and 30: faults inside a step, or before it."""

import signal

import pytest
import torch

from colourize.runs import manifest
from tests.faults import probes
from tests.faults.states import assert_identical, differences, saved


def tensors(value):
    if isinstance(value, torch.Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else []
    return [tensor for part in parts for tensor in tensors(part)]


@pytest.mark.case(25)
@pytest.mark.parametrize(("kind", "step"), [("nan", 13), ("inf", 13), ("gradient", 13), ("nan", 0)])
def test_25_a_step_that_is_not_finite_ends_the_run_before_a_weight_changes(
    run, resume, whole, tmp_path, seen, kind, step
):
    steps = tmp_path / "steps"
    probe = probes.record_indices, (str(steps), probes.not_finite, kind, step)
    broken = run("broken", "save_every=1", probe=probe[0], given=probe[1])
    assert broken.wait() == 1
    cause = "a gradient is NaN or infinite" if kind == "gradient" else f"the loss is {kind}"
    assert broken.stderr().startswith(f"colourize: {cause} in step {step} (epoch {step // 10 + 1}), with lr=0.001; ")
    assert broken.stderr().count("\n") == 1
    assert len(steps.read_text().splitlines()) == step + 1
    assert manifest.read(tmp_path / "broken")["status"] == "failed"
    files = list((tmp_path / "broken/checkpoints").glob("*"))
    assert len(files) == (3 if step else 0)
    values = [tensor for file in files for tensor in tensors(saved(tmp_path / "broken", file.stem))]
    assert all(torch.isfinite(tensor).all() for tensor in values)
    if step:
        assert saved(tmp_path / "broken")["global_step"] == step
    assert resume("broken").wait() == 0
    assert_identical(whole, tmp_path / "broken")
    seen(f"{kind} in step {step}: exit 1, {len(files)} files, all finite")


@pytest.mark.case(25)
def test_25_a_learning_rate_that_blows_up_leaves_finite_files(run, tmp_path, seen):
    """Without a probe: weights of 1e30 after the first step, and an infinite loss a few steps later."""
    broken = run("broken", "lr=1e30", "save_every=1")
    assert broken.wait() == 1
    assert " with lr=1e+30; the weights before it are kept; pass a smaller lr" in broken.stderr()
    assert all(torch.isfinite(tensor).all() for tensor in tensors(saved(tmp_path / "broken")))
    seen(f"lr=1e30: ended in step {saved(tmp_path / 'broken')['global_step']}")


@pytest.mark.case(30)
def test_30_a_killed_loader_worker_is_named_and_the_run_continues_to_the_same_bits(run, resume, whole, tmp_path, seen):
    probe = probes.workers, (2, True, probes.kill_a_worker, 13)
    broken = run("broken", probe=probe[0], given=probe[1])
    assert broken.wait() == 1
    error = manifest.read(tmp_path / "broken")["error"]
    assert error.startswith("DataLoader worker (pid")
    assert error in broken.stderr()
    assert resume("broken").wait() == 0
    assert_identical(whole, tmp_path / "broken")
    seen(f"'{error}': exit 1, identical afterwards")


@pytest.mark.case(30)
def test_30_a_picture_that_cannot_be_fetched_is_named_and_the_run_continues_to_the_same_bits(
    run, resume, whole, tmp_path, seen
):
    broken = run("broken", probe=probes.bad_picture, given=(7, 2))
    assert broken.wait() == 1
    assert "picture 7 cannot be read" in broken.stderr()
    assert manifest.read(tmp_path / "broken")["error"] == "picture 7 cannot be read"
    state = saved(tmp_path / "broken")
    assert resume("broken", probe=probes.signal_in_step, given=(signal.SIGTERM, state["global_step"])).wait() == 143
    assert differences(state, saved(tmp_path / "broken")) != []
    assert resume("broken").wait() == 0
    assert_identical(whole, tmp_path / "broken")
    seen("bad picture named, exit 1, identical afterwards")
