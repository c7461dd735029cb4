# Everything from a bare machine with Python (3.11 or later) and make: each target sets up .venv by itself.
# The set-up needs a network once; afterwards nothing does, until a lock changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_READY := $(VENV)/.ready-run
DEV_READY := $(VENV)/.ready-dev
PEERS_READY := $(VENV)/.ready-peers
JOBS ?= 2
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --no-compile
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --quiet

# The demonstration: a built-in plan as it stands, and as the optimiser would have it.
DEMO_PLAN ?= two-by-two
DEMO := demo

.PHONY: help demo test verify lint format lock bench docs clean
.DEFAULT_GOAL := help

help:
	@echo "make demo     simulate a built-in plan, optimise it, compare the two, write a report page into $(DEMO)/"
	@echo "make test     style, types and tests"
	@echo "make verify   the tests that take long, too"
	@echo "make lint     style and types only          make format  put the style right"
	@echo "make bench    measure speed, ours and peers' make docs    write the reference pages from the types"
	@echo "make lock     pin the dependencies anew     make clean   remove .venv, $(DEMO)/ and caches"

demo: $(RUN_READY)
	@rm -rf $(DEMO) && mkdir -p $(DEMO)
	$(BIN)/attain simulate $(DEMO_PLAN) -n 1000 --seed 1 --out $(DEMO)/before
	$(BIN)/attain optimise $(DEMO_PLAN) -n 1000 --seed 1 --effort 0.25 --out $(DEMO)/plan.yaml --result $(DEMO)/optimised.json
	$(BIN)/attain compare $(DEMO_PLAN) $(DEMO)/plan.yaml -n 1000 --seed 1
	$(BIN)/attain report $(DEMO)/before --optimised $(DEMO)/optimised.json --out $(DEMO)/report.html
	@echo "The page: $(DEMO)/report.html"

# A test that hangs is ended, with what every thread was doing: none takes a tenth of that.
test: lint
	$(BIN)/python -m pytest -n $(JOBS) -o faulthandler_timeout=600 -o faulthandler_exit_on_timeout=true

verify: lint
	$(BIN)/python -m pytest -n $(JOBS) -m "long or not long" --hypothesis-profile=explore

lint: $(DEV_READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(DEV_READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(PEERS_READY)
	$(BIN)/python -m benchmarks.run

docs: $(DEV_READY)
	$(BIN)/python -c "from pathlib import Path; from engine.plan.document import write_text; from engine.plan.reference import render; write_text(render(), Path('docs/plan-reference.md'))"

# Keeps the versions that still fit; UPGRADE=--upgrade takes the newest of everything.
lock: $(BIN)/python
	$(PIP) "uv>=0.5"
	$(LOCK) --extra build $(UPGRADE) --output-file requirements.lock
	$(LOCK) --extra build --extra dev --constraint requirements.lock $(UPGRADE) --output-file requirements-dev.lock
	$(LOCK) --extra build --extra dev --extra peers --constraint requirements-dev.lock $(UPGRADE) \
		--output-file requirements-peers.lock

clean:
	rm -rf $(VENV) $(DEMO) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find attain engine solvers scenarios tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null 2>&1 || \
		{ echo "No '$(PYTHON)' found. Install Python 3.11 or later, or say where it is: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$$($(PYTHON) --version) is too old: Python 3.11 or later is needed. Another one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "Python could not make a virtual environment; on Debian and Ubuntu: apt install python3-venv"; exit 1; }

$(RUN_READY): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Setting up $(VENV) (a minute or two, once) ..."
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV_READY): requirements-dev.lock requirements.lock pyproject.toml | $(BIN)/python
	@echo "Setting up $(VENV) with the development tools (a minute or two, once) ..."
	@$(PIP) --require-hashes -r requirements-dev.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $(RUN_READY) $@

$(PEERS_READY): requirements-peers.lock $(DEV_READY)
	@$(PIP) --require-hashes -r requirements-peers.lock
	@touch $@
