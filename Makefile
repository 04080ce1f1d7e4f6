# make demo   set everything up and leave the demo running, called
# make test   set everything up, check and test: what CI runs
# make system install what the tests need of the machine (MariaDB, a browser, Buildah): part of make test
# make check  format, lint, types, architecture, vendored facts
# make quick  unit, golden and property tests only (under a minute)
# make gates  every template judged by cfn-lint and checkov, every export run or read by the tool it is for
# make dotnet the .NET SDK of the tests: part of make test
# make go     the Go modules of the tests: part of make test
# make whole  all tests, also those that `make test` takes a part of: every gate, every kill, every crash
# make bench  measurements, with peers in the same run

# Where an environment forbids bytecode, every process would compile everything anew: a third of the tests' time.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo demo-down test whole system dotnet go check quick gates bench clean

$(STAMP): pyproject.toml requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Klotho needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements-dev.lock -e .
	@touch $@

# Checkov pins a hundred packages of its own: it lives in an environment of its own.
GATES := .venv-gates
$(GATES)/.installed: requirements-gates.lock $(STAMP)
	$(PYTHON) -m venv $(GATES)
	$(BIN)/uv pip install --quiet --python $(GATES)/bin/python -r requirements-gates.lock
	@touch $@

# Pulumi's SDKs with AWS's, for Python and Node, and the AWS CLI.
EXPORTS := .venv-exports
EXPORTS_NODE := tests/gates/exports/typescript
$(EXPORTS)/.installed: requirements-exports.lock $(EXPORTS_NODE)/package-lock.json $(STAMP)
	$(PYTHON) -m venv $(EXPORTS)
	$(BIN)/uv pip install --quiet --python $(EXPORTS)/bin/python -r requirements-exports.lock
	mkdir -p $(EXPORTS)/typescript
	cp $(EXPORTS_NODE)/package.json $(EXPORTS_NODE)/package-lock.json $(EXPORTS)/typescript/
	npm ci --prefix $(EXPORTS)/typescript --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# The .NET SDK that the tests build and run C# with.
DOTNET := .venv-dotnet
$(DOTNET)/.installed: tools/install_dotnet.sh tests/dotnet/package-lock.json tests/dotnet/openssl.lock | $(STAMP)
	UV=$(BIN)/uv tools/install_dotnet.sh $(DOTNET)
	@touch $@

dotnet: $(DOTNET)/.installed

# The Go modules of the tests, of Debian's packages, and what takes long to compile the first time.
GO := .venv-go
$(GO)/.installed: tools/install_go_modules.py tests/golang/modules.lock tests/go_modules.py $(STAMP)
	rm -rf $(GO) && mkdir $(GO)
	$(BIN)/python tools/install_go_modules.py $(GO)
	$(BIN)/python -m tests.go_modules
	@touch $@

go: $(GO)/.installed

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
	$(BIN)/python tools/write_pairs.py --check
	$(BIN)/python tools/write_export_types.py --check

quick: $(STAMP)
	$(BIN)/pytest -n 2 -m 'not localcloud and not examples and not gates'

gates: $(STAMP) $(GATES)/.installed $(EXPORTS)/.installed
	KLOTHO_TESTS=all $(BIN)/pytest -m gates

whole: system check $(GATES)/.installed $(EXPORTS)/.installed $(DOTNET)/.installed $(GO)/.installed
	KLOTHO_TESTS=all $(BIN)/pytest -n 2 --dist loadfile

system:
	@tools/install_system_packages.sh

test: system check $(GATES)/.installed $(EXPORTS)/.installed $(DOTNET)/.installed $(GO)/.installed
	$(BIN)/pytest -n 2 -m 'not localcloud and not examples and not gates'
	$(BIN)/pytest -n 2 --dist loadfile -m 'localcloud or examples or gates'

bench: $(STAMP)
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) $(GATES) $(EXPORTS) $(DOTNET) $(GO) compiled build dist

.PHONY: lock
lock: $(STAMP)
	$(BIN)/uv pip compile --quiet --universal --extra dev pyproject.toml -o requirements-dev.lock --no-emit-index-url
	echo 'checkov>=3.2,<4' | $(BIN)/uv pip compile --quiet --python-version 3.11 - -o requirements-gates.lock --no-emit-index-url
	$(BIN)/uv pip compile --quiet --python-version 3.11 requirements-exports.in -o requirements-exports.lock --no-emit-index-url
	npm install --prefix $(EXPORTS_NODE) --package-lock-only --ignore-scripts --no-audit --no-fund
