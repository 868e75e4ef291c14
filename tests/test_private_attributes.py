"""Private names of other libraries: listed, existing, and used only in one place."""

import ast
import importlib
import pkgutil
import re
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
TEXTS = {
    "_norm": "an ending of functions' names",
    "_preds": "an ending of our own names",
    "_files": "likewise",
    "_pytorch_model": "an ending of packages' names",
    "_reconstruct": "a name in pickles, which is looked up in our own table",
    "_codecs": "likewise",
    "numpy._core.multiarray": "likewise",
    "_frozen_importlib": "a module in which a signal may leave an object half made",
}
NAMES = re.compile(r"_?[a-zA-Z]\w*(\.\w+)*")


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
        library = name.removeprefix("colourize.private.").partition(".")[0]
        pytest.fail(f"{name} is gone ({error}): change its adaptor in colourize/private/{library}.py")


@pytest.mark.parametrize("name", ["torch._no_such_name", "torch.no_such_module.name", "torch.UntypedStorage()._no"])
def test_a_missing_name_is_reported(name):
    with pytest.raises(pytest.fail.Exception, match=f"{name.replace('(', '.').replace(')', '.')} is gone"):
        test_the_library_still_has(name)


def private_uses(text):
    """Private attributes of other objects or of base classes, imports of private names, and texts with such names."""
    nodes = list(ast.walk(ast.parse(text)))
    own = {name for node in nodes for name in _defined(node)}
    for node in nodes:
        if isinstance(node, ast.Attribute):
            if _is_private(node.attr) and not (_is_of_self(node) and node.attr in own):
                yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            yield from (name for name in names if _is_private(name))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _has_private_name(node.value):
            yield node.value


def _has_private_name(text):
    return NAMES.fullmatch(text) is not None and text not in TEXTS and any(map(_is_private, text.split(".")))


def _defined(node):
    """Names that a class defines in its body or assigns to self."""
    if isinstance(node, ast.Attribute) and _is_of_self(node) and isinstance(node.ctx, ast.Store):
        yield node.attr
    for each in node.body if isinstance(node, ast.ClassDef) else ():
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            yield each.name
        if isinstance(each, ast.Assign | ast.AnnAssign):
            yield from (
                name.id for name in ast.walk(each) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
            )


def _is_of_self(node):
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


def _is_private(name):
    return name.startswith("_") and not name.startswith("__") and name not in PUBLIC


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("other._x", ["other._x"]),
        ("from a._b import c", ["_b"]),
        ("class A(B):\n    def f(self): return self._x", ["self._x"]),
        ("class A(B):\n    def f(self): self._x = 1; return self._x", []),
        ("class A(B):\n    _x: int = 1\n    _y, _z = 1, 2\n    def f(self): return self._x, self._y, cls._z", []),
        ("class A:\n    def _f(self): self._f()", []),
        ("state['_x'], 'a._y', 'an _x', '_target_'", ["_x", "a._y"]),
    ],
)
def test_private_names_in_source_are_found(text, found):
    assert sorted(private_uses(text)) == sorted(found)


def test_no_other_file_uses_a_private_name():
    files = [file for file in ROOT.rglob("*.py") if file.parent != ROOT / "private"]
    files += (ROOT.parent / "hydra_plugins").rglob("*.py")
    assert {str(file.relative_to(ROOT.parent)): list(private_uses(file.read_text())) for file in files
            if list(private_uses(file.read_text()))} == {}  # fmt: skip


def test_the_uses_in_the_adaptors_are_listed():
    for module in MODULES:
        listed = importlib.import_module(f"colourize.private.{module}").USED
        for use in private_uses((ROOT / "private" / f"{module}.py").read_text()):
            part = next(part for part in use.split(".") if _is_private(part))
            assert any(part in name.split(".") for name in listed), f"{module}: {use}"
