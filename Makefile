# make demo   set everything up and leave the demo running, called
# make test   set everything up, check and test: what CI runs
# make check  format, lint, types, architecture, vendored facts
# make quick  unit, golden and property tests only (under a minute)
# make bench  measurements, with peers in the same run

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo demo-down test check quick bench clean

$(STAMP): pyproject.toml requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Klotho needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements-dev.lock -e .
	@touch $@

demo: $(STAMP)
	@$(BIN)/python tools/demo.py

demo-down: $(STAMP)
	@$(BIN)/python tools/demo.py --down

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/refresh_facts.py --check

quick: $(STAMP)
	$(BIN)/pytest -n 2 -m 'not localcloud and not examples'

test: check
	$(BIN)/pytest -n 2 -m 'not localcloud and not examples'
	$(BIN)/pytest -n 2 --dist loadfile -m 'localcloud or examples'

bench: $(STAMP)
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) compiled build dist

.PHONY: lock
lock: $(STAMP)
	$(BIN)/uv pip compile --quiet --universal --extra dev pyproject.toml -o requirements-dev.lock --no-emit-index-url
