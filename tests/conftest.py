"""Shared fixtures: a composed configuration, small pictures, a finished run."""

import os

# before torch is imported: the tests' tensors are small, so a second thread only costs time
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # two threads on a busy core wait for each other without computing
os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # more are processes, each of which imports torch

import contextlib
import copy
import functools
import gc
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hypothesis import settings
from PIL import Image

from colourize.config.compose import plain, register
from colourize.config.folder import conf_dir
from colourize.config.knobs import KNOBS

settings.register_profile("untimed", deadline=None)  # a busy machine fails no test
settings.load_profile("untimed")

LONG = "test_slurm.py", "test_wheel.py", "test_rank_sequences.py", "test_other_encodings.py"  # minutes each
MEMORY, ROOM = "/dev/shm", 4 << 30
TINY = ("data=scenes", "data.num_train=24", "data.num_validation=12", "image_size=8", "num_filters=4", "num_colours=4")
CACHE = "a folder of each test"
QUICK = (*TINY, "batch_size=8", "max_epochs=2")


def composed(*overrides: str) -> Any:
    """The configuration as Hydra composes it, without a Hydra runtime."""
    return copy.deepcopy(_composed(conf_dir(), overrides))


@functools.cache
def _composed(folder: str, overrides: tuple[str, ...]) -> Any:
    """Cached: a composition takes a tenth of a second, and the tests need 2,000. Of those that differ only in values,
    like ``seed=3``, one is composed; Hydra's own function sets the values in its copy."""
    with contextlib.suppress(Exception):  # the whole composition then raises what a user sees
        words = OverridesParser.create().parse_overrides(list(overrides))
        values = [word for word in words if _sets_a_value(word)]
        options = [word for word in words if word not in values]
        if values and all(_chooses(word) for word in options):
            config = copy.deepcopy(_composed(folder, tuple(str(word.input_line) for word in options)))
            ConfigLoaderImpl._apply_overrides_to_config(values, config)
            return config
    return wholly_composed(folder, overrides)


def wholly_composed(folder: str, overrides: Sequence[str]) -> Any:
    """The configuration of a folder, composed by Hydra alone."""
    register()
    GlobalHydra.instance().clear()
    with initialize_config_dir(folder, version_base="1.3"):
        return compose("config", list(overrides))


def _sets_a_value(word: Override) -> bool:
    name, _, inner = word.key_or_group.partition(".")
    return _plainly(word) and name in KNOBS and bool(inner) == Path(conf_dir(), name).is_dir()


def _chooses(word: Override) -> bool:
    return _plainly(word) and Path(conf_dir(), word.key_or_group).is_dir() and isinstance(word.value(), str)


def _plainly(word: Override) -> bool:
    return word.type is OverrideType.CHANGE and word.package is None and not word.is_sweep_override()


def knobs(*overrides: str) -> dict[str, Any]:
    """The resolved configuration as plain values; the cache folder, new in most tests, is set after the composition."""
    words = tuple(word for word in overrides if not word.startswith("cache_dir="))
    if len(words) == len(overrides):
        return copy.deepcopy(_plain(conf_dir(), words))
    (folder,) = (word.removeprefix("cache_dir=") for word in overrides if word.startswith("cache_dir="))
    return _with_cache(_plain(conf_dir(), words, CACHE), folder)


@functools.cache
def _plain(folder: str, overrides: tuple[str, ...], cache: str | None = None) -> dict[str, Any]:
    config = copy.deepcopy(_composed(folder, overrides))
    if cache is not None:
        config.cache_dir = cache
    return plain(config)


def forget_compositions() -> None:
    """For a test that declares a new knob."""
    _composed.cache_clear()
    _plain.cache_clear()


def _with_cache(value: Any, folder: str) -> Any:
    """A copy of plain values with a folder in the places of ``CACHE``."""
    if isinstance(value, dict):
        return {key: _with_cache(each, folder) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_cache(each, folder) for each in value]
    return folder if value == CACHE else value


@pytest.fixture(autouse=True)
def same_numbers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test draws the same numbers by torch and by ``RNG`` of its file, whichever tests ran before it.

    Fixtures of a module or a session, which come first, draw theirs from generators of their own.
    """
    torch.manual_seed(0)
    if hasattr(request.module, "RNG"):
        monkeypatch.setattr(request.module, "RNG", np.random.default_rng(0))


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of palettes, labels and floors for all tests that do not inspect it."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out a run's two figures, which take half the time of a small run."""
    for name in ("strip_figure", "save", "save_curves"):
        monkeypatch.setattr(f"colourize.tasks.colourization.results.{name}", lambda *given: None)


@pytest.fixture
def quick(shared_cache: Path, no_figures: None) -> Callable[..., dict[str, Any]]:
    """Knobs of a run of half a second, without figures."""
    return lambda *overrides: knobs(*QUICK, f"cache_dir={shared_cache}", *overrides)


@pytest.fixture
def cifar_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, dict[str, np.ndarray]]:
    """Folder with a small archive of CIFAR-10, and the pictures in it."""
    from tests.cifar_archive import known_archive  # loads torch, which xdist's own process does without

    return tmp_path / "data", known_archive(tmp_path / "data", monkeypatch)


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Path:
    """Folder of a finished run of two epochs."""
    from colourize.tasks.chosen import train

    folder = tmp_path_factory.mktemp("finished")
    words = [*QUICK, f"cache_dir={shared_cache}"]
    train(knobs(*words), folder, words)
    return folder


@pytest.fixture(scope="session")
def held_out_run(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Path:
    """Folder of a finished run of two epochs that held out a quarter of its training pictures."""
    from colourize.tasks.chosen import train

    folder = tmp_path_factory.mktemp("held_out")
    words = [*QUICK, "holdout=0.25", f"cache_dir={shared_cache}"]
    train(knobs(*words), folder, words)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty folder for pictures; its parent has room for a cache."""
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def picture_folder(tmp_path: Path) -> Path:
    """Eighteen small pictures in train/ and test/, two classes."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 6), ("test", 3)):
        for name in ("cat", "horse"):
            folder = tmp_path / "pictures" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path / "pictures"


@pytest.fixture(scope="session")
def real_pictures() -> Path:
    """The real CIFAR-10 pictures, ``train/<class>/`` and ``test/<class>/``."""
    if "COLOURIZE_REAL_PICTURES" not in os.environ:
        pytest.skip("COLOURIZE_REAL_PICTURES names no folder of real pictures")
    return Path(os.environ["COLOURIZE_REAL_PICTURES"])


def pytest_configure() -> None:
    """Puts ``tmp_path`` in memory if there is room: a run synchronizes dozens of small files, and a disk takes
    5 to 25 ms for each."""
    if not os.access(MEMORY, os.W_OK) or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:  # some tests install programs
        return
    if shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", MEMORY)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files with the longest tests first, so that no worker is alone with one of them at the end."""
    items.sort(key=lambda item: item.path.name not in LONG)


def pytest_collection_finish() -> None:
    """Starts the garbage collector, which does not visit the million objects that stay to the end.

    With Python's thresholds (700, 10, 10) it takes a twentieth of the tests' time.
    """
    gc.freeze()
    gc.set_threshold(5_000, 10, 50)
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Ends a worker of xdist, which has sent all results, without freeing its million objects: that takes 10 s."""
    if hasattr(config, "workerinput"):
        os._exit(0)
    gc.unfreeze()  # some libraries report what is not freed at the end


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Escapes bytes of captured output that are not UTF-8, such as a folder's name: xdist only sends UTF-8."""
    outcome = yield
    report = outcome.get_result()
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
