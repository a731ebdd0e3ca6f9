# `make run` and `make test` do all the set-up they need. Nothing here needs root, Docker or a cloud account.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
STATE := .finops

# What another Python project left in the shell must not leak into this one.
unexport PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help run test ui lint check docs bench evaluate stop clean lock

help: ## Show this list
	@echo "make run                  take in what is new, build, check, report (sample organisation)"
	@echo "make run CONFIG=path      the same on your own bills"
	@grep -E '^(test|ui|lint|check|docs|bench|evaluate|stop|clean|lock):.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-20s %s\n", $$1, $$2}'

run: $(READY)
	@$(BIN)/finops run $(if $(CONFIG),--config "$(CONFIG)")

test: $(READY) ## Run the whole test suite; ARGS="-k words" for a part of it
	@$(BIN)/python -m pytest $(ARGS)

ui: $(READY) ## Serve Dagster's web interface and run its daemon until Ctrl-C; CONFIG=path, PORT=number
	@$(BIN)/finops ui $(if $(CONFIG),--config "$(CONFIG)") $(if $(PORT),--port $(PORT))

lint: $(READY) ## Check style, types and SQL
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/sqlfluff lint --disable-progress-bar dbt_project/models dbt_project/tests

docs: $(READY) ## Write the generated documentation anew
	@$(BIN)/python -m orchestration.docs

check: docs ## Check that the generated documentation is the committed one
	@git diff --exit-code -- docs || { echo "docs/ is not current: commit what 'make docs' wrote" >&2; exit 1; }

bench: $(READY) ## Measure speed, in ratios
	@$(BIN)/python -m benchmarks

evaluate: $(READY) ## Measure accuracy on published data, and write docs/accuracy.md
	@for sample in 101:2026-06-30 102:2027-01-12 103:2026-04-05; do \
		$(BIN)/python -m orchestration.sample --out $(STATE)/evaluate/$${sample%:*} --seed $${sample%:*} --end $${sample#*:} || exit 1; done
	@$(BIN)/python -m ml.evaluation $(foreach seed,101 102 103,--sample $(STATE)/evaluate/$(seed))

stop: ## Stop the embedded PostgreSQL
	@if [ -x $(BIN)/finops ]; then $(BIN)/finops db stop; fi

# The server first: its data may live outside of the state directory. FINOPS_HOME may hold other things, so only the
# project's own state directory is removed.
clean: ## Stop the server and remove the state directory (the whole warehouse) and caches
	@if [ -x $(BIN)/finops ]; then env -u FINOPS_HOME $(BIN)/finops db stop --delete-data; fi
	@rm -rf $(STATE) .tmp_dagster_home_* .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

lock: ## Resolve pyproject.toml into requirements.lock (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv on PATH: pip install uv" >&2; exit 1; }
	@uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --quiet -o requirements.lock

# An environment without the mark is of a set-up that was broken off, whose packages may be incomplete: made anew.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { \
		echo "error: Python 3.11, 3.12 or 3.13 is needed, and '$(PYTHON)' is not one: make run PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "error: '$(PYTHON)' has no venv module; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Setting up $(VENV) from requirements.lock: 2 to 5 minutes, only when the lock changes"
	@if [ -f $(READY) ] && $(BIN)/python -c ''; then rm $(READY); else $(PYTHON) -m venv --clear $(VENV); fi
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-input --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-input --no-deps --no-build-isolation -e .
	@touch $(READY)
