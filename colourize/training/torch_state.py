"""The global states of torch under which a run trains: its numbers depend on them."""

import contextlib
import threading
from collections.abc import Iterator

import torch

from colourize.errors import InputError

_TRAINING = threading.Lock()


@contextlib.contextmanager
def own() -> Iterator[None]:
    """Keeps torch's global states for one training of the process.

    Raises:
        InputError: another thread trains; autocast or the inference mode is on; tensors get another type or device by
            default.
    """
    _check()
    if not _TRAINING.acquire(blocking=False):
        raise InputError(
            "this process trains another run, and both would share torch's random numbers; wait, or start a process"
        )
    try:
        yield
    finally:
        _TRAINING.release()


def _check() -> None:
    kind, device = torch.get_default_dtype(), torch.get_default_device()
    found = (
        (any(torch.is_autocast_enabled(name) for name in ("cpu", "cuda")), "torch.autocast is on", "precision"),
        (torch.is_inference_mode_enabled(), "torch.inference_mode is on", ""),
        (kind != torch.float32, f"torch's default type is {kind}", "precision"),
        (device.type != "cpu", f"torch's default device is {device}", "accelerator"),
    )
    for is_changed, state, knob in found:
        if is_changed:
            remedy = f"train outside of it{f', and choose by {knob}=' if knob else ''}"
            raise InputError(f"{state}, which would change the run; {remedy}")
