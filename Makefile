# The whole of OpenFlywheel from a bare machine: Python 3.11 or newer and make are all it asks for.
#
#   make demo     contributions become an adapter that answers real requests
#   make serve    the site, on what the demo left, until Ctrl-C
#   make test     every test, on a real PostgreSQL and a real Valkey
#   make test-argilla  both review desks against a real argilla-server (or ARGILLA_API_URL)
#   make test-generated  clients that generators make of docs/openapi.json, in Python and TypeScript
#   make crawl    pages from every side in a real browser, at every width, in the dark
#   make fuzz     20,000 made-up requests against the API (FUZZ_CASES=…)
#   make soak     everybody at everything for ten minutes (SOAK_SECONDS=…)
#   make messages the strings of the site into locale/, compiled
#   make check    style, types, import order, migrations, drawings
#
# Each makes .venv and installs requirements.lock when needed; after that nothing is downloaded.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo serve test test-argilla test-generated crawl fuzz soak check messages services-start services-stop lock clean browser

export OMP_NUM_THREADS ?= 1
export HF_HUB_DISABLE_TELEMETRY = 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PIP_ROOT_USER_ACTION = ignore

PYTHON := .venv/bin/python
MANAGE := $(PYTHON) manage.py
STAMP := .venv/.installed-from-lock
# One more than two cores: browsers and whole sites wait as long as they work.
WORKERS ?= 3

help:
	@sed -n 's/^#   //p' Makefile

demo: $(STAMP)
	@$(MANAGE) demo $(if $(DATA),--data "$(DATA)")

serve: $(STAMP)
	@$(MANAGE) serve $(if $(PORT),--port $(PORT))

# The tests start their own services (tests/settings.py); here they end, whatever the verdict.
# One file stays on one worker: a running site is shared by the tests of its file.
test: $(STAMP) browser
	@OPENFLYWHEEL_ENV=test $(MANAGE) services start >/dev/null
	@verdict=0; $(PYTHON) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS) || verdict=$$?; \
	OPENFLYWHEEL_ENV=test $(MANAGE) services stop >/dev/null; exit $$verdict

# The server has an environment of its own under var/, made from tests/argilla/'s pins.
test-argilla: $(STAMP)
	@OPENFLYWHEEL_ENV=test $(MANAGE) services start >/dev/null
	@verdict=0; $(PYTHON) -m pytest tests/argilla $(ARGS) || verdict=$$?; \
	OPENFLYWHEEL_ENV=test $(MANAGE) services stop >/dev/null; exit $$verdict

# The generators, and a Node from a wheel, have environments of their own under var/, made from
# tests/generated/'s pins; where npm's registry is out of reach, TypeScript is skipped.
test-generated: $(STAMP)
	@OPENFLYWHEEL_ENV=test $(MANAGE) services start >/dev/null
	@verdict=0; $(PYTHON) -m pytest -rs tests/generated $(ARGS) || verdict=$$?; \
	OPENFLYWHEEL_ENV=test $(MANAGE) services stop >/dev/null; exit $$verdict

crawl: $(STAMP) browser
	@OPENFLYWHEEL_ENV=test $(MANAGE) services start >/dev/null
	@verdict=0; $(PYTHON) -m pytest -m crawl -n 2 --dist loadfile tests/pages $(ARGS) || verdict=$$?; \
	OPENFLYWHEEL_ENV=test $(MANAGE) services stop >/dev/null; exit $$verdict

fuzz: $(STAMP)
	@OPENFLYWHEEL_ENV=test $(MANAGE) services start >/dev/null
	@verdict=0; FUZZ_CASES=$${FUZZ_CASES:-20000} $(PYTHON) -m pytest -s \
	tests/api/test_hostile_requests.py || verdict=$$?; \
	OPENFLYWHEEL_ENV=test $(MANAGE) services stop >/dev/null; exit $$verdict

check: $(STAMP)
	@PYTHON=$(PYTHON) .ci/check

soak: $(STAMP)
	@OPENFLYWHEEL_ENV=test $(MANAGE) services start >/dev/null
	@verdict=0; SOAK_SECONDS=$${SOAK_SECONDS:-600} $(PYTHON) -m pytest -s \
	tests/reviews/queue/test_races.py || verdict=$$?; \
	OPENFLYWHEEL_ENV=test $(MANAGE) services stop >/dev/null; exit $$verdict

messages: $(STAMP)
	@$(MANAGE) write_messages

services-start: $(STAMP)
	@$(MANAGE) services start

services-stop: $(STAMP)
	@$(MANAGE) services stop
	@OPENFLYWHEEL_ENV=test $(MANAGE) services stop

lock: $(STAMP)
	@$(PYTHON) .ci/lock

clean:
	@if [ -x $(PYTHON) ] && [ -d var ]; then \
	$(MANAGE) services remove; OPENFLYWHEEL_ENV=test $(MANAGE) services remove; fi
	rm -rf var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path "./.venv/*" -prune -exec rm -rf {} +

browser:
	@.ci/browser

# The stamp is written last, so that an interrupted installation is taken up again.
$(STAMP): requirements.lock .ci/install .ci/command
	@.ci/install
