# Two commands matter to a newcomer: `make run` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
ESTATE ?=
ARGS ?=
UV ?= uv
RECORDINGS ?= $(wildcard ../shared/recordings)
# A process for each processor, of which more than four would wait for the longest files.
PROCESSES ?= $(shell n=$$(nproc); echo $$((n < 4 ? n : 4)))
PARTED := -n $(PROCESSES) --dist loadfile --no-loadscope-reorder
BIN := .venv/bin
LOCKS := requirements.lock requirements-dev.lock

.PHONY: help run test truth lint format bench fuzz chaos lock wheel clean peers

help: ## list what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

.venv/.run: requirements.lock pyproject.toml tests/setup/venv.sh
	@tests/setup/venv.sh "$(PYTHON)" requirements.lock
	@touch $@

.venv/.dev: requirements-dev.lock pyproject.toml tests/setup/venv.sh
	@tests/setup/venv.sh "$(PYTHON)" requirements-dev.lock
	@touch .venv/.run $@

run: .venv/.run ## start the agent on the demo estate, or on your own: make run ESTATE=path
	@if [ -n "$(ESTATE)" ]; then exec $(BIN)/ridgeway run --config.file "$(ESTATE)" $(ARGS); else exec $(BIN)/ridgeway demo $(ARGS); fi

peers: ## install the Debian packages that the tests start as peers (needs root or sudo)
	@tests/setup/peers.sh

test: .venv/.dev peers ## run every test, against real peers where they are installed; some: make test ARGS=tests/config
	@RIDGEWAY_RECORDINGS="$(RECORDINGS)" tests/setup/suite.sh $(BIN)/pytest $(PARTED) $(ARGS)

truth: .venv/.dev ## run only the tests that read recordings of real devices
	@RIDGEWAY_RECORDINGS="$(RECORDINGS)" $(BIN)/pytest $(PARTED) tests/truth

lint: .venv/.dev ## ruff, mypy --strict and the import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.dev ## let ruff order imports and format the code
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

bench: .venv/.dev ## measure the figures, each beside its peer in the same run
	@$(BIN)/python -m tests.benchmarks

fuzz: .venv/.dev ## a million mutated SNMP replies and a million inputs for each parser (samples are in `make test`)
	@RIDGEWAY_FUZZ_REPLIES=1000000 $(BIN)/pytest -o timeout=0 tests/checks/transports/snmp/test_mutated_replies.py
	@RIDGEWAY_FUZZ_INPUTS=1000000 $(BIN)/pytest -o timeout=0 tests/fuzz

chaos: .venv/.dev ## kill the delivery 200 times at every step, an agent 50 times in a story, and the feed for 10,000 events
	@RIDGEWAY_KILLS=200 RIDGEWAY_RESTARTS=50 $(BIN)/pytest -o timeout=0 tests/acceptance -k kill
	@RIDGEWAY_FEED_EVENTS=10000 $(BIN)/pytest -o timeout=0 tests/acceptance/test_feed_readers.py

lock: ## renew the hashed locks from pyproject.toml (needs uv)
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra postgresql --group build pyproject.toml -o requirements.lock
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra postgresql --group build --group dev pyproject.toml -o requirements-dev.lock

wheel: .venv/.run ## build dist/ridgeway-*.whl, to be installed on a server
	@$(BIN)/python -m pip wheel --disable-pip-version-check -q --no-deps --no-build-isolation -w dist .
	@ls dist/ridgeway-*.whl

clean: ## remove the virtual environment, the caches and what was built
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
