# Lilliput. Each target makes the environment in .venv first, and again when a lock has changed.
#
#   make find     finds the smallest model that passes at arithmetic   (ARGS="--budget 1h")
#   make test     all tests                                            (ARGS="-k ledger")
#   make check    format, lint, types
#   make bench    the figures of speed and size, beside something else where it can be timed

VENV := .venv
BIN := $(VENV)/bin
# The first Python here that is new enough; PYTHON=... chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
ARGS ?=
.DEFAULT_GOAL := help
.PHONY: help find test check bench clean

help:
	@sed -n '3,6s/^# *//p' Makefile

find: $(VENV)/installed
	$(BIN)/lilliput find arithmetic $(ARGS)

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/installed-dev
	$(BIN)/python -m bench $(ARGS)

clean:
	rm -rf $(VENV)

$(VENV)/made:
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Lilliput needs Python 3.11 or newer; found: $$(python3 --version 2>&1)." \
			"Install one, or write: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: requirements.txt pyproject.toml setup.py $(wildcard lilliput/engine/*.[ch]) | $(VENV)/made
	@echo "making the environment in $(VENV); this happens once"
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements.txt
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps \
		--no-build-isolation -e .
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt | $(VENV)/installed
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements-dev.txt
	@touch $@
