"""``lr=auto``: a learning rate range test, on a copy of the network, before the first step of a run.

Smith 2017 (arXiv 1506.01186, section 3.3) raises the rate during a short training and finds where the network begins
to learn and where it stops. Here the rate grows exponentially. The rule that chooses a rate from the curve is our own.
"""

import contextlib
import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import count, pairwise
from pathlib import Path
from statistics import mean
from typing import Any

import pytorch_lightning as pl
from matplotlib.figure import Figure
from torch import Tensor, nn

from colourize.config.automatic import with_rate
from colourize.config.knobs import KNOBS
from colourize.errors import InputError
from colourize.present.figures import save
from colourize.training.batches import BatchedData
from colourize.training.module import TrainingModule

log = logging.getLogger(__name__)
PICTURE = "learning_rate.png"
LOWEST, HIGHEST, STEPS = 1e-6, 10.0, 100
SMOOTHING = 0.9  # of the moving average of the losses
DIVERGED = 2.0  # the test ends at this multiple of the lowest smoothed loss
FIRST = 10  # losses whose mean is the start of the curve
LEAST_FALL = 0.2  # of the loss, as a share of its start; a smaller one is that of a network that is already trained
NEAR = 1.02  # a smoothed loss up to this multiple of the lowest one counts as equally low
NOISE = 4.0  # and so does one up to this many standard deviations of the average above it
SHARE = 0.1  # the rate for a trained network, as a share of the highest one with such a loss


def rates(steps: int = STEPS) -> list[float]:
    """Rates from ``LOWEST`` to ``HIGHEST`` in equal ratios."""
    return [LOWEST * (HIGHEST / LOWEST) ** (step / (steps - 1)) for step in range(steps)]


def smoothed(losses: Sequence[float]) -> list[float]:
    """The exponential moving average of the losses, divided by the sum of its weights as in Adam."""
    average, found = 0.0, []
    for step, loss in enumerate(losses, start=1):
        average = SMOOTHING * average + (1 - SMOOTHING) * loss
        found.append(average / (1 - SMOOTHING**step))
    return found


def noise(losses: Sequence[float]) -> float:
    """The standard deviation of the moving average of losses that differ by independent noise."""
    squares = [(after - before) ** 2 / 2 for before, after in pairwise(losses)]
    return math.sqrt(mean(squares or [0.0]) * (1 - SMOOTHING) / (1 + SMOOTHING))


def chosen(tried: Sequence[float], losses: Sequence[float]) -> float:
    """The rate chosen from a curve, with two digits.

    The rate at which the smoothed loss is half-way down to its lowest value. If it falls by less than a fifth, as that
    of a trained network does, half-way is noise: then a tenth of the highest rate at which the loss was still at its
    lowest, up to two per cent or the noise of the average.

    Args:
        tried: the rates, increasing.
        losses: the loss before the step with each rate, finite and > 0.
    """
    curve, start = smoothed(losses), mean(losses[:FIRST])
    lowest = min(curve[FIRST - 1 :] or curve)  # before, the average is one of few batches
    if lowest > (1 - LEAST_FALL) * start:
        near = max(NEAR * lowest, lowest + NOISE * noise(losses[: len(losses) // 2]))
        edge = max(rate for rate, loss in zip(tried, curve, strict=True) if loss <= near)
        return float(f"{SHARE * edge:.2g}")
    middle = (start + lowest) / 2
    return float(f"{next(rate for rate, loss in zip(tried, curve, strict=True) if loss <= middle):.2g}")


def curve_of(
    module: TrainingModule,
    batches: Iterable[Any],
    tried: Sequence[float],
    context: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext,
    clip: Callable[[Sequence[nn.Parameter]], Any] = lambda parameters: None,
) -> list[float]:
    """The training loss before the step with each rate; shorter if it diverges. Changes the module.

    Args:
        module: a module that is not used afterwards.
        batches: training batches on its device, at least as many as rates.
        tried: the rates.
        context: the context of a forward pass, for its precision.
        clip: limits gradients.
    """
    assert module.build_optimizer is not None
    optimizer = module.build_optimizer(module.grouped(list(module.parameters())))
    factors = [group["lr"] / optimizer.defaults["lr"] for group in optimizer.param_groups]
    losses: list[float] = []
    module.train()
    for step, (rate, batch) in enumerate(zip(tried, batches, strict=False)):
        for group, factor in zip(optimizer.param_groups, factors, strict=True):
            group["lr"] = factor * rate
        module.on_train_batch_start(batch, step)
        with context():
            outputs: Any = module.training_step(batch, step)
        loss: Tensor = outputs["loss"]
        if not math.isfinite(value := float(loss.detach())):
            break
        losses.append(value)
        curve = smoothed(losses)
        if curve[-1] > DIVERGED * min(curve):
            break
        optimizer.zero_grad()
        loss.backward()
        clip(list(module.parameters()))
        optimizer.step()
    return losses


def batches_of(data: BatchedData, trainer: pl.Trainer) -> Iterator[Any]:
    """Training batches on the trainer's device without end, in the order of a new run."""
    for epoch in count():
        loader: Any = data.whole_dataloader()
        loader.sampler.set_epoch(epoch)
        for batch in loader:
            moved = data.transfer_batch_to_device(batch, trainer.strategy.root_device, 0)
            yield trainer.precision_plugin.convert_input(moved)


def clipping(trainer: pl.Trainer) -> Callable[[Sequence[nn.Parameter]], Any]:
    """Clips gradients as the trainer does."""
    limit = trainer.gradient_clip_val
    if not limit:
        return lambda parameters: None
    clip = nn.utils.clip_grad_value_ if trainer.gradient_clip_algorithm == "value" else nn.utils.clip_grad_norm_
    return lambda parameters: clip(parameters, limit)


def found(
    build: Callable[[dict[str, Any]], TrainingModule],
    knobs: dict[str, Any],
    data: BatchedData,
    trainer: pl.Trainer,
    folder: Path,
) -> dict[str, Any]:
    """The knobs with the rate that the test chose; writes the curve to the folder.

    Args:
        build: builds the module of knobs, with its initial weights.
        knobs: the knobs, with ``lr=auto``.
        data: the data. They stay as they are.
        trainer: the trainer of the run, for device, precision and clipping. It stays as it is.
        folder: folder of the run.

    Raises:
        InputError: the loss is not finite at the lowest rate.
    """
    default = KNOBS["lr"].default
    module = build(with_rate(knobs, default))
    if not module.automatic_optimization:
        log.info("lr=auto: the network has nothing to train; lr=%g", default)
        return with_rate(knobs, default)
    mixed = getattr(trainer.precision_plugin, "scaler", None) is None  # without its scaler float16 would lose gradients
    context = trainer.precision_plugin.train_step_context if mixed else contextlib.nullcontext
    module.to(trainer.strategy.root_device)
    losses = curve_of(module, batches_of(data, trainer), rates(), context, clipping(trainer))
    if len(losses) < 2:
        raise InputError(f"lr=auto: the loss is not finite at the rate {LOWEST:g}; pass a number, such as lr=0.001")
    tried = rates()[: len(losses)]
    rate = chosen(tried, losses)
    save(figure(tried, losses, rate), folder / PICTURE)
    log.info("lr=auto: lr=%g, from %d steps with rates up to %.2g; %s", rate, len(losses), tried[-1], folder / PICTURE)
    return with_rate(knobs, rate)


def figure(tried: Sequence[float], losses: Sequence[float], rate: float) -> Figure:
    """The losses over the rates, their moving average, and the chosen rate."""
    drawn = Figure(figsize=(6, 3.6), dpi=120, layout="constrained")
    axis = drawn.subplots()
    axis.semilogx(tried, losses, ".", color="0.7", label="training loss of a batch")
    axis.semilogx(tried, smoothed(losses), color="C0", label="moving average")
    axis.axvline(rate, color="C3", linewidth=1, label=f"lr={rate:g}")
    axis.set(xlabel="learning rate of the step", ylabel="loss before the step")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    return drawn
