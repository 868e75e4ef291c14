"""docs/theory.md: its commands run and print the output on the page."""

import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from colourize.cli.main import main

ROOT = Path(__file__).parent.parent.parent.parent
PAGE = (ROOT / "docs/theory.md").read_text()
SHOWN = [
    (command.strip(), [line.strip() for line in output.splitlines() if line.strip() not in ("", "[...]")])
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.S)
    for command, _, output in (part.partition("\n") for part in block.split("$ ")[1:])
]
ROUNDING = 1e-11  # smaller numbers are rounding errors and differ between machines


def alike(shown, printed):
    """Whether two lines have the same words, and the same numbers except for rounding."""
    pairs = list(zip(shown.split(), printed.split(), strict=False))
    return len(shown.split()) == len(printed.split()) and all(a == b or _close(a, b) for a, b in pairs)


def _close(a, b):
    try:
        if float(a).is_integer() and not any(sign in a + b for sign in ".e"):  # a count must be equal
            return False
        first, second = float(a), float(b)
    except ValueError:
        return False
    return abs(first - second) < ROUNDING + 0.01 * abs(second)


def test_the_page_shows_every_demo_except_that_of_runs_and_all_named_files_exist():
    assert len(SHOWN) == 16
    assert all(output for _, output in SHOWN)
    for name in re.findall(r"\]\(([\w./-]+)\)", PAGE):
        assert (ROOT / "docs" / name).stat().st_size < 200_000


@pytest.mark.slow
@pytest.mark.parametrize(("command", "output"), SHOWN, ids=[command for command, _ in SHOWN])
def test_a_command_prints_the_text_of_the_page(command, output, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "docs/nets", "docs/nets")
    quiet = ["hydra/job_logging=none", "hydra/hydra_logging=none"] if " theory " in command else []
    monkeypatch.setattr(sys, "argv", [*shlex.split(command), *quiet])
    main()
    printed = capsys.readouterr().out.splitlines()
    for line in output:
        place = next((number for number, found in enumerate(printed) if alike(line, found.strip())), None)
        assert place is not None, line
        printed = printed[place + 1 :]
