# Every command runs in .venv, which is set up when it is missing or stale. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help setup demo test check smoke bench locks format clean
SHELL := /bin/sh
BIN := .venv/bin
STAMP := .venv/.bulkhead
OFFLINE := $(BIN)/python -m portal.demo.offline
FRESH ?=
ARGS ?=
export PYTHON

$(STAMP): deploy/setup deploy/locks/installer.txt deploy/locks/development.txt pyproject.toml
	@deploy/setup

help: ## List these commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup: ## Prepare .venv from the locks (PYTHON=/path/to/python3 picks the interpreter)
	@deploy/setup

demo: $(STAMP) ## Start everything and print the address (FRESH=1 starts anew; Ctrl-C stops)
	@$(BIN)/python -m portal.demo $(if $(FRESH),--fresh) $(ARGS)

test: $(STAMP) ## Run the tests with branch coverage, installing a browser when there is none (ARGS="-n0 -k name")
	@deploy/browser
	@deploy/debian pgbouncer pgbouncer --version >/dev/null
	@ssh=$$(deploy/debian openssh-client ssh -V) && PATH="$$PATH:$${ssh%/*}" && \
		$(BIN)/pytest -p randomly --cov --numprocesses auto --dist worksteal --max-worker-restart 0 $(ARGS)

check: $(STAMP) ## Run linters, types, layers, templates, migrations and locks
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(OFFLINE) $(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --check --lint portal/templates
	$(OFFLINE) $(BIN)/python -W "ignore:Got an error checking" manage.py makemigrations --check --dry-run
	$(BIN)/python -m deploy.migrations
	$(BIN)/python -m deploy.locks --check

smoke: $(STAMP) ## Drive the main job on a stack of its own (ARGS="--base-url URL" for a running one)
	@$(BIN)/python -m portal.demo.smoke $(ARGS)

bench: $(STAMP) ## Measure against peers and references (ARGS="secrets" for one)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r deploy/locks/bench.txt
	@$(OFFLINE) $(BIN)/python manage.py bench $(ARGS)

locks: $(STAMP) ## Recompile deploy/locks from pyproject.toml (ARGS="--upgrade" takes newer versions)
	@$(BIN)/python -m deploy.locks $(ARGS)

format: $(STAMP) ## Format code and templates
	$(BIN)/ruff check --fix --select I
	$(BIN)/ruff format
	$(BIN)/djlint --reformat --quiet portal/templates

clean: ## Remove the environment, builds and caches; the demo's data stays
	rm -rf .venv .build artefacts .coverage* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
