"""One training step by operator: python benchmarks/operators.py [NETWORK ...] [--torch] [--all] [--threads N]

For each network and precision, a table of the parts of a step (forward, loss, backward, Adam), by torch's profiler: the
share of the step. ``--all``: the longest operators instead, and how often each is called. ``--torch``: without the
kernels in C, as with one_pass=false. Shares depend less on the machine's load than seconds do, with one thread least.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

NETWORKS = "convtranspose", "unet", "poolupsample", "resunet"
PRECISIONS = "32-true", "bf16-mixed"
SHOWN = 8
PARTS = {
    "convolutions, backward": ("convolution_backward",),
    "convolutions, forward": ("convolution",),
    "batch norm, ReLU": ("norm", "relu", "threshold"),
    "cross-entropy": ("crossentropy", "softmax", "nll_loss"),
    "copies, conversions": ("copy_", "aten::cat", "fill_", "zero_"),
    "pooling, enlarging": ("pool", "upsample"),
    "Adam": ("adam",),
}
"""Parts of a step, and texts in the names of their operators; the first that fits counts."""
BATCH = 100  # pictures of 32 x 32


def step(network: str, precision: str, one_pass: bool) -> Callable[[], None]:
    """A step on a batch in memory, without Lightning."""
    import torch

    from benchmarks.contestants import built, knobs, loaded
    from colourize.config.instantiate import builder
    from colourize.kernels import allocator, rows
    from colourize.tasks.colourization.module import pixel_cross_entropy
    from colourize.training import fused

    allocator.keep()
    config = knobs(f"model={network}", "data=scenes", f"data.num_train={BATCH}", "data.num_validation=10",
                   f"batch_size={BATCH}", f"precision={precision}")  # fmt: skip
    data = loaded(config)
    module = built(config, data).train()
    optimizer = builder("optimizer", config["optimizer"])(module.parameters())
    grey, labels = next(iter(data.train_dataloader()))
    mixed = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed")

    one_pass = one_pass and rows.library() is not None

    def run() -> None:
        optimizer.zero_grad()
        with mixed, fused.norms(module.model.network, one_pass):
            logits = module.model.network(grey)
        in_c = one_pass and rows.suits(logits)
        loss = rows.cross_entropy(logits, labels)[0] if in_c else pixel_cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()

    return run


def profiled(run: Callable[[], None], steps: int) -> list[tuple[str, float, float]]:
    """Operators by their own time: name, share of the step's time in [0, 1], calls a step."""
    from torch.profiler import ProfilerActivity, profile

    run()
    with profile(activities=[ProfilerActivity.CPU]) as found:
        for _ in range(steps):
            run()
    return shares([(each.key, each.self_cpu_time_total, each.count) for each in found.key_averages()], steps)


def shares(events: list[tuple[str, float, int]], steps: int) -> list[tuple[str, float, float]]:
    """Events (name, own microseconds, calls) of several steps, the longest first: name, share, calls a step."""
    total = sum(time for _, time, _ in events)
    longest = sorted(events, key=lambda each: each[1], reverse=True)
    return [(name, time / total, calls / steps) for name, time, calls in longest]


def table(network: str, precision: str, rows: list[tuple[str, float, float]]) -> Iterator[str]:
    """The rows in Markdown."""
    yield f"| {network}, `precision={precision}` | share | calls |"
    yield "|---|--:|--:|"
    for name, share, calls in rows[:SHOWN]:
        yield f"| `{name}` | {100 * share:.1f} % | {calls:g} |"
    yield f"| {len(rows) - SHOWN} others | {100 * sum(share for _, share, _ in rows[SHOWN:]):.1f} % | |\n"


def grouped(rows: list[tuple[str, float, float]]) -> dict[str, float]:
    """The shares of ``PARTS`` and of the rest, from those of operators."""
    found = dict.fromkeys([*PARTS, "others"], 0.0)
    for name, share, _ in rows:
        fits = (part for part, words in PARTS.items() if any(word in name.lower() for word in words))
        found[next(fits, "others")] += share
    return found


def parts(columns: dict[str, dict[str, float]]) -> str:
    """A table in Markdown: a column of shares for each network and precision."""
    lines = [f"| | {' | '.join(columns)} |", "|---|" + "--:|" * len(columns)]
    for part in [*PARTS, "others"]:
        lines.append(f"| {part} | {' | '.join(f'{100 * shares[part]:.0f} %' for shares in columns.values())} |")
    return "\n".join(lines)


def main(arguments: Any = None) -> None:
    """Prints the tables."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", default=NETWORKS)
    parser.add_argument("--torch", action="store_true", help="without the kernels in C")
    parser.add_argument("--all", action="store_true", help="a table of operators for each network and precision")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    columns = {}
    for network in given.networks:
        for precision in PRECISIONS:
            rows = profiled(step(network, precision, not given.torch), given.steps)
            columns[f"{network}, {precision.partition('-')[0]}"] = grouped(rows)
            if given.all:
                print("\n".join(table(network, precision, rows)), flush=True)
    if not given.all:
        print(parts(columns))


if __name__ == "__main__":
    main()
