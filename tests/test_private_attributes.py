"""Private names of other libraries: listed, existing, and used only in one place."""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

from colourize import private

MODULES = [module.name for module in pkgutil.iter_modules(private.__path__)]
USED = [name for module in MODULES for name in importlib.import_module(f"colourize.private.{module}").USED]
ROOT = Path(private.__file__).parent.parent
PUBLIC = {
    "_target_",
    "_partial_",
    "_replace",
    "_asdict",
    "_fields",
    "_exit",
}  # keys of Hydra, and documented names of named tuples and of os


def resolved(name):
    """The object of a dotted name; a part with "()" is called; a key of a dictionary or a list is looked up."""
    first, *parts = name.split(".")
    value, path = importlib.import_module(first), first
    for part in parts:
        path = f"{path}.{part.removesuffix('()')}"
        if isinstance(value, dict | list):
            value = value[int(part) if part.isdecimal() else part]
            continue
        try:
            value = getattr(value, part.removesuffix("()"))
        except AttributeError:
            value = importlib.import_module(path)
        value = value() if part.endswith("()") else value
    return value


@pytest.mark.parametrize("name", USED)
def test_the_library_still_has(name):
    try:
        resolved(name)
    except (ImportError, AttributeError, KeyError) as error:
        pytest.fail(f"{name} is gone ({error}): change its adaptor in colourize/private/{name.partition('.')[0]}.py")


@pytest.mark.parametrize("name", ["torch._no_such_name", "torch.no_such_module.name", "torch.UntypedStorage()._no"])
def test_a_missing_name_is_reported(name):
    with pytest.raises(pytest.fail.Exception, match=f"{name.replace('(', '.').replace(')', '.')} is gone"):
        test_the_library_still_has(name)


def private_uses(text):
    """Private attributes of other objects, and imports of private names, in Python source."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and _is_private(node.attr):
            if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")):
                yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            yield from (name for name in names if _is_private(name))


def _is_private(name):
    return name.startswith("_") and not name.startswith("__") and name not in PUBLIC


def test_no_other_file_uses_a_private_name():
    files = [file for file in ROOT.rglob("*.py") if file.parent != ROOT / "private"]
    assert {str(file.relative_to(ROOT)): list(private_uses(file.read_text())) for file in files
            if list(private_uses(file.read_text()))} == {}  # fmt: skip


def test_the_uses_in_the_adaptors_are_listed():
    for module in MODULES:
        listed = importlib.import_module(f"colourize.private.{module}").USED
        for use in private_uses((ROOT / "private" / f"{module}.py").read_text()):
            part = next(part for part in use.split(".") if _is_private(part))
            assert any(part in name.split(".") for name in listed), f"{module}: {use}"
