"""Measures what docs/scaling.md shows: python benchmarks/scaling.py [SECTION ...] [--json FILE].

ranks: seconds of a step on 1 and 2 ranks of this machine, one thread each, three networks (about 8 minutes);
nodes: the same on 1 and 2 nodes of a Slurm on this machine, which it starts as tests/slurm.py does (2 minutes);
raylets: seconds of a sweep on 1 and 2 raylets of one core each on this machine (3 minutes; extra ray);
store: pictures a second while shards are prepared, from an S3 server on this machine and from disk (1 minute);
shards: preparation, epoch and memory of 50,000, 200,000 and 1,000,000 drawn pictures (about 15 minutes, 12 GB of disk).
The machine must be otherwise idle. Afterwards `python benchmarks/costs.py --fit` fits the cost model.
"""

import argparse
import csv
import hashlib
import io
import itertools
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))
from benchmarks.costs import MEASURED
from benchmarks.report import exponent, interleaved, machine, row
from benchmarks.turns import ROOT, contestants

Rows = Iterator[dict[str, Any]]
FILTERS = 16, 64, 128  # of the networks, for gradients of different size
BATCH, STEPS, EPOCHS = 20, 30, 3  # pictures of a rank's step; the first epoch warms up
COUNTS = 50_000, 200_000, 1_000_000
DISTINCT = 5_000  # drawn pictures, repeated under other names
SHARD = 10_000  # pictures


def ranks(repeats: int) -> Rows:
    """A step of ``BATCH`` pictures a rank on 1 and 2 ranks, which take turns; each turn is a whole run."""
    from benchmarks.contestants import knobs
    from colourize.config.instantiate import instantiate

    for filters in FILTERS:
        with tempfile.TemporaryDirectory() as folder:
            turns = {count: _trains(Path(folder), filters, count, (), f"devices={count}") for count in (1, 2)}
            values = interleaved({str(count): turn for count, turn in turns.items()}, repeats, warm_up=0)
        network = instantiate(knobs(f"num_filters={filters}")["model"])
        size = 4 * sum(weight.numel() for weight in network.parameters() if weight.requires_grad)
        for count in turns:
            seconds = values[str(count)]
            yield {"name": f"ConvTransposeNet, {filters} filters", "ranks": count, "bytes": size, "batch": BATCH,
                   "seconds": statistics.median(seconds), "turns": seconds}  # fmt: skip


def nodes(repeats: int) -> Rows:
    """A step on 1 and 2 nodes of a Slurm on this machine, one rank and one thread on each."""
    from tests import slurm

    if cause := slurm.lacking():
        sys.exit(f"scaling: nodes: {cause}")
    with tempfile.TemporaryDirectory() as folder, slurm.started(Path(folder) / "slurm") as commands:
        turns = {}
        for count in (1, 2):
            srun = f"{commands / 'srun'} --nodes={count} --ntasks={count}".split()
            turns[f"{count} node{'s' * (count > 1)}"] = _trains(Path(folder), 64, count, srun, f"num_nodes={count}")
        values = interleaved(turns, repeats, warm_up=0)
    yield row("a step, ConvTransposeNet with 64 filters", values, 1e3, "ms")


def raylets(repeats: int) -> Rows:
    """Seconds of a sweep of four jobs on 1 and 2 raylets of this machine, one core and one job at a time on each."""
    with tempfile.TemporaryDirectory() as folder:
        turns = {f"{count} raylet{'s' * (count > 1)}": _sweeps(Path(folder), count) for count in (1, 2)}
        yield row("a sweep of four jobs", interleaved(turns, repeats, warm_up=0))


def _sweeps(folder: Path, count: int) -> Callable[[], float]:
    """A sweep on a new Ray of ``count`` raylets; gives its seconds without those of Ray's start."""
    numbers = itertools.count()

    def turn() -> float:
        from ray.cluster_utils import Cluster

        os.environ.update(
            RAY_AUTH_MODE="disabled", OMP_NUM_THREADS="1", PYTHONPATH=os.pathsep.join([str(ROOT), *sys.path])
        )
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        try:
            for _ in range(count):
                cluster.add_node(num_cpus=1)
            begin = time.perf_counter()
            _trained("--multirun", "hydra/launcher=ray", "seed=0,1,2,3", "data.num_train=2000", "max_epochs=5",
                     f"cache_dir={folder / 'cache'}", f"hydra.sweep.dir={folder / f'{count}-{next(numbers)}'}",
                     RAY_ADDRESS=cluster.address)  # fmt: skip
            return time.perf_counter() - begin
        finally:
            cluster.shutdown()

    return turn


def _trained(*words: str, before: Sequence[str] = (), **environment: str) -> None:
    """Trains on drawn pictures on the CPU; ends the measurement with the run's error if it fails."""
    command = [*before, sys.executable, str(ROOT / "train.py"), "data=scenes", "data.num_validation=10",
               "accelerator=cpu", "logger=none", "trainer.enable_progress_bar=false", *words]  # fmt: skip
    own = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    done = subprocess.run(command, env=own, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"scaling: {' '.join(words)} failed: {done.stderr.strip()}")


def _trains(folder: Path, filters: int, count: int, before: Sequence[str] = (), *words: str) -> Callable[[], float]:
    """A run on ``count`` ranks; gives seconds of a step, from the times of its later epochs."""
    numbers = itertools.count()

    def turn() -> float:
        run = folder / f"{count}-{next(numbers)}"
        _trained(
            f"data.num_train={BATCH * STEPS * count}", f"num_filters={filters}", f"batch_size={BATCH}",
            f"max_epochs={EPOCHS}", f"cache_dir={folder / 'cache'}", f"hydra.run.dir={run}", *words, before=before,
        )  # fmt: skip
        with (run / "metrics.csv").open() as file:
            ends = [float(line["seconds"]) for line in csv.DictReader(file)]
        return (ends[-1] - ends[0]) / (EPOCHS - 1) / STEPS

    return turn


def store(repeats: int) -> Rows:
    """Pictures a second while shards are prepared: an S3 server (moto) on this machine, and a folder."""
    from tests.stores import BUCKET, serving, upload

    with tempfile.TemporaryDirectory() as folder, serving() as server:
        shards, count = Path(folder) / "shards", 5_000
        _write_shards(shards, count, 500)
        os.environ.update(server.environment())
        upload(server, shards, "drawn")
        roots = {"disk": str(shards), "store": f"s3://{BUCKET}/drawn"}
        targets = {name: ["scaling.preparation", root] for name, root in roots.items()}
        with contestants(targets) as started:
            values = interleaved(started, repeats)
        rates = {name: [count / seconds for seconds in turns] for name, turns in values.items()}
        yield row(f"preparation of {count:,} drawn pictures in {count // 500} shards", rates, 1, "/s")


def preparation(root: str) -> Callable[[], float]:
    """Seconds to prepare shards into an empty cache."""
    from colourize.data.shards import source

    def turn() -> float:
        with tempfile.TemporaryDirectory() as cache:
            begin = time.perf_counter()
            source.load(root, image_size=32, holdout=0.1, cache_dir=cache)
            return time.perf_counter() - begin

    return turn


def shards(repeats: int) -> Rows:
    """Preparation, and an epoch of reading batches without a network, with the process's own memory; measured once."""
    found = []
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as folder:
            _write_shards(Path(folder) / "shards", count, SHARD)
            for name in ("prepared", "read"):
                with contestants({name: ["scaling.epoch", folder]}) as started:
                    found.append(started[name]())
        prepared, read = found[-2:]
        yield {
            "name": f"{count:,} drawn pictures", "unit": "s", "preparation": prepared["load"], "epoch": read["epoch"],
            "peak anonymous MB, preparation": prepared["peak anonymous MB"],
            "peak anonymous MB, epoch": read["peak anonymous MB"],
        }  # fmt: skip
    for name, times in (
        ("preparation", [each["load"] for each in found[::2]]),
        ("epoch", [each["epoch"] for each in found[1::2]]),
    ):
        yield {"name": f"{name} against pictures", "unit": "", "exponent": exponent(COUNTS, times)}


def epoch(folder: str) -> Callable[[], dict[str, float]]:
    """Loads shards, from the cache if they are prepared, and reads every training batch once."""
    from benchmarks.contestants import knobs, loaded
    from benchmarks.small import _AnonymousPeak

    config = knobs("data=shards", f"data.root={folder}/shards", f"cache_dir={folder}/cache", "batch_size=100")

    def turn() -> dict[str, float]:
        with _AnonymousPeak() as peak:
            begin = time.perf_counter()
            data = loaded(config)
            ready = time.perf_counter()
            seen = sum(len(labels) for _, labels in data.train_dataloader())
            done = time.perf_counter()
        if seen != len(data.train):
            raise SystemExit(f"scaling: {seen} of {len(data.train)} pictures were read")
        return {"load": ready - begin, "epoch": done - ready, "peak anonymous MB": peak.most}

    return turn


def _write_shards(folder: Path, count: int, most: int) -> None:
    """``count`` pictures in tar files of ``most``, with an index; a fiftieth more validates."""
    from PIL import Image

    from colourize.data.scenes import load
    from colourize.data.shards import index

    files = []
    for picture in load(DISTINCT, 2).train.numpy():
        content = io.BytesIO()
        Image.fromarray(picture).save(content, "PNG")
        files.append(content.getvalue())
    folder.mkdir(parents=True)
    for split, total in (("train", count), ("val", count // 50)):
        listed = []
        for number, first in enumerate(range(0, total, most)):
            path, held = folder / f"{split}-{number:05d}.tar", range(first, min(first + most, total))
            with tarfile.open(path, "w") as archive:
                for at in held:
                    member = tarfile.TarInfo(f"all/{at}.png")
                    member.size = len(files[at % DISTINCT])
                    archive.addfile(member, io.BytesIO(files[at % DISTINCT]))
            with path.open("rb") as file:
                md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
            listed.append(index.Shard(path.name, path.stat().st_size, md5, len(held)))
        (folder / f"{split}.json").write_text(index.text(listed))


SECTIONS: dict[str, Callable[[int], Rows]] = {
    "ranks": ranks, "nodes": nodes, "raylets": raylets, "store": store, "shards": shards,
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the named sections; without a name, all of them."""
    from benchmarks.report import line_of
    from colourize import files

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"{', '.join(SECTIONS)}; default: all")
    parser.add_argument("--json", type=Path, default=MEASURED, metavar="FILE", help="default: %(default)s")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args(arguments)
    if unknown := set(given.sections) - SECTIONS.keys():
        sys.exit(f"scaling: unknown section {', '.join(sorted(unknown))}; pass some of {', '.join(SECTIONS)}")
    if given.repeats < 1:
        sys.exit(f"scaling: --repeats must be >= 1, got {given.repeats}")
    results = json.loads(given.json.read_text()) if given.json.exists() else {}
    for name in given.sections or SECTIONS:
        results[name], results[f"{name} machine"] = [], {**machine(), "load before": os.getloadavg()[0]}
        for entry in SECTIONS[name](given.repeats):
            print(line_of({"unit": "s", **entry}), flush=True)
            results[name].append(entry)
            files.replace_text(given.json, json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
