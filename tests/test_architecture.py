"""docs/architecture.md names the checked layers, the existing packages, and existing files. Tests import helpers, never
each other."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROOT = TESTS.parent
PAGE = (ROOT / "docs/architecture.md").read_text()


def rows_of_the_page():
    return [set(row.split(" · ")) for row in re.findall(r"^ +\d +((?:\w+ · )*\w+)(?:  |$)", PAGE, re.M)]


def test_the_rows_of_packages_are_the_layers_that_lint_checks():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    assert rows_of_the_page() == [set(re.findall(r"colourize\.(\w+)", layer)) for layer in layers]


def test_every_package_has_its_row():
    packages = {path.parent.name for path in (ROOT / "colourize").glob("*/__init__.py")}
    assert packages <= set().union(*rows_of_the_page())


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_every_file_named_on_a_page_exists(page):
    named = re.findall(r"`((?:colourize|conf|tests|benchmarks)/[\w./]*)`", page.read_text())
    assert page.name != "architecture.md" or len(named) > 40
    assert [name for name in named if not (ROOT / name).exists() and "GROUP" not in name] == []


def test_no_test_imports_another_one():
    found = []
    for path in TESTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            found += [(path.name, name) for name in names if re.match(r"tests\.(\w+\.)*test_", name)]
    assert found == []
