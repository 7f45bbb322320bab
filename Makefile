# Two commands are all that a fresh machine needs: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: help demo test test-slow test-browser test-train lint format benchmarks clean

help:
	@echo "make demo          score a few photos and degraded copies; prints where the report is"
	@echo "make test          ruff, mypy and the tests"
	@echo "make test-slow     the long tests: killed runs, simulations, memory"
	@echo "make test-browser  report pages in headless Chromium (needs chromium and its driver)"
	@echo "make test-train    training and export of students (needs torch)"
	@echo "make benchmarks    speed and memory, as ratios taken in one run"

# A virtual environment with everything the tests and the demo need, made again when the
# project's dependencies change. Python's first pip may be old, so pip is brought up to date.
$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

# Torch is pinned: an unpinned one may bring several gigabytes of CUDA.
$(VENV)/.ready-train: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet torch==2.13.0 'onnx>=1.17'
	@touch $@

demo: $(VENV)/.ready
	$(BIN)/python -m runs.demo

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -m "not slow and not browser and not train"

test-slow: $(VENV)/.ready
	$(BIN)/python -m pytest -m slow

test-browser: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet 'selenium>=4.20'
	$(BIN)/python -m pytest -m browser

test-train: $(VENV)/.ready-train
	$(BIN)/python -m pytest -m train

benchmarks: $(VENV)/.ready
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

format: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) demo snellen-runs .pytest_cache .mypy_cache .ruff_cache
