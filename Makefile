# Kontor: everything a developer types. `make` alone lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup run test test-all test-some test-programs mutants bench drift bench-peers lint lock clean

PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.setup-stamp
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
# The tests start hundreds of processes: what they import is compiled once and kept, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE
PYTEST = $(BIN)/python -m pytest -n 2
# What pip says, as one line on a terminal that grows: how many of the packages are there.
PROGRESS = awk -v all="$$(grep -c == requirements/dev.txt)" \
	'/^Collecting/ {printf "\r  fetched %d of %d", ++n, all; fflush()} /^Installing collected/ {printf "\n  unpacking ...\n"; fflush()}'
COMPILE = $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-annotate --no-header \
	--no-emit-options --no-emit-index-url --no-emit-find-links --no-emit-trusted-host $(LOCK_OPTIONS)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## create .venv with everything in the locks (uv is used when it is there)

run: $(STAMP) ## start a node with an example shop on port 8081 and replay one month of real orders
	$(BIN)/kontor demo

test: $(STAMP) ## the fast tests, five to eight minutes on two cores
	$(PYTEST)

test-all: $(STAMP) ## every test, the slow ones too
	$(PYTEST) -m "slow or not slow"

test-some: $(STAMP) ## the fast tests that a change since main touches: BASE=HEAD~1 for another base, LIST=yes says which
	$(BIN)/python -m tests.touched --base $(or $(BASE),main) $(if $(LIST),--list,-n 2)

test-programs: ## install the programs some tests need (Debian, as root): strace, curl, openssl, jq, xxd
	@for program in strace curl openssl jq xxd; do command -v $$program >/dev/null || missing="$$missing $$program"; done; \
	if [ -n "$$missing" ]; then apt-get update -qq && apt-get install -y -qq $$missing; fi

mutants: $(STAMP) ## small changes to the core, and whether a test notices: MUTANTS="--seed 2 --changes 350 --least 0.95" and more
	$(BIN)/python -m tests.mutants $(MUTANTS)

bench: $(STAMP) ## the bench suite: BENCH="--size medium --only http" and more, see kontor bench --help
	$(BIN)/python -m bench $(BENCH)

drift: $(STAMP) ## ratios of speeds against their history: DRIFT="--no-write" and more, see python -m bench.drift --help
	$(BIN)/python -m bench.drift $(DRIFT)

bench-peers: ## install what Kontor is compared with (Debian, as root): PostgreSQL, Redis
	@for program in pgbench redis-server; do command -v $$program >/dev/null || missing=yes; done; \
	if [ -n "$$missing" ]; then apt-get update -qq && apt-get install -y -qq postgresql redis-server; fi

lint: $(STAMP) ## ruff and mypy --strict, for tests and examples as well
	$(BIN)/ruff check .
	$(BIN)/mypy

lock: $(STAMP) ## write the locks again (LOCK_OPTIONS=--upgrade takes the newest releases)
	$(COMPILE) --output-file requirements/run.txt pyproject.toml
	$(COMPILE) --constraint requirements/run.txt --extra test --extra dev --output-file requirements/dev.txt pyproject.toml
	sed -i -e '/^#/d' -e '/^$$/d' requirements/run.txt requirements/dev.txt

clean: ## remove .venv and everything that can be made again
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A .venv whose interpreter works is kept and brought up to date; nothing is fetched that the lock does not name.
$(STAMP): requirements/run.txt requirements/dev.txt pyproject.toml
ifneq ($(UV),)
	@$(BIN)/python -c '' 2>/dev/null || $(UV) venv --quiet --clear --python '>=3.11' $(VENV)
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
else
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Kontor needs Python 3.11 or later. Name one: make setup PYTHON=/path/to/python3.11'; exit 1; }
	@if $(BIN)/python -m pip --version >/dev/null 2>&1; then :; \
	elif $(PYTHON) -c 'import ensurepip' 2>/dev/null; then $(PYTHON) -m venv --clear $(VENV); \
	elif $(PYTHON) -m pip --version >/dev/null 2>&1; then $(PYTHON) -m venv --clear --without-pip $(VENV); \
	else \
		echo 'This Python cannot create a virtual environment: Debian keeps that part in a package of its own.'; \
		echo 'Either run "apt install python3-venv" as root, or install uv; then run make again.'; \
		exit 1; \
	fi
	@echo 'Installing the locked packages into $(VENV) (once, one to four minutes) ...'
	@if $(BIN)/python -m pip --version >/dev/null 2>&1; then pip='$(BIN)/python -m pip'; \
	else pip='$(PYTHON) -m pip --python $(BIN)/python'; fi; \
	set -e -o pipefail; \
	$$pip install --disable-pip-version-check --progress-bar off --require-hashes -r requirements/dev.txt | $(PROGRESS); \
	PYTHONWARNINGS=ignore $$pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
endif
	@touch $@
