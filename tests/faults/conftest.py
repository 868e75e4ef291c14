"""One test per case of the matrix in docs/reliability.md; ``make faults`` runs them and prints their observations.

``tests.faults.processes`` loads torch, so the fixtures import it: xdist's own process does without.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.faults.matrix import EXPECTED, NOT_YET

if TYPE_CHECKING:
    from tests.faults.processes import Process

SEEN = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="all 280 sequences of interruptions, on real pictures")


@pytest.fixture
def seen(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Records an observation of a test for the table."""
    return request.node.stash.setdefault(SEEN, []).append


@pytest.fixture
def start() -> "Iterator[Callable[..., Process]]":
    """Starts ``python train.py WORDS`` in its own process, which ends with the test; see ``Process``."""
    from tests.faults.processes import Process

    begun: list[Process] = []

    def begin(*words: object, **settings: object) -> Process:
        begun.append(Process(*words, **settings))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"cache_dir={tmp_path_factory.mktemp('cache')}"


@pytest.fixture
def run(start: "Callable[..., Process]", tmp_path: Path, cache: str) -> "Callable[..., Process]":
    """Starts the small run in the folder of a name; returns its process."""
    from tests.faults.processes import SMALL

    def begin(name: str, *words: str, **settings: object) -> "Process":
        return start(*SMALL, cache, f"hydra.run.dir={name}", *words, cwd=tmp_path, **settings)

    return begin


@pytest.fixture
def resume(start: "Callable[..., Process]", tmp_path: Path) -> "Callable[..., Process]":
    """Resumes the run or the sweep in the folder of a name."""
    return lambda name, *words, **settings: start(f"resume={name}", *words, cwd=tmp_path, **settings)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory, cache: str) -> Path:
    """Folder of the small run without interruption."""
    from tests.faults.processes import SMALL, Process

    folder = tmp_path_factory.mktemp("whole")
    assert Process(*SMALL, cache, "hydra.run.dir=run", cwd=folder, figures=True).wait() == 0
    return folder / "run"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Six undamaged training pictures and three validation pictures, of noise."""
    for split, count in (("train", 6), ("test", 3)):
        (tmp_path / "pictures" / split).mkdir(parents=True)
        for number in range(count):
            Image.effect_noise((16, 16), 50).convert("RGB").save(tmp_path / f"pictures/{split}/{number}.png")
    return tmp_path / "pictures"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    mark = item.get_closest_marker("case")
    report.case = (mark.args if mark else (), " ".join(item.stash.get(SEEN, [])))
    return report


def pytest_terminal_summary(terminalreporter):
    outcomes, notes = defaultdict(list), defaultdict(list)
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            numbers, note = getattr(report, "case", ((), ""))
            for number in numbers:
                if report.when == "call" or outcome != "passed":
                    outcomes[number].append(outcome)
                    notes[number].extend([note] if note and note not in notes[number] else [])
    if not outcomes:
        return
    terminalreporter.section("faults: case, expected, seen")
    for number, expected in EXPECTED.items():
        verdict = next((word for word in ("failed", "error", "skipped", "passed") if word in outcomes[number]), "")
        seen = "; ".join(notes[number]) or NOT_YET.get(number, "not run")
        terminalreporter.write_line(f"{number:2} {verdict or '-':7} {expected}: {seen}")
