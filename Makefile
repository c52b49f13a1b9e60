# Rehearsal. `make` lists the targets.
SHELL := /bin/sh
PYTHON := .venv/bin/python
export PYTHONDONTWRITEBYTECODE := 1
.DEFAULT_GOAL := help
.PHONY: help env demo up down status logs clean-data books test test-unit test-containers test-sip test-pipecat whisper test-whisper campaign mutants check format bench bench-compare bench-lists bench-calls bench-spoken docs lock

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: .venv/ready ## make .venv from uv.lock

.venv/ready: pyproject.toml uv.lock deploy/local/make-env.sh
	@sh deploy/local/make-env.sh

demo: env ## set everything up and watch real test calls happen
	@$(PYTHON) -m deploy.demo

up: env ## run PostgreSQL, Kafka and the four services; returns when all is ready
	@$(PYTHON) -m deploy.local.up

down: env ## stop everything; the data stay
	@$(PYTHON) -m deploy.local.down

clean-data: env ## stop everything and delete the data
	@$(PYTHON) -m deploy.local.down --data

status: env ## what runs, where, and whether it is ready
	@$(PYTHON) -m deploy.local.status

logs: env ## follow the logs (one: make logs s=api)
	@$(PYTHON) -m deploy.local.logs $(s)

books: env ## compare every run, hold, slot and attempt of the four services; exit code 1 names leaks
	@$(PYTHON) -m deploy.books $(args)

test: env ## all tests, on real PostgreSQL and Kafka that they start and stop
	@$(PYTHON) -m pytest -q -n 3 --dist worksteal

test-unit: env ## the unit tests alone: seconds, nothing is started
	@$(PYTHON) -m pytest -q tests/unit

test-containers: env ## integration and end-to-end tests through testcontainers (installs an engine where there is none)
	@bash deploy/containers/test.sh

test-sip: env ## calls with sipp, Kamailio and baresip, also on a network that loses a tenth (fetches them from Debian)
	@$(PYTHON) -m pytest -q -m 'not campaign' tests/sip tests/integration/sip

test-pipecat: env ## call a stock Pipecat agent with speech both ways (installs pipecat-ai under .local/pipecat)
	@sh tests/pipecat/install.sh && $(PYTHON) -m pytest -q -s -m pipecat tests/pipecat

whisper: env ## install what SPEECH_STT=whisper reads with: faster-whisper and Whisper base, under .local/whisper
	@sh deploy/local/speech/install-whisper.sh

test-whisper: whisper ## read noisy calls with whisper (installs it under .local/whisper)
	@$(PYTHON) -m pytest -q -s -m whisper tests/whisper

campaign: env ## the long versions of the randomised tests
	@$(PYTHON) -m pytest -q -m campaign

check: env ## lint, format, types, import contracts
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/lint-imports

format: env ## format the code
	@.venv/bin/ruff check --fix . ; .venv/bin/ruff format .

mutants: env ## put deliberate faults into a copy of the code: its tests must notice each (one: make mutants only=relay)
	@$(PYTHON) -m tests.mutants "$(only)"

bench: env ## measure the pipeline with zero-length calls
	@$(PYTHON) -m deploy.bench

bench-compare: env ## the pipeline at another revision and here, in turns (base=REV)
	@$(PYTHON) -m deploy.bench.compare $(base)

bench-lists: env ## measure lists of an organisation with a million runs, and a key look-up beside them
	@$(PYTHON) -m deploy.bench.lists

bench-calls: env ## measure a hundred calls' sound in one process for a minute, and sipp for the same calls
	@$(PYTHON) -m deploy.bench.calls

bench-spoken: env ## measure whole calls over SIP in a caller as it runs, 20, 50 and 100 at once
	@$(PYTHON) -m deploy.bench.spoken_calls

docs: env ## write docs/asyncapi.yaml anew from the register of events
	@$(PYTHON) -m shared.events.docs

lock: env ## resolve uv.lock anew
	@.local/bootstrap/bin/uv lock --upgrade
