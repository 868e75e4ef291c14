"""docs/security.md names existing tests, files and flags of commands."""

import contextlib
import re
from pathlib import Path

import pytest

from colourize.cli.commands import parser
from colourize.cli.main import main

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/security.md").read_text()


def test_every_row_names_existing_tests():
    rows = re.findall(r"^\| .* \| (.*?) \|$", PAGE, re.M)[1:]
    assert len(rows) == 13
    for held_by in rows:
        files = re.findall(r"`(.*?)`", held_by)
        assert files and all((ROOT / file).is_file() for file in files), held_by


def test_every_linked_file_exists():
    for name in re.findall(r"\]\(([\w./-]+)\)", PAGE):
        assert (ROOT / "docs" / name).is_file()


@pytest.mark.parametrize("name", parser()[1])
def test_every_command_that_opens_a_checkpoint_and_no_other_takes_trust(name, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["colourize", name, "--help"])
    with contextlib.suppress(SystemExit):
        main()
    printed = capsys.readouterr().out
    assert printed
    takes = re.search(r"^  --trust PACKAGE ", printed, re.M) is not None
    assert takes is (
        name
        in (
            "evaluate",
            "decode-curve",
            "decode-sweep",
            "calibrate",
            "hints",
            "export",
            "push",
            "photo",
            "film",
            "app",
            "detect",
        )
    )
