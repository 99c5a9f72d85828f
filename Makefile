# One command each: what it needs is installed first, into .venv.
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
PEERS := .venv-peers
SOURCES := src tests benchmarks docs

.PHONY: demo monitor test check format docs dist bench bench-peers clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.ready  ## simulate, train, evaluate, report
	$(VENV)/bin/prismseg demo --out runs/demo-$$(date +%Y%m%d-%H%M%S)

monitor: $(VENV)/.ready-monitor  ## the bedside monitor on a simulated ward
	$(VENV)/bin/prismseg monitor

test: $(VENV)/.ready-dev  ## every test
	OMP_NUM_THREADS=1 $(PY) -m pytest --numprocesses auto

check: $(VENV)/.ready-dev  ## lint, format, types, import floors, circles
	$(VENV)/bin/ruff check $(SOURCES)
	$(VENV)/bin/ruff format --check $(SOURCES)
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PY) -m pytest --quiet tests/test_architecture.py

format: $(VENV)/.ready-dev  ## put the sources in order
	$(VENV)/bin/ruff check --fix $(SOURCES)
	$(VENV)/bin/ruff format $(SOURCES)

docs: $(VENV)/.ready-docs  ## the documentation as a site in site/ that opens without a network; a broken link fails
	NO_COLOR=1 $(VENV)/bin/mkdocs build --strict --clean --quiet
	@echo "Open site/index.html"

dist: $(VENV)/.ready-dist  ## wheel and source distribution, checked in a clean environment
	rm -rf dist build
	$(PY) -m build > /dev/null
	$(VENV)/bin/twine check --strict dist/*
	python3 -m venv build/clean
	build/clean/bin/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt dist/*.whl
	build/clean/bin/python tests/first_steps.py

bench: $(VENV)/.ready-dev  ## ratios of speed and memory
	$(PY) benchmarks/speed.py
	$(PY) benchmarks/explain.py
	$(PY) benchmarks/faithfulness.py
	$(PY) benchmarks/phantom.py
	$(PY) benchmarks/instant.py --images 20
	$(PY) benchmarks/thermal.py --sessions 60 --frames 20

bench-peers: $(PEERS)/.ready  ## other people's networks and maps, in an environment of their own
	$(PEERS)/bin/python benchmarks/peers.py
	$(PEERS)/bin/python benchmarks/peer_maps.py
	$(PEERS)/bin/python benchmarks/peer_pages.py
	$(PEERS)/bin/python -m pytest --quiet tests/oracles/test_zennit_oracle.py tests/oracles/test_quantus_oracle.py
	$(PEERS)/bin/python benchmarks/explain.py

$(VENV)/.ready: pyproject.toml constraints.txt
	test -x $(PY) || python3 -m venv $(VENV)
	@echo "Installing prismseg into $(VENV) (once, some minutes) ..."
	$(PIP) --editable ".[encoders]"
	@touch $@

$(VENV)/.ready-monitor: $(VENV)/.ready
	@echo "Installing what the monitor needs ..."
	$(PIP) --editable ".[monitor]"
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	@echo "Installing the tools for tests and checks ..."
	$(PIP) --editable ".[dev]"
	@touch $@

$(VENV)/.ready-docs: $(VENV)/.ready
	@echo "Installing the tools for the documentation ..."
	$(PIP) --editable ".[docs,monitor]"
	@touch $@

$(VENV)/.ready-dist: $(VENV)/.ready
	$(PIP) --editable ".[dist]"
	@touch $@

$(PEERS)/.ready: pyproject.toml Makefile benchmarks/requirements-peers.txt
	test -x $(PEERS)/bin/python || python3 -m venv $(PEERS)
	@echo "Installing torchvision and peers into $(PEERS) (several GB) ..."
	$(PEERS)/bin/python -m pip --disable-pip-version-check install --quiet \
		torch==2.14.1 torchvision==0.29.1 --requirement benchmarks/requirements-peers.txt --editable ".[encoders]"
	@touch $@

clean:  ## remove the environments and caches, never the runs
	rm -rf $(VENV) $(PEERS) site build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
