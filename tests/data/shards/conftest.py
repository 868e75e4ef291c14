"""Prepared pictures of two classes and their shards; a store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from colourize.data.shards import writing
from tests.stores import Store, serving
from tests.textured import save, textured


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as ``colourize prepare`` writes it: 18 pictures to train, 6 to validate."""
    root = tmp_path_factory.mktemp("prepared")
    for split, count in (("train", 9), ("val", 3)):
        for number in range(2 * count):
            name = ("cat", "horse")[number % 2]
            save(textured(number + 100 * count, 12, 10), root / split / name / f"v1.{number}.png")
    return root


@pytest.fixture(scope="session")
def written(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same pictures in four shards to train and two to validate."""
    folder = tmp_path_factory.mktemp("written") / "shards"
    writing.write(prepared, str(folder), 5000)
    return folder


@pytest.fixture(scope="session")
def server() -> Iterator[Store]:
    with serving() as store:
        yield store


@pytest.fixture
def store(server: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store without faults; its keys and its address are in the environment."""
    from datetime import timedelta

    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    for name in ("FIRST_PAUSE", "LONGEST_PAUSE"):
        monkeypatch.setattr(f"colourize.data.shards.store.{name}", timedelta(milliseconds=2))
    server.asked.clear()
    server.released.clear()
    yield server
    server.faults.clear()
    server.check_keys = False
