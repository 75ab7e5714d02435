.PHONY: help install demo test pytest soak bench screenshots lint lock clean
.DEFAULT_GOAL := help

PYTHON ?= python3
PORT ?= 8080
RUNS ?= 20
FAULTS ?=
VENV := .venv
RUN := $(VENV)/bin/python
# Dozens of processes start while testing: none of them should compile every module again.
export PYTHONDONTWRITEBYTECODE :=

help:  ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

demo: $(VENV)/run.ok  ## the gateway and the sandbox, with a page to try it on
	@$(RUN) -m gateway demo --port $(PORT)

install: $(VENV)/run.ok  ## what dragoman needs, in .venv

test: $(VENV)/test.ok  ## every test, linter and type check
	@tests/tools.sh
	@$(MAKE) --no-print-directory -j2 lint pytest
	@tests/tools.sh left-out

pytest: $(VENV)/test.ok
	$(RUN) -m pytest

soak: $(VENV)/test.ok  ## RUNS trials of each fault (FAULTS="killed,power cut" for some) against the ledger
	DRAGOMAN_SOAK=$(RUNS) DRAGOMAN_SOAK_ONLY="$(FAULTS)" $(RUN) -m pytest tests/test_ledger.py -k holds -n 0 --timeout 0

bench: $(VENV)/test.ok $(VENV)-peers/ok  ## what it costs, beside other gateways, into benchmarks/README.md
	PEERS=$(VENV)-peers/bin/python PYTHONPATH=. $(RUN) benchmarks/bench.py

screenshots: $(VENV)/test.ok  ## the pictures of the console in docs
	DOCS=docs $(RUN) -m pytest -q -n 0 tests/test_admin_browser.py -k pictures

$(VENV)-peers/ok: requirements-bench.lock
	test -x $(VENV)-peers/bin/python || $(PYTHON) -m venv $(VENV)-peers
	$(VENV)-peers/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-bench.lock
	touch $@

lint: $(VENV)/test.ok  ## ruff, mypy and what the containers are made of, alone
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/hadolint Dockerfile
	$(VENV)/bin/check-jsonschema -q --builtin-schema vendor.compose-spec compose.yaml

# uv does the same work faster where it is installed; nothing needs it.
define install
	test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	if command -v uv >/dev/null; then uv pip install -q --python $(RUN) --require-hashes $(1); \
	else $(RUN) -m pip install -q --disable-pip-version-check --require-hashes $(1); fi
endef

$(VENV)/run.ok: requirements.lock pyproject.toml
	$(call install,-r requirements.lock)
	$(RUN) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/test.ok: $(VENV)/run.ok requirements-test.lock
	$(call install,-r requirements-test.lock)
	touch $@

lock:  ## resolve the dependencies anew (needs uv)
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-annotate \
		--python-version 3.11 pyproject.toml --group build -o requirements.lock
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-annotate \
		--python-version 3.11 pyproject.toml --group build --group test -c requirements.lock -o requirements-test.lock
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-annotate \
		--python-version 3.11 benchmarks/peers.in -o requirements-bench.lock

clean:  ## remove what make made
	rm -rf $(VENV) $(VENV)-peers
