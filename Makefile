# Candor. `make help` explains; every target is a thin call, the work is in infra/.
.DEFAULT_GOAL := help
PYTHON ?= python3
SAMPLE ?= default
WORKERS ?= 2000
EXPORTS ?=
VAR ?=
FUZZ_SECONDS ?= 300
READER ?=
CANDOR := $(PYTHON) -m infra.run

.PHONY: help env run up down clean check test test-s3 test-roads bench fuzz

help: ## what can be done here
	@$(PYTHON) -m infra.run.help

env: ## .venv from uv.lock
	@$(PYTHON) -m infra.setup.venv

run: ## the whole road: exports to released, scored and monitored models
	@$(CANDOR) run --sample "$(SAMPLE)" --workers "$(WORKERS)" --exports "$(EXPORTS)" --var "$(VAR)"

up: ## Airflow of a company, kept running
	@$(CANDOR) up --sample "$(SAMPLE)" --workers "$(WORKERS)" --exports "$(EXPORTS)" --var "$(VAR)"

down: ## stop it
	@$(CANDOR) down --var "$(VAR)"

clean: ## stop it and remove the company's folder
	@$(CANDOR) clean --var "$(VAR)"

check: env ## style, types and import contracts
	@.venv/bin/ruff check . && .venv/bin/ruff format --check --quiet .
	@.venv/bin/mypy && .venv/bin/lint-imports --no-cache

test: env ## all tests, the whole road at 200 workers among them
	@infra/setup/chromium.sh || true
	@env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -m pytest -n 3 --dist loadscope --no-loadscope-reorder

test-s3: env ## the store's tests and the whole road at 200 workers on a real S3 server
	@env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -m pytest -m "s3road or not s3road" tests/s3

test-roads: env ## whole roads: biased decisions, a real S3 server, another user, the real exports
	@env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -m pytest -m "roads or s3road" tests/e2e tests/s3

bench: env ## the figures, as ratios in one run
	@env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -m tests.bench $(if $(VAR),--var "$(VAR)")

fuzz: env ## every reader against bytes of any kind, FUZZ_SECONDS each; READER=hdl is one alone
	@.venv/bin/python -m infra.setup.fuzzing
	@env -u PYTHONDONTWRITEBYTECODE var/fuzz/venv/bin/python -m tests.fuzz --seconds $(FUZZ_SECONDS) $(if $(READER),--reader $(READER))
