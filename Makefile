# make train · make test · make faults · make check (every test) · make lint: each sets up .venv by itself
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
WORKERS ?= 2
NEEDED := --constraint constraints.txt --editable '.[dev,sweep]'
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

.PHONY: train test faults check lint format wheel clean

train: .venv/installed
	$(BIN)/python train.py data=scenes $(ARGS)

test: .venv/installed
	$(PYTEST) --ignore tests/faults -m 'not slow' $(ARGS)

faults: .venv/installed
	$(PYTEST) tests/faults $(ARGS)

check: .venv/installed
	$(PYTEST) tests tests/faults $(ARGS)  # both named, for the options and the table of tests/faults

lint: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

wheel: .venv/installed
	$(BIN)/python -m build --wheel --no-isolation

clean:
	rm -rf .venv dist

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "colourize requires Python 3.11 or newer, $(PYTHON) is " + sys.version.split()[0] + "; pass PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip uninstall -qq --yes colourize  # what this distribution was called before
	$(BIN)/python -m pip install --quiet --upgrade pip
	index=$$($(BIN)/python -m pip config list | sed -n "s/^\(global\|install\)\.index-url='\(.*\)'/\2/p" | tail -n 1); \
	$(BIN)/python -m pip install --quiet uv && UV_DEFAULT_INDEX=$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$index}} \
	$(BIN)/uv pip install --quiet --python $(BIN)/python $(NEEDED) || \
	$(BIN)/python -m pip install --quiet $(NEEDED)  # uv takes a third of pip's time, but ignores its settings
	@touch $@
