"""The package is installed under its own name, and never by a name that belongs to somebody else."""

import logging
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from colourize import __version__
from colourize.errors import to_install
from colourize.runs import environment

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
GENERATED = {"outputs", "multirun", "data", "dist", "__pycache__"}
# a name, not a file or a folder: "install colourize", "install -U 'colourize[sweep]'", "uv add colourize-networks"
BY_NAME = re.compile(r"\b(?:install|uv add|pipx run|uvx)\s+(?:-\S+\s+)*['\"`]?colourize[\w-]*+(?!\S*\.whl)(?!\.?[/\w])")


def texts():
    for folder, names, files in os.walk(ROOT):
        names[:] = [name for name in names if name not in GENERATED and (name[0] != "." or name in (".ci", ".github"))]
        for file in (Path(folder, name) for name in files):
            if file.suffix not in (".png", ".svg", ".npy", ".ckpt", ".pyc") and file != Path(__file__):
                yield file, file.read_text(encoding="utf-8", errors="replace")


@pytest.mark.parametrize("word", ["", "-U ", "--upgrade --pre "])
@pytest.mark.parametrize("name", ["'{}[sweep]'", "{}", '"{}"', "{}-networks", "{}==0.1.0", "{}."])
def test_commands_that_install_a_package_by_name_are_recognised(word, name):
    assert BY_NAME.search(f"pip install {word}{name.format('colourize')}")


def test_a_wheel_and_a_checkout_are_not_names():
    wheel = "colourize_networks-0.1.0-py3-none-any.whl"
    for words in ("'.[sweep]'", wheel, f"'dist/{wheel}[sweep]'", "./colourize", "colourize/"):
        assert not BY_NAME.search(f"pip install {words}")
    assert not BY_NAME.search("pip uninstall colourize")


def test_no_text_suggests_to_install_a_foreign_package_by_name():
    found = [f"{file}: {match[0]}" for file, text in texts() for match in BY_NAME.finditer(text)]
    assert found == []


def test_the_search_covers_the_texts_that_once_suggested_it():
    read = {str(file.relative_to(ROOT)) for file, _ in texts()}
    assert read >= {"README.md", "Makefile", "docs/sweeps.md", "conf/hydra/sweeper/optuna.yaml",
                    "colourize/sweeps/stored_search.py", ".ci/run", ".github/workflows/ci.yml"}  # fmt: skip


def test_the_distribution_has_its_own_name_and_the_command_is_colourize():
    assert PROJECT["name"] == "colourize-networks"
    assert PROJECT["scripts"] == {"colourize": "colourize.cli.main:program"}


@pytest.mark.parametrize("extra", sorted(PROJECT["optional-dependencies"]))
def test_an_extra_is_named_as_pip_accepts_it_for_a_checkout_and_a_wheel(extra):
    assert to_install(extra) == f"pip install '.[{extra}]' in a checkout, 'FILE.whl[{extra}]' from a wheel"


def test_a_run_stores_its_version_for_any_name_of_the_distribution(monkeypatch):
    asked = []
    monkeypatch.setattr(environment, "version", lambda name: asked.append(name) or "1")
    assert environment.environment("cpu", 1)["colourize"] == __version__
    assert not [name for name in asked if "colourize" in name]


def test_a_run_from_before_the_distribution_had_its_name_is_begun_with_the_same_version(caplog):
    now = environment.environment("cpu", 1)
    with caplog.at_level(logging.WARNING):
        environment.warn_of_other_bits({**now, "colourize": __version__}, now)
        assert not caplog.records
        environment.warn_of_other_bits({**now, "colourize": "0.0.9"}, now)
    assert f"colourize 0.0.9, now {__version__}" in caplog.text


def test_it_runs_without_an_installed_distribution(tmp_path):
    script = (
        "import importlib.metadata as m; real = m.version\n"
        "def version(name):\n"
        "    if 'colourize' in name: raise m.PackageNotFoundError(name)\n"
        "    return real(name)\n"
        "m.version = version\n"
        "from colourize.runs import environment; print(environment.environment('cpu', 1)['colourize'])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert done.stdout.strip() == __version__, done.stderr
