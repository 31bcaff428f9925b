# Two commands do everything on a fresh machine: `make demo` and `make test`.
# Each creates .venv and installs what it needs the first time.
# Choose the interpreter with `make test PYTHON=/path/to/python3.12`.

SHELL := /bin/bash
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest
WORKERS ?= 2
ARGS ?=
# Those that need images alone.
METHODS ?= source-only,adabn,adabn-long,minent,advent,intrada,sac-abn,sac-adabn,sac,oracle
# SDE also needs video, so it has a StreetWorld of its own.
SDE_METHODS ?= sde-ssl-supervised,sde-ssl-classmix,sde-ssl-depthmix,sde-ssl-exact,sde-ssl-transfer,sde-ssl,sde-supervised,sde-no-mgs-mtl,sde-no-mtl,sde,sde-select-random,sde-select-diversity,sde-select
SDE_DIRECTIONS ?= swc-4,swc-8,swc-30,swg2swc
SDE_WORLD ?= data/street_world_video
CANDIDATES := $(or $(PYTHON),python3 python3.13 python3.12 python3.11 \
  python3.10 python)

.DEFAULT_GOAL := help
.PHONY: help install demo benchmark benchmark-sde test test-slow lint format doctor clean

help:
	@echo 'make demo       train, test and compare on StreetWorld'
	@echo 'make benchmark  every method on StreetWorld, three seeds, one table'
	@echo 'make benchmark-sde  SDE on StreetWorld video, the same'
	@echo 'make test       default tests (ARGS="-k name" is passed to pytest)'
	@echo 'make test-slow  learning tests'
	@echo 'make lint       ruff check and format check'
	@echo 'make format     ruff fixes and format'
	@echo 'make doctor     check this environment'
	@echo 'make clean      remove caches and builds (keeps .venv and data)'

install: $(STAMP)

# The stamp is written last: an interrupted installation starts again.
$(STAMP): setup.py mmseg_da/version.py $(wildcard requirements/*.txt)
	@set -e; \
	find_python() { \
	  for name in $(CANDIDATES); do \
	    if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	        >/dev/null 2>&1; then echo "$$name"; return; fi; \
	  done; \
	}; \
	python=$$(find_python); \
	if [ -z "$$python" ]; then \
	  echo "No Python >= 3.10 found (tried: $(CANDIDATES))." \
	    "Install one, then run: make $(firstword $(MAKECMDGOALS))" \
	    "PYTHON=/path/to/python3" >&2; \
	  exit 1; \
	fi; \
	echo "Installing into $(VENV) with $$("$$python" --version)" \
	  "(a few minutes, once)"; \
	rm -f $(STAMP); \
	if ! "$$python" -m venv $(VENV); then \
	  echo "The venv module of $$python does not work; on Debian and" \
	    "Ubuntu: apt install python3-venv" >&2; \
	  exit 1; \
	fi; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  -e '.[onedl,dev]' -c requirements/constraints.txt; \
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/python tools/demo.py $(ARGS)

benchmark: $(STAMP)
	$(BIN)/python tools/benchmark.py run --directions swg2swc \
	  --methods $(METHODS) --seeds 0,1,2 --parallel $(WORKERS) --out work_dirs/benchmark $(ARGS)

benchmark-sde: $(STAMP)
	STREET_WORLD_ROOT=$(SDE_WORLD) $(BIN)/python tools/benchmark.py run \
	  --directions $(SDE_DIRECTIONS) --methods $(SDE_METHODS) --seeds 0,1,2 \
	  --parallel $(WORKERS) --out work_dirs/benchmark_sde $(ARGS)

test: $(STAMP)
	$(PYTEST) -n $(WORKERS) $(ARGS)

test-slow: $(STAMP)
	$(PYTEST) -n $(WORKERS) -m slow $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

doctor: $(STAMP)
	$(BIN)/python tools/doctor.py $(ARGS)

clean:
	rm -rf build dist .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
