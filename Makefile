# make train · make test · make faults · make lint: each sets up .venv by itself
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: train test faults lint format wheel clean

train: .venv/installed
	$(BIN)/python train.py data=scenes $(ARGS)

test: .venv/installed
	$(BIN)/python -m pytest --ignore tests/faults $(ARGS)

faults: .venv/installed
	$(BIN)/python -m pytest tests/faults $(ARGS)

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
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "colourize wants Python 3.11 or newer, $(PYTHON) is " + sys.version.split()[0] + "; pass PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip uninstall -qq --yes colourize  # what this distribution was called before
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,sweep]'
	@touch $@
