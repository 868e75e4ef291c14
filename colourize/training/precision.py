"""The precision of a run: finds the one that the device computes fast, and checks the requested one."""

import logging

import torch
from pytorch_lightning.accelerators import CUDAAccelerator, MPSAccelerator

from colourize.config.automatic import AUTO
from colourize.errors import InputError
from colourize.private.torch import has_bfloat16
from colourize.training.task import Knobs

log = logging.getLogger(__name__)
SINGLE, MIXED = "32-true", "bf16-mixed"


def of(knobs: Knobs) -> str:
    """The precision of a run. ``auto`` is bf16-mixed if the GPU, or without one the processor, has instructions for
    bfloat16, otherwise 32-true.

    Without them torch computes convolutions in bfloat16 by loops of its own, which take ten times as long as in single
    precision (docs/speed.md); for bf16-mixed a line then says so.

    Raises:
        InputError: Lightning would only warn and use another precision.
    """
    accelerator, precision = knobs["accelerator"], knobs["precision"]
    has_gpu = accelerator != "cpu" and (CUDAAccelerator.is_available() or MPSAccelerator.is_available())
    if precision == "16-mixed" and not has_gpu and accelerator != "gpu":
        found = f"accelerator={accelerator}" + ", which finds none" * (accelerator == AUTO)
        raise InputError(f"precision=16-mixed requires a GPU, got {found}; pass precision=auto")
    if precision == AUTO:
        return MIXED if _is_fast(has_gpu) else SINGLE
    if precision == MIXED and not has_gpu and not has_bfloat16():
        log.warning(
            "precision=bf16-mixed: this processor has no instructions for bfloat16, so a step can take ten times as "
            "long as with precision=32-true; precision=auto chooses"
        )
    return str(precision)


def _is_fast(has_gpu: bool) -> bool:
    if not has_gpu:
        return has_bfloat16()
    return CUDAAccelerator.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
