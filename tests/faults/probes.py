"""Actions of a test inside the process that it starts."""

import multiprocessing.util
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from joblib.externals.loky import get_reusable_executor
from torch.utils.data import DataLoader

from colourize.data.labelled import LabelledPictures
from colourize.runs import run_folder
from colourize.tasks.colourization import task as task_file
from colourize.tasks.colourization.data import ColourData
from colourize.tasks.colourization.module import Colourizer
from colourize.training import run
from colourize.training.batches import Batches
from colourize.training.resumption import Resumption


def in_step(action: Callable[[Colourizer, int], Any]) -> None:
    """Calls ``action(module, step)`` in the middle of every training step, after the forward pass."""
    original = Colourizer.training_step

    def training_step(self: Colourizer, batch: Any, batch_idx: int) -> Any:
        outputs = original(self, batch, batch_idx)
        action(self, self.trainer.fit_loop.total_batch_idx)
        return outputs

    Colourizer.training_step = training_step  # type: ignore[method-assign]


def signal_in_step(signum: int, *steps: int) -> None:
    """Sends the process a signal in the middle of the steps, counted from 0 over all epochs."""
    in_step(lambda module, step: os.kill(os.getpid(), signum) if step in steps else None)


def kill_in_step(*steps: int) -> None:
    signal_in_step(signal.SIGKILL, *steps)


def kill_before_the_report() -> None:
    """Kills the process after training and before the report."""
    _report(lambda *given: os.kill(os.getpid(), signal.SIGKILL))


def _report(report: Callable[..., Any]) -> None:
    task_file.TASK = replace(task_file.TASK, report=report)


def record_indices(file: str, then: Callable[..., None] | None = None, *given: Any) -> None:
    """Appends the picture numbers of each training batch to a file, one line per batch."""
    fetched: list[list[int]] = []
    original = LabelledPictures.__getitem__

    def getitem(self: LabelledPictures, index: Any) -> Any:
        fetched.append(index.tolist())
        return original(self, index)

    def write(module: Colourizer, step: int) -> None:
        with Path(file).open("a") as lines:
            lines.write(f"{step} {' '.join(map(str, fetched[-1]))}\n")

    LabelledPictures.__getitem__ = getitem  # type: ignore[method-assign]
    in_step(write)
    if then is not None:
        then(*given)


def workers(count: int, persistent: bool, then: Callable[..., None] | None = None, *given: Any) -> None:
    """Gives the training loader worker processes; probes of steps have no effect in them."""
    original = ColourData.train_dataloader

    def train_dataloader(self: ColourData) -> Any:
        plain = original(self)
        return DataLoader(
            plain.dataset, batch_size=None, sampler=plain.sampler, num_workers=count, persistent_workers=persistent,
            multiprocessing_context="fork",
        )  # fmt: skip

    ColourData.train_dataloader = train_dataloader  # type: ignore[method-assign]
    if then is not None:
        then(*given)


def signal_while_loading(signum: int) -> None:
    """Sends the process a signal before the first step."""
    original = ColourData.__init__

    def init(self: ColourData, *given: Any) -> None:
        original(self, *given)
        os.kill(os.getpid(), signum)

    ColourData.__init__ = init  # type: ignore[method-assign]


def signal_twice_in_step(signum: int, step: int) -> None:
    def action(module: Colourizer, at: int) -> None:
        if at == step:
            os.kill(os.getpid(), signum)
            os.kill(os.getpid(), signum)

    in_step(action)


def kill_after_the_events(epoch: int) -> None:
    """Kills the process after an epoch's events are on disk and before its checkpoint is."""
    original = Resumption._save

    def save(self: Resumption, trainer: Any, module: Any, name: str) -> None:
        if trainer.current_epoch == epoch and trainer.is_last_batch:
            os.kill(os.getpid(), signal.SIGKILL)
        original(self, trainer, module, name)

    Resumption._save = save  # type: ignore[method-assign]


def record_rates(file: str, then: Callable[..., None] | None = None, *given: Any) -> None:
    """Appends the learning rate of every step to a file."""

    def action(module: Colourizer, step: int) -> None:
        with Path(file).open("a") as lines:
            lines.write(f"{module.trainer.optimizers[0].param_groups[0]['lr']!r}\n")

    in_step(action)
    if then is not None:
        then(*given)


def threads(count: int) -> None:
    torch.set_num_threads(count)


def no_report() -> None:
    """Leaves out the report after training: measuring the network takes longer than a short run."""
    _report(lambda *given: {"val/loss": 0.0})


def not_finite(kind: str, step: int) -> None:
    """Makes the loss, or only a gradient, NaN or infinite in a step."""
    original = Colourizer.training_step
    calls = [0]

    def training_step(self: Colourizer, batch: Any, batch_idx: int) -> Any:
        found = original(self, batch, batch_idx)
        calls[0] += 1
        if calls[0] != step + 1:
            return found
        if kind == "gradient":
            found["loss"].register_hook(lambda gradient: gradient * float("inf"))
        else:
            found["loss"] = found["loss"] * float(kind)
            self.loss = found["loss"].detach()
        return found

    Colourizer.training_step = training_step  # type: ignore[method-assign]


def kill_a_worker(step: int) -> None:
    def action(module: Colourizer, at: int) -> None:
        if at == step:
            os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)

    in_step(action)


def bad_picture(number: int, epoch: int) -> None:
    """Makes fetching a picture fail from an epoch on."""
    original = Batches.__iter__

    def batches(self: Batches) -> Any:
        for index in original(self):
            if self.seed is not None and self.epoch >= epoch and number in index:
                raise ValueError(f"picture {number} cannot be read")
            yield index

    Batches.__iter__ = batches  # type: ignore[method-assign]


def fail_with_kernel(kernel: int) -> None:
    """Raises an unexpected exception in jobs with this kernel."""
    original = run.fit

    def fit(task: Any, knobs: Any, *given: Any) -> Any:
        if knobs["kernel"] == kernel:
            raise ZeroDivisionError("no one foresaw this")
        return original(task, knobs, *given)

    run.fit = fit


def signal_with_kernel(kernel: int, signum: int, step: int) -> None:
    """Sends a signal in a step of the jobs with this kernel."""

    def action(module: Colourizer, at: int) -> None:
        if module.config["kernel"] == kernel and at == step:
            os.kill(os.getpid(), signum)

    in_step(action)


def late_in_step(step: int, kernel: int | None = None) -> None:
    """Makes ``trainer.max_time`` expire in a step, in all jobs or in jobs with this kernel."""

    def action(module: Colourizer, at: int) -> None:
        if at == step and kernel in (None, module.config["kernel"]):
            next(each for each in module.trainer.callbacks if isinstance(each, Resumption)).end = 0.0

    in_step(action)


def record_jobs(file: str, then: Callable[..., None] | None = None, *given: Any) -> None:
    """Appends kernel and step of every step of every job to a file."""

    def action(module: Colourizer, step: int) -> None:
        with Path(file).open("a") as lines:
            lines.write(f"{module.config['kernel']} {step}\n")

    in_step(action)
    if then is not None:
        then(*given)


def signal_before_the_imports(signum: int) -> None:
    """Sends the process a signal after it has written its overrides and before the slow imports."""
    original = run_folder.announce

    def announce(*given: Any) -> None:
        original(*given)
        os.kill(os.getpid(), signum)

    run_folder.announce = announce


def end_loky() -> None:
    """Ends joblib's idle processes before ``multiprocessing`` waits for them."""
    multiprocessing.util.Finalize(None, lambda: get_reusable_executor().shutdown(), exitpriority=100)
