# Every command of the project; `make` alone lists them. Needs only make and Python 3.11 or later.

PYTHON ?= python3
BIN := .venv/bin
DEMO_ARGUMENTS ?=
SERVE_ARGUMENTS ?=
TEST_ARGUMENTS ?=
TORTURE_ARGUMENTS ?=
LOCK_ARGUMENTS ?=

# Each answers to `--check` by failing when a file that it writes is out of date.
GENERATORS := tools/unasync.py tools/prices.py

# Another environment that happens to be active must not leak into ours.
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV CONDA_PREFIX
export PIP_USER := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export UV_SYSTEM_CERTS := 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

# uv does not read pip's configuration: it is told which index pip would use, unless it has been given its own.
pip_index = $(BIN)/python -m pip config list 2>/dev/null \
	| sed -nE "s/^(:env:|global|install)\.index-url='(.*)'$$/\2/p" | head -n 1
uv = UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$${UV_INDEX_URL:-$$($(pip_index))}}" $(BIN)/uv

# pip knows settings that uv does not (proxies, certificates): slower, it is asked when uv fails.
install = $(uv) pip install --quiet --python $(BIN)/python $(1) || $(BIN)/python -m pip install --quiet $(1)

compile = $(uv) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-annotate --no-emit-package backboard-sdk --custom-compile-command "make lock" $(LOCK_ARGUMENTS)

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test check fix generate bench torture lock clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

setup: .venv/ready-to-develop ## Make .venv with everything that running and developing needs

demo: .venv/ready-to-run ## See the main job done: a conversation, a restart, nothing lost
	@$(BIN)/backboard demo $(DEMO_ARGUMENTS)

serve: .venv/ready-to-run ## Start the server (SERVE_ARGUMENTS="--port 9000" changes how)
	@$(BIN)/backboard serve $(SERVE_ARGUMENTS)

test: check ## Run every check, then every test (TEST_ARGUMENTS="-k threads" picks some)
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile $(TEST_ARGUMENTS)

check: setup ## Check format, lint, types, rings, house rules, locks and generated files
	@$(BIN)/ruff format --quiet --check --diff .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/python -m pyright --warnings
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python tools/tidy.py
	@$(BIN)/python tools/locks.py
	@for generator in $(GENERATORS); do $(BIN)/python $$generator --check || exit 1; done

fix: setup generate ## Mend what can be mended by itself: format, imports, lint, generated files
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

generate: setup ## Write the generated files anew
	@for generator in $(GENERATORS); do $(BIN)/python $$generator || exit 1; done

bench: setup ## Run the benchmarks and write their results beside them
	@for benchmark in benchmarks/[a-z]*.py; do $(BIN)/python "$$benchmark" || exit 1; done

torture: setup ## Kill, cut, stop and flood a server (TORTURE_ARGUMENTS="--seed 7 --scale 0.1 --only kills,cuts")
	@PYTHONPATH=tools:. $(BIN)/python -m torture --keep $(TORTURE_ARGUMENTS)

lock: .venv/bin/uv ## Bring requirements/*.lock to what is declared (LOCK_ARGUMENTS=--upgrade: to the newest)
	@$(compile) --group bootstrap --output-file requirements/bootstrap.lock
	@$(compile) --all-extras --group build server/pyproject.toml sdk/pyproject.toml --output-file requirements/run.lock
	@$(compile) --no-deps --group embedder --output-file requirements/embedder.lock
	@$(compile) --group dev --constraint requirements/run.lock --output-file requirements/dev.lock

clean: ## Remove .venv and every cache; the data of your servers stays
	@rm -rf .venv .benchmarks .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -type d -name __pycache__ -prune -exec rm -rf {} +

.venv/bin/uv: requirements/bootstrap.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is not Python 3.11 or later: install one, or name it: make PYTHON=python3.11 setup" >&2; exit 1; }
	@echo "Making .venv and installing what is locked in requirements/"
	@$(PYTHON) -m venv .venv || { \
		echo "Python could not make .venv: install its venv module (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/bootstrap.lock
	@touch $@

.venv/ready-to-run: .venv/bin/uv requirements/run.lock requirements/embedder.lock sdk/pyproject.toml server/pyproject.toml
	@$(call install,--require-hashes --requirement requirements/run.lock)
	@$(call install,--no-deps --require-hashes --requirement requirements/embedder.lock)
	@$(call install,--no-deps --no-build-isolation -e sdk -e server)
	@touch $@

.venv/ready-to-develop: .venv/ready-to-run requirements/dev.lock
	@$(call install,--require-hashes --requirement requirements/dev.lock)
	@touch $@
