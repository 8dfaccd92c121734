# `make demo` and `make test` are each fine as the first command on a fresh machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# several tests at once, as many as tests/conftest.py says for this machine; make test WORKERS=0 runs them one by one
WORKERS ?= auto
IN_PARALLEL := --numprocesses $(WORKERS) --dist worksteal

SERVERS ?= litellm katan aimock llamacpp transformers

.PHONY: help install demo test all-tests test-clusters test-servers test-beam test-quick format hooks lint ruff types bench clean

help: ## say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

install: $(STAMP) ## make .venv and install everything into it

$(STAMP): requirements.txt setup.py
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 10) <= sys.version_info[:2] <= (3, 13) else "beam-distill needs Python 3.10 to 3.13; set PYTHON=python3.x")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what requirements.txt pins into $(VENV): a few minutes the first time, and pip says what it is doing."
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --progress-bar off -r requirements.txt
	@# setuptools warns in a box of every editable installation, also of one that is as it should be
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --no-build-isolation --no-deps -e .
	touch $(STAMP)

demo: $(STAMP) ## every task on our own examples against the embedded teacher
	$(BIN)/python examples/demo.py

test: $(STAMP) ruff ## lint, types and all tests
	@# mypy uses one core for a minute: beside the tests nobody waits for it
	@$(MAKE) --no-print-directory --jobs=2 types all-tests

all-tests: $(STAMP)
	$(BIN)/python -m pytest $(IN_PARALLEL)

test-clusters: $(STAMP) ## real Flink, Spark, Prism and Azurite, made from the registries; some 15 minutes, and the fetching the first time
	PYTHONPATH=tests $(BIN)/python -m clusters.prepare
	CLUSTER_TESTS=1 $(BIN)/python -m pytest tests/clusters --timeout 600 -q

test-servers: $(STAMP) ## real model servers, fetched from the registries; some 6 minutes the first time, SERVERS="katan aimock" names fewer
	PYTHONPATH=tests $(BIN)/python -m servers.prepare $(SERVERS)
	SERVER_TESTS="$(SERVERS)" $(BIN)/python -m pytest tests/servers --timeout 300 -q

test-beam: $(STAMP) ## what Beam does not promise and we lean on, asked of the Beam that is installed
	$(BIN)/python -m pytest tests/test_beam_contract.py -q

test-quick: $(STAMP) ## all tests but those marked slow
	$(BIN)/python -m pytest $(IN_PARALLEL) -m 'not slow'

format: $(STAMP) ## write all Python files as ruff formats them
	$(BIN)/ruff format .

hooks: $(STAMP) ## have git check every commit as make lint does (pre-commit)
	$(BIN)/pre-commit install

lint: ruff types ## ruff, its format, and mypy strict on all there is

ruff: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

bench: $(STAMP) ## the short benchmarks, under 10 minutes
	$(BIN)/python -m benchmarks.run --short

clean: ## remove the virtual environment and what runs left behind
	rm -rf $(VENV) demo-output build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
