"""Paths as quoted values, read back by Hydra."""

from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from colourize.config.quoting import word


@pytest.mark.parametrize("path", ["/a/b.c", "a b/c", "a,b(1)/c=d", "it's", 'a"b', "back\\", "$x/{y}", "[z]", "é/ü"])
def test_hydra_reads_the_path_back(path):
    (override,) = OverridesParser.create().parse_overrides([word("data.root", Path(path))])
    value = override.value()
    assert str(getattr(value, "text", value)) == path


def test_a_plain_path_is_written_unchanged():
    assert word("data.root", Path("/a/b-c.d")) == "data.root=/a/b-c.d"
