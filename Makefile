# The whole project from one place; `make help` lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
TARGETS ?= targets.yml
BRIDGE ?= alertbridge.yml
DATA ?= data
BIN := .venv/bin

.PHONY: help run demo test bench fmt lint type secrets clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: .venv/.run ## run the whole stack on targets.yml until Ctrl-C (TARGETS=, BRIDGE=, DATA=)
	@$(BIN)/python -m tools.run --targets "$(TARGETS)" --bridge "$(BRIDGE)" --data "$(DATA)"

demo: .venv/.run ## run the whole stack on a simulated country; needs neither root nor a VPN
	@$(BIN)/python -m tools.run --demo --bridge "$(BRIDGE)" --data "$(DATA)"

test: .venv/.dev lint type ## everything: lint, types, configurations and all tests (most of their time is waiting)
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

bench: .venv/.dev ## measure side by side with fping, smokeping_prober, blackbox_exporter; writes bench/results.md
	@$(BIN)/python -m bench

fmt: .venv/.dev ## format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

lint: .venv/.dev ## check style and format
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

type: .venv/.dev ## check types
	@$(BIN)/mypy

secrets: .venv/.run ## write what is missing under secrets/ for docker compose; overwrites nothing
	@$(BIN)/python -m tools.secrets

clean: ## remove what was built and fetched (not data/, not secrets/)
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache *.egg-info

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name it with make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "The venv module is missing; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

.venv/.run: .venv/bin/python pyproject.toml constraints.txt
	@echo "Installing into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[run]'
	@touch $@

.venv/.dev: .venv/bin/python pyproject.toml constraints.txt
	@echo "Installing into .venv (with what the tests need) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@ .venv/.run
