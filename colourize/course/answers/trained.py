"""Answers from training (4.2, 5.2, 5.3, 5.5, 6.2, 6.3): the reason, what a study measured, its page."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import sympy

from colourize.config.lab_record import header
from colourize.course.answers import Answer

POOL, CONV, UNET = ("PoolUpsampleNet",), ("ConvTransposeNet",), ("UNet",)
EPOCHS, PICTURES, BATCHES = 25, 5000, (32, 512)  # of the course; smallest and largest batch of 5.5


def _recorded(
    title: str,
    study: str,
    reason: str,
    *,
    networks: Sequence[str] = (),
    note: str = "",
    formulas: Mapping[str, object] | None = None,
) -> Answer:
    """The answer of a study with the result in its file's header, of all networks or of those in ``networks``."""
    record = header(study)
    if "Expected" not in record:
        raise RuntimeError(f"conf/experiment/{study}.yaml must have a line '# Expected  ...' in its header")
    measured, _, page = record["Expected"].removesuffix(")").rpartition(" (")
    of, _, values = measured.partition(": ")
    each = [found[0] for name in networks if (found := re.search(rf"\b{name} [\d.]+ ± [\d.]+", values))]
    return Answer(
        title, [reason], formulas or {}, notes=[note] * bool(note) + [f"Measured {of}: {', '.join(each) or values}."],
        more=[f"python train.py experiment={study}", page],
    )  # fmt: skip


def batch_sizes() -> Answer:
    """5.5."""
    epochs, pictures, batch = sympy.symbols("E N B", positive=True, integer=True)
    updates = epochs * sympy.ceiling(pictures / batch)
    counts = [int(updates.subs({epochs: EPOCHS, pictures: PICTURES, batch: size})) for size in BATCHES]
    return _recorded(
        "Batch sizes at a fixed number of epochs (ConvTransposeNet)",
        "batch_size",
        "A larger batch gives higher losses and worse pictures, because E epochs of N pictures in batches of B are "
        f"fewer updates: {counts[0]:,} for B = {BATCHES[0]} and {counts[1]:,} for B = {BATCHES[1]}, "
        f"at E = {EPOCHS} and N = {PICTURES:,}. With equal numbers of updates, the larger batch is better (study "
        "batch_size_steps).",
        formulas={"updates": updates},
    )


ANSWERS: dict[str, Callable[[], Answer]] = {
    "4.2": partial(
        _recorded,
        "Are the pictures of PoolUpsampleNet good?",
        "models",
        "No. Large areas get their colour, but edges are lost: max-pooling discards the position of a value in its "
        "2 x 2 pixels, and upsampling copies one score to four pixels.",
        networks=POOL,
    ),
    "5.2": partial(
        _recorded,
        "The training curves of ConvTransposeNet",
        "models",
        "Both losses fall faster than those of PoolUpsampleNet and end lower, with as many weights. Validation is not "
        "above training: it does not overfit in 25 epochs.",
        networks=(*POOL, *CONV),
    ),
    "5.3": partial(
        _recorded,
        "ConvTransposeNet against PoolUpsampleNet",
        "models",
        "ConvTransposeNet is better in loss, accuracy and pictures. A strided convolution learns what to keep, and a "
        "transposed convolution learns the four pixels that it writes, so edges can be recovered.",
        networks=(*POOL, *CONV),
    ),
    "5.5": batch_sizes,
    "6.2": partial(
        _recorded,
        "The training curves of UNet",
        "models",
        "Both losses end below those of ConvTransposeNet. The validation losses of the last epochs vary so much that "
        "three seeds show the gain only in training.",
        networks=(*CONV, *UNET),
    ),
    "6.3": partial(
        _recorded,
        "What skip connections do",
        "skips",
        "They improve loss, accuracy and pictures. The skip at half resolution gives the decoder the edges that the "
        "layers between lose, and gradients reach the first layers on a shorter path.",
        note="Each skip was removed in turn: the loss shows a gain from the skip at half resolution, and none from "
        "the input at full resolution.",
    ),
}
