"""docs/security.md names what is there: tests that hold it, files that it explains, flags of its commands."""

import re
from pathlib import Path

from colourize import verbs

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/security.md").read_text()


def test_every_row_is_held_by_tests_that_are_there():
    rows = re.findall(r"^\| .* \| (.*?) \|$", PAGE, re.M)[1:]
    assert len(rows) == 6
    for held_by in rows:
        files = re.findall(r"`(.*?)`", held_by)
        assert files and all((ROOT / file).is_file() for file in files), held_by


def test_every_file_it_links_to_is_there():
    for name in re.findall(r"\]\(([\w./-]+)\)", PAGE):
        assert (ROOT / "docs" / name).is_file()


def test_every_verb_that_opens_a_checkpoint_takes_trust():
    source = Path(verbs.__file__).read_text()
    assert source.count("    _add_trust(parser)\n") == len(("evaluate", "decode-sweep", "calibrate", "hints"))
