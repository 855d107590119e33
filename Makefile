# `make demo` and `make test` need nothing but Python 3.11 or newer: they make .venv themselves.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PACKAGE := clinical_model_selector
FOLDERS := package schemas profiling synthesizers evidence chains agents app
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check
CODE := $(shell find $(FOLDERS) -type f -not -path '*/__pycache__/*') pyproject.toml
SOURCES := $(CODE) README.md .env.example docker-compose.yml Dockerfile mkdocs.yml requirements.lock \
	$(shell find tests examples notebooks benchmarks docs -type f -not -path '*/__pycache__/*' -not -path '*/.*' 2>/dev/null)
# Further extras that the tests then use, such as EXTRAS=spark (450 MB, and Java).
EXTRAS ?=
# Processes that run the tests, a file in one of them; 0 runs all in this one.
WORKERS ?= 2
DEV := $(VENV)/.dev$(EXTRAS:%=-%)
export PYTHONDONTWRITEBYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: help demo light serve test environments reference check lint types imports format lock clean

help:
	@echo 'make demo    a plan for the table in examples/'
	@echo 'make light   what synthesize, evaluate, tune and auto need besides'
	@echo 'make serve   the service and its page on http://localhost:8000/'
	@echo 'make test    the tests'
	@echo 'make environments  what the synthesizers'"'"' own libraries need, 10 GB; without them their tests are skipped'
	@echo 'make reference  what sdmetrics says to the tests'"'"' tables, kept for them'
	@echo 'make check   style, types, import direction, and the tests if anything changed since they last passed'
	@echo 'make format  let ruff rewrite what it can'
	@echo 'make lock    pin today'"'"'s newest versions in requirements.lock'

demo: $(VENV)/.runtime
	$(BIN)/clinical-model-selector select examples/gbsg2.csv --target cens

light: $(VENV)/.light
	@echo 'Now: $(BIN)/clinical-model-selector auto examples/gbsg2.csv --target cens -o synthetic.csv'

serve: $(VENV)/.service
	$(BIN)/clinical-model-selector serve

test: $(DEV)
	@rm -f $(VENV)/.tested
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile $(PYTEST_ARGS)
	@touch $(VENV)/.tested

environments: $(DEV)
	$(BIN)/clinical-model-selector environments --create all

# Asks the library that metrics are held against, and keeps its answers for the tests.
reference: $(DEV) $(VENV)/sdmetrics/.complete
	$(BIN)/python tests/sdmetrics_cases.py $(VENV)/sdmetrics/bin/python

check: lint types imports $(VENV)/.tested

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# The type checker and import-linter judge what a user gets: the package as installed, not the folders it is built from.
types: $(VENV)/.regular
	cd $(VENV)/regular && MYPYPATH=. ../bin/mypy --strict --cache-dir ../.mypy_cache --config-file ../../pyproject.toml -p $(PACKAGE)

imports: $(VENV)/.regular
	PYTHONPATH=$(VENV)/regular $(BIN)/lint-imports --no-logo

format: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(BIN)/python
	$(BIN)/python .ci/lock.py

clean:
	rm -rf $(VENV) build dist *.egg-info

$(BIN)/python:
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer is needed; name it: make PYTHON=/path/to/python' >&2; exit 1; }
	@'$(PYTHON)' -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml requirements.lock | $(BIN)/python
	@echo 'Setting up .venv, about a minute ...'
	@$(PIP) install --constraint requirements.lock --editable .
	@touch $@

$(VENV)/.light: pyproject.toml requirements.lock | $(BIN)/python
	@echo 'Setting up .venv with what carries plans out, about a minute ...'
	@$(PIP) install --constraint requirements.lock --editable '.[light]'
	@touch $@ $(VENV)/.runtime

$(VENV)/.service: pyproject.toml requirements.lock | $(BIN)/python
	@echo 'Setting up .venv with the service, about a minute ...'
	@$(PIP) install --constraint requirements.lock --editable '.[light,service]'
	@touch $@ $(VENV)/.runtime

$(DEV): pyproject.toml requirements.lock | $(BIN)/python
	@echo 'Setting up .venv with the tools of development, about two minutes ...'
	@$(PIP) install --constraint requirements.lock --editable '.[dev$(EXTRAS:%=,%)]'
	@touch $@ $(VENV)/.runtime

# The reference that metrics are tested against cannot be installed beside the rest.
$(VENV)/sdmetrics/.complete: tests/evidence/sdmetrics.txt | $(BIN)/python
	@rm -rf $(VENV)/sdmetrics
	@$(BIN)/python -m venv $(VENV)/sdmetrics
	@$(VENV)/sdmetrics/bin/python -m pip -qq --disable-pip-version-check install --requirement $<
	@touch $@

$(VENV)/.regular: $(DEV) $(CODE)
	@rm -rf $(VENV)/regular build
	@$(PIP) install --no-deps --no-build-isolation --target $(VENV)/regular .
	@rm -rf build
	@touch $@

$(VENV)/.tested: $(DEV) $(SOURCES)
	$(MAKE) test
