"""Global states of torch that would change a run are refused before its folder is claimed."""

import contextlib
import threading

import pytest
import torch

from colourize.errors import InputError
from colourize.tasks.chosen import train
from colourize.training import torch_state


@contextlib.contextmanager
def default_type(kind):
    before = torch.get_default_dtype()
    torch.set_default_dtype(kind)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (
            lambda: torch.autocast("cpu", torch.bfloat16),
            "torch.autocast is on, which would change the run; train outsi",
        ),
        (torch.inference_mode, "torch.inference_mode is on, which would change the run; train outside of it$"),
        (lambda: default_type(torch.float64), "torch's default type is torch.float64, .* and choose by precision="),
        (lambda: torch.device("meta"), "torch's default device is meta, .*; train outside of it, and choose by accel"),
    ],
)
def test_a_changed_state_is_refused(quick, tmp_path, state, message):
    knobs = quick()
    with state(), pytest.raises(InputError, match=message):
        train(knobs, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_one_training_at_a_time(quick, tmp_path):
    knobs, found = quick(), []

    def second():
        with pytest.raises(InputError) as error:
            train(knobs, tmp_path / "second")
        found.append(str(error.value))

    with torch_state.own():
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert found == [
        "this process trains another run, and both would share torch's random numbers; wait, or start a process"
    ]
    with torch_state.own():
        pass
