"""The sections of measurements; each yields rows. ``words`` are overrides for colourize, such as accelerator=gpu."""

import contextlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.report import exponent, interleaved, picked, row
from benchmarks.turns import ROOT, contestants, timed

Rows = Iterator[dict[str, Any]]
NETWORKS = "convtranspose", "unet", "poolupsample"
GROWTH = {
    "pictures": ("data.num_train", (1000, 2000, 4000, 8000), []),
    "side": ("image_size", (32, 64, 128, 256), ["data.num_train=100", "batch_size=10"]),
    "colours": ("num_colours", (8, 24, 72, 313), ["data.num_train=1000"]),
    "filters": ("num_filters", (8, 16, 32, 64, 128), ["data.num_train=1000"]),
    "batch": ("batch_size", (10, 25, 50, 100, 200, 400), ["data.num_train=2000"]),
}
MEGAPIXELS = "0.3", "1", "3", "12", "50", "100"
LARGE = (64, 32, 32), (128, 16, 16), (256, 8, 8)  # side, batch, steps of a turn
COUNTS = 5_000, 50_000, 500_000


def source(pictures: str | None, classes: str = "horse") -> list[str]:
    """Overrides for the given pictures, or for the same number of drawn landscapes."""
    if pictures is None:
        return ["data=scenes", f"data.num_train={5_000 if classes == 'horse' else 50_000}", "data.num_validation=1000"]
    return ["data=folder", f"data.root={pictures}", f"classes={classes}"]


def step(pictures: str | None, repeats: int, words: Sequence[str]) -> Rows:
    """A training step and an epoch at the course's settings, compared with the course's loop and the limit."""
    for network in NETWORKS:
        common = [*source(pictures), f"model={network}", *words]
        mixed = [*common, "precision=bf16-mixed"]
        targets = {
            "plain loop": ["contestants.plain_epoch", *common],
            "colourize": ["contestants.colourize_epoch", *common],
            "limit": ["contestants.limit_epoch", *common],
            "bf16": ["contestants.colourize_epoch", *mixed],
            "bf16 limit": ["contestants.limit_epoch", *mixed],
            "compiled": ["contestants.colourize_epoch", *common, "compile=true"],
            "compiled bf16": ["contestants.colourize_epoch", *mixed, "compile=true"],
        }
        with contestants(targets) as started:
            values = interleaved(started, repeats)
        ours = "colourize", "bf16", "compiled", "compiled bf16"
        for figure, scale, unit in (("step", 1000, "ms"), ("epoch", 1, "s")):
            yield row(f"{figure}, {network}", picked(values, figure, "plain loop", *ours), scale, unit)
            for name, bound in (("colourize", "limit"), ("bf16", "bf16 limit")):
                yield row(f"{figure} against the limit, {network}", picked(values, figure, name, bound), scale, unit)
        bounds = picked(values, "step", "plain loop", "limit", "bf16 limit")
        yield row(f"step of the limit, {network}", bounds, 1000, "ms")


def one_pass(pictures: str | None, repeats: int, words: Sequence[str]) -> Rows:
    """A training step with the kernels in C (``one_pass=true``), with torch's operators, and of the plain loop."""
    kinds = {"torch": ["one_pass=false"], "one pass": []}
    for network in NETWORKS:
        common = [*source(pictures), f"model={network}"]
        targets = {"plain loop": ["contestants.plain_epoch", *common]}
        for suffix, more in (("", []), (" bf16", ["precision=bf16-mixed"])):
            targets |= {f"{kind}{suffix}": ["contestants.colourize_epoch", *common, *given, *more, *words]
                        for kind, given in kinds.items()}  # fmt: skip
        with contestants(targets) as started:
            values = interleaved(started, repeats)
        for suffix in ("", " bf16"):
            names = ["plain loop", f"torch{suffix}", f"one pass{suffix}"]
            yield row(f"step{suffix}, {network}", picked(values, "step", *names), 1e3, "ms")


def result(pictures: str | None, repeats: int, words: Sequence[str]) -> Rows:
    """Time to reach the loss of the course's loop after 25 epochs; one seed per repeat. Whole commands; make train."""
    for network in NETWORKS:
        common = [*source(pictures), f"model={network}", *words]
        ours = ["experiment=speedrun", *common]
        targets = {
            "plain loop": ["contestants.plain_result", *common],
            "speedrun": ["contestants.colourize_result", *ours],
        }
        with contestants(targets) as started:
            values = interleaved(started, repeats, warm_up=0)
        losses = picked(values, "loss")
        reached = [own <= plain for plain, own in zip(losses["plain loop"], losses["speedrun"], strict=True)]
        shown = {f"loss, {name}": row("", {name: figures})[name] for name, figures in losses.items()}
        entry = row(f"time to the result, {network}", picked(values, "seconds"))
        figures = {"reached": f"{sum(reached)} of {repeats}", "epochs": values["speedrun"][0]["epochs"]}
        whole = row("", interleaved({"whole command": timed("train.py", *ours, "hydra.run.dir=FOLDER/run")}, repeats))
        yield {**entry, **shown, **figures, "whole command": whole["whole command"]}
    first = timed("train.py", "data=scenes", *words, "hydra.run.dir=FOLDER/run")
    yield row("make train", interleaved({"whole command": first}, repeats, warm_up=0))


def start(pictures: str | None, repeats: int, words: Sequence[str]) -> Rows:
    """Seconds from the command to the end of the first step with a warm cache, compared with bare imports."""
    first_step = (
        "import os, runpy, sys; from colourize.tasks.colourization.module import Colourizer; "
        "Colourizer.on_train_batch_end = lambda *args: os._exit(0); "
        f"sys.argv = ['train.py', *sys.argv[1:]]; runpy.run_path({str(ROOT / 'train.py')!r}, run_name='__main__')"
    )
    run = ["-c", first_step, *source(pictures), *words, "hydra.run.dir=FOLDER/run"]
    sides = {"first step": timed(*run), "bare imports": timed("-c", "import torch, pytorch_lightning, hydra")}
    yield row("start", interleaved(sides, repeats))
    yield row("help", interleaved({"colourize --help": timed("-m", "colourize", "--help")}, repeats))
    yield row("knobs", interleaved({"train.py --help": timed("train.py", "--help")}, repeats))


def guard(pictures: str | None, repeats: int, words: Sequence[str]) -> Rows:
    """The cost of checking loss and gradients before every optimizer step."""
    for network in NETWORKS:
        with contestants({"guard": ["small.guard", *source(pictures), f"model={network}", *words]}) as started:
            values = interleaved(started, 10 * repeats)
        figures = {figure: picked(values, figure)["guard"] for figure in ("step", "guard")}
        yield row(f"guard against NaN, {network}", figures, 1000, "ms")


def data(pictures: str | None, repeats: int, words: Sequence[str]) -> Rows:
    """Decoding, palette and labels, cold and from the cache, with peak memory; one repeat, except for the labels."""
    with contestants({"numpy": ["small.labels_numpy"], "colourize": ["small.labels"]}) as started:
        yield row("labels of 50,000 drawn pictures", interleaved(started, 3))
    for count in COUNTS:
        drawn = ["data=scenes", f"data.num_train={count}", "data.num_validation=1000"]
        real = count < COUNTS[-1] and pictures is not None
        chosen = source(pictures, "horse" if count == COUNTS[0] else "all") if real else drawn
        with tempfile.TemporaryDirectory() as cache:
            for name in ("cold", "cached"):
                with contestants({name: ["small.pictures", *chosen, f"cache_dir={cache}"]}) as started:
                    figures = started[name]()
                yield {"name": f"{count:,} {'files' if real else 'drawn pictures'}, {name}", "unit": "s", **figures}


def memory(pictures: str | None, repeats: int, words: Sequence[str]) -> Rows:
    """Time and memory of an epoch of a small network over pictures on disk: 50,000 and 500,000 files, one repeat."""
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for count in COUNTS[1:]:
            with contestants({"files": ["small.files", folder, str(count), pictures or ""]}) as started:
                started["files"]()
            with contestants({"mapped": ["small.mapped", folder, str(count)]}) as started:
                figures = started["mapped"]()
            seconds.append(figures["epoch"])
            yield {"name": f"{count:,} files, mapped", "unit": "s", **figures}
    yield {"name": "epoch against files", "unit": "", "exponent": exponent(COUNTS[1:], seconds)}


def inference(pictures: str | None, repeats: int, words: Sequence[str]) -> Rows:
    """Pictures per second in batches of 100, megapixels per second of a 1024 x 1024 photo; torch and onnxruntime."""
    sides = {
        "torch": ["inference.torch_float32"],
        "torch bf16": ["inference.torch_bf16"],
        "onnxruntime": ["inference.onnxruntime"],
    }
    for network in NETWORKS:
        with contestants({name: [*target, network] for name, target in sides.items()}) as started:
            values = interleaved(started, repeats)
        yield row(f"pictures a second, {network}", picked(values, "pictures"), 1, "/s")
        yield row(f"megapixels a second, {network}", picked(values, "megapixels"), 1, "MP/s")


def photographs(pictures: str | None, repeats: int, words: Sequence[str]) -> Rows:
    """``colourize photo`` from 0.3 to 100 megapixels, by torch, onnxruntime and int8; its parts; 1,000 small files."""
    with _networks() as networks:
        for size in MEGAPIXELS:
            with contestants({name: ["photographs.one", file, size] for name, file in networks.items()}) as started:
                values = interleaved(started, repeats)
            yield from (_parts(f"{size} megapixels, {name}", values[name]) for name in networks)
        for name, file in networks.items():
            sides = {"whole": ["photographs.files", file, "1000"], "network": ["photographs.alone", file, "1000"]}
            with contestants(sides) as started:
                values = interleaved(started, repeats, warm_up=0)
            yield row(f"1,000 small files, {name}", values, 1, "/s")


def commands(pictures: str | None, repeats: int, words: Sequence[str]) -> Rows:
    """``colourize photo`` from the command's start (cold) and with a loaded network (warm), in megapixels a second."""
    with _networks() as networks:
        for size in MEGAPIXELS:
            targets = {name: ["photographs.command", file, size] for name, file in networks.items()}
            with contestants(targets) as started:
                values = interleaved({"import torch": timed("-c", "import torch"), **started}, repeats)
            alone = {"import torch": values.pop("import torch")}  # shows how the machine's state changes a start
            yield row(f"{size} megapixels, the command", alone | picked(values, "cold"))
            for name in networks:
                rates = {kind: [float(size) / turn[kind] for turn in values[name]] for kind in ("warm", "cold")}
                yield row(f"{size} megapixels, {name}", rates, 1, "MP/s")


@contextlib.contextmanager
def _networks() -> Iterator[dict[str, str]]:
    """The network that comes with the package, for each of three engines."""
    with tempfile.TemporaryDirectory() as folder:
        networks = {"torch": "shipped"}
        for name, more in (("onnxruntime", []), ("int8", ["--int8"])):
            networks[name] = f"{folder}/{name}.onnx"
            command = [sys.executable, "-m", "colourize", "export", "shipped", "-o", networks[name], *more]
            subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        yield networks


def large(pictures: str | None, repeats: int, words: Sequence[str]) -> Rows:
    """Training on photographs (--pictures) at 64, 128 and 256 pixels, against ImageFolder and a DataLoader."""
    assert pictures is not None
    for side, batch, steps in LARGE:
        more = [pictures, str(side), str(batch), str(steps)]
        targets = {"ImageFolder": ["large.image_folder", *more], "colourize": ["large.colourize", *more]}
        with contestants(targets) as started:
            values = interleaved(started, repeats)
        peaks = {f"{name}: peak MB": max(turn["peak MB"] for turn in turns) for name, turns in values.items()}
        yield row(f"training at {side} pixels", picked(values, "picture"), 1e3, "ms a picture") | peaks


def _parts(name: str, turns: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """The whole job against the decoding of its file and the network alone, with the other parts."""
    parts = {part: [turn[part] for turn in turns] for part in ("whole", "decode", "network", "upsampling", "encode")}
    needed = [decode + network for decode, network in zip(parts["decode"], parts["network"], strict=True)]
    entry = row(name, {"whole": parts["whole"], "decode + network": needed})
    entry |= {part: row(name, {part: parts[part]})[part] for part in ("decode", "network", "upsampling", "encode")}
    return {**entry, "peak MB": max(turn["peak MB"] for turn in turns)}


def growth(pictures: str | None, repeats: int, words: Sequence[str]) -> Rows:
    """Training time of an epoch as a function of pictures, side, colours, filters and batch; fitted exponents."""
    for name, (knob, sizes, fixed) in GROWTH.items():
        common = ["data=scenes", "data.num_validation=10", "scheduler=none", *fixed, *words]
        targets = {str(size): ["contestants.colourize_epoch", *common, f"{knob}={size}"] for size in sizes}
        with contestants(targets) as started:
            values = interleaved(started, repeats)
        seconds = {size: picked(values, "trained", size)[size] for size in started}
        medians = [statistics.median(figures) for figures in seconds.values()]
        entry = {size: row("", {size: figures})[size] for size, figures in seconds.items()}
        slopes = {"exponent": exponent(sizes, medians), "exponent of the last two": exponent(sizes[-2:], medians[-2:])}
        yield {"name": f"epoch against {name}", "unit": "s", **entry, **slopes}


SECTIONS: dict[str, Callable[[str | None, int, Sequence[str]], Rows]] = {
    "step": step, "one_pass": one_pass, "result": result, "start": start, "guard": guard, "data": data,
    "memory": memory, "inference": inference, "photographs": photographs, "commands": commands, "large": large,
    "growth": growth,
}  # fmt: skip
FIXED = {"data", "memory", "inference", "photographs", "commands", "large"}  # sections without overrides
PHOTOGRAPHS = {"large"}  # sections that require --pictures
