"""Contestants of ``colourize photo``, built and called like those in ``contestants``."""

import atexit
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.contestants import Figures, Turn
from benchmarks.turns import timed
from colourize.inference import many, opening, photo, saving, working
from colourize.inference.colouring import Choices, coloured
from colourize.inference.memory import Budget
from colourize.inference.opened import opened
from colourize.inference.planned import Job
from colourize.inference.saving import Picture
from colourize.kernels import allocator

MEMORY = 20_000_000_000  # bytes that photographs may take together
MOST = 200_000_000  # pixels
WARM = 3  # jobs in a row, of which the median counts: other contestants have run in between
SMALL = 256, 192


def drawn(path: Path, width: int, height: int, seed: int = 0) -> None:
    """A grey JPEG file: smooth shades with the grain of a film, about 2 bits a pixel."""
    random = np.random.default_rng(seed)
    shades = Image.fromarray(random.integers(0, 256, (9, 12), dtype=np.uint8)).resize((width, height), 3)
    grain = random.integers(-6, 7, (min(height, 1000), width), dtype=np.int16)
    pixels = np.asarray(shades).astype(np.int16)
    for top in range(0, height, len(grain)):
        part = pixels[top : top + len(grain)]
        part += grain[: len(part)]
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, "JPEG", quality=90)


def _folder() -> Path:
    """A folder that lasts as long as the process."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    return folder


def one(network: str, megapixels: str, threads: str = "2") -> Turn:
    """One photograph, 4 : 3: seconds of each part and of the whole job, and the peak of the process in MB."""
    predictor, source = opened(network), _scan(megapixels)
    target = source.with_name("coloured.jpg")
    choices = Choices(threads=int(threads))
    options = photo.Options(choices, overwrite=True, max_pixels=MOST)

    def once() -> Figures:
        start = time.perf_counter()
        photo.run(Job(source, target), predictor, options, Budget(MEMORY))
        whole, peak = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        picture = opening.photograph(source, MOST)
        read = time.perf_counter()
        grey = picture.frames[0].grey
        working.scores(predictor, working.seen(grey, predictor.card, None), None, None)
        seen = time.perf_counter()
        result = coloured(predictor, grey, choices)
        made = time.perf_counter()
        saving.written([Picture(result.pictures[0])], "JPEG", picture.info, threads=int(threads))
        written = time.perf_counter()
        parts = {"decode": read - whole, "network": seen - read, "upsampling": (made - seen) - (seen - read)}
        return {"whole": whole - start, **parts, "encode": written - made, "peak MB": peak}

    return lambda: _medians([once() for _ in range(WARM)])


def _scan(megapixels: str) -> Path:
    """A photograph of that size, 4 : 3, in a folder of its own."""
    height = round((float(megapixels) * 1e6 * 3 / 4) ** 0.5)
    path = _folder() / "scan.jpg"
    drawn(path, height * 4 // 3, height)
    return path


def command(network: str, megapixels: str) -> Turn:
    """One photograph: seconds of a job with a loaded network, and of the whole command from its start."""
    predictor, source = opened(network), _scan(megapixels)
    target = source.with_name("coloured.jpg")
    options = photo.Options(Choices(threads=2), overwrite=True, max_pixels=MOST)
    words = ["photo", str(source), "-o", str(target), "--model", network, "--max-pixels", str(MOST), "--overwrite"]

    def warm() -> float:
        start = time.perf_counter()
        photo.run(Job(source, target), predictor, options, Budget(MEMORY))
        return time.perf_counter() - start

    cold = timed("-m", "colourize", *words)
    return lambda: {"warm": statistics.median(warm() for _ in range(WARM)), "cold": cold()}


def _medians(turns: list[Figures]) -> Figures:
    return {name: statistics.median(turn[name] for turn in turns) for name in turns[0]}


def files(network: str, count: str, at_once: str = "2") -> Callable[[], float]:
    """Many small files in one call: pictures a second."""
    predictor, folder = opened(network, threads=1), _folder()
    sources = [folder / f"{number}.jpg" for number in range(int(count))]
    for number, source in enumerate(sources):
        drawn(source, *SMALL, number)
    options = photo.Options(Choices(threads=1), overwrite=True)

    def turn() -> float:
        jobs = [Job(source, folder / "coloured" / source.name) for source in sources]  # JPEG, as the command writes
        start = time.perf_counter()
        run = partial(photo.run, predictor=predictor, options=options, budget=Budget(MEMORY, int(at_once)))
        many.all_of(jobs, run, int(at_once) + photo.WRITERS)
        return len(sources) / (time.perf_counter() - start)

    return turn


def alone(network: str, count: str) -> Callable[[], float]:
    """The network alone, on all cores, on as many small pictures one by one: pictures a second."""
    predictor, source = opened(network), _folder() / "small.jpg"
    drawn(source, *SMALL)
    view = working.seen(opening.photograph(source).frames[0].grey, predictor.card, None)

    def turn() -> float:
        with allocator.kept(*many.KEPT):
            start = time.perf_counter()
            for _ in range(int(count)):
                working.scores(predictor, view, None, None)
            return int(count) / (time.perf_counter() - start)

    return turn
