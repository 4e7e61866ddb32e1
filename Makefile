# The commands of README and .ci/run. `make repro` and `make test` need nothing before them.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Apache Beam holds protobuf back, so its test has an environment of its own.
BEAM := $(VENV)-beam
BEAM_READY := $(BEAM)/.ready
# PyTorch is several GB, so the test of pretrained forecasters has one, too.
FOUNDATION := $(VENV)-foundation
FOUNDATION_READY := $(FOUNDATION)/.ready
# The libraries of benchmarks/forecast.py, PyTorch among them.
PEERS := $(VENV)-peers
PEERS_READY := $(PEERS)/.ready
DOCS := $(VENV)-docs
DOCS_READY := $(DOCS)/.ready

# Telemetry of every tool is off, and bytecode is kept (imports are three times faster with it).
export DVC_NO_ANALYTICS := 1
export DO_NOT_TRACK := 1
export GX_ANALYTICS_ENABLED := false
export MLFLOW_DISABLE_TELEMETRY := true
unexport PYTHONDONTWRITEBYTECODE
# The stages of dvc.yaml call `python`: the one of the environment. Its scripts are called as modules: their first line does not
# work in a folder with certain characters.
ifneq (,$(findstring :,$(CURDIR))$(findstring %,$(CURDIR)))
  $(error the path $(CURDIR) contains a colon or %, which PATH or MLflow cannot have; rename the folder)
endif
export PATH := $(CURDIR)/$(BIN):$(PATH)
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

# $(call environment,folder,lock): a virtual environment with what a lock names, and the package itself.
define environment
@"$(PYTHON)" -c "import sys; sys.exit(sys.version_info[:2] != (3, 11))" 2>/dev/null || { echo "error: no Python 3.11 on the PATH; install it or call make PYTHON=/path/to/python3.11" >&2; exit 1; }
@test -x $(1)/bin/python || "$(PYTHON)" -m venv $(1)
@echo "making the environment in $(1) ..."
@$(1)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
@$(1)/bin/uv pip sync --quiet --python $(1)/bin/python --require-hashes --compile-bytecode $(2)
@$(1)/bin/uv pip install --quiet --python $(1)/bin/python --no-deps --no-build-isolation --compile-bytecode --editable .
@touch $(1)/.ready
endef

.DEFAULT_GOAL := help
.PHONY: help env repro ui test test-slow test-gpu test-beam test-foundation check format docs pictures peers lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(READY)  ## create .venv with the locked requirements, byte-compiled

$(READY): requirements.lock requirements-uv.lock pyproject.toml
	$(call environment,$(VENV),requirements.lock)

$(BEAM_READY): requirements-beam.lock requirements-uv.lock pyproject.toml
	$(call environment,$(BEAM),requirements-beam.lock)

$(FOUNDATION_READY): requirements-foundation.lock requirements-uv.lock pyproject.toml
	$(call environment,$(FOUNDATION),requirements-foundation.lock)

# MkDocs needs an environment of its own, without the package: it reads docstrings from the sources.
$(DOCS_READY): requirements-docs.lock requirements-uv.lock | $(READY)
	@test -x $(DOCS)/bin/python || "$(PYTHON)" -m venv $(DOCS)
	@uv pip sync --quiet --python $(DOCS)/bin/python --require-hashes requirements-docs.lock
	@touch $@

# Nor do the peers need the package.
$(PEERS_READY): requirements-peers.lock requirements-uv.lock | $(READY)
	@test -x $(PEERS)/bin/python || "$(PYTHON)" -m venv $(PEERS)
	@echo "making the environment in $(PEERS) ..."
	@uv pip sync --quiet --python $(PEERS)/bin/python --require-hashes requirements-peers.lock
	@touch $@

repro: $(READY)  ## run what params.yaml asks for and is not yet there (JOBS=1: one stage at a time)
	@python -m strokecast.commands.cli repro $(if $(JOBS),--jobs "$(JOBS)")

ui: $(READY)  ## open the MLflow board on http://127.0.0.1:5000 (PORT=... for another port)
	@python -m strokecast.commands.cli ui --port "$(or $(PORT),5000)"

test: $(READY)  ## unit and contract tests and one tiny run of the pipeline (at most 5 minutes on 2 cores)
	@python -m pytest -q -m "not slow and not beam and not foundation and not gpu" -n 2 --dist loadfile --no-loadscope-reorder --durations=20

test-slow: $(READY)  ## tests that start processes: real kills, workers, fresh environments, edits of params.yaml
	@python -m pytest -q -m slow -n 2 --dist loadfile --no-loadscope-reorder --durations=20

test-gpu: $(READY)  ## training on a GPU: cuDNN, mixed precision, memory, resuming; skips its tests where TensorFlow sees none
	@python -m pytest -q -m gpu tests/contract tests/unit/training

test-beam: $(BEAM_READY)  ## Apache Beam gives the same bytes; in .venv-beam, as it holds protobuf back
	@$(BEAM)/bin/python -m pytest -q -m beam tests/unit/features/runners/test_beam.py

test-foundation: $(FOUNDATION_READY)  ## a tiny Chronos-Bolt with random weights; in .venv-foundation, with PyTorch (several GB)
	@$(FOUNDATION)/bin/python -m pytest -q -m foundation tests/unit/models/statistical/test_foundation.py

check: $(READY)  ## lint, format and types
	@ruff check .
	@ruff format --check .
	@python -m mypy

format: $(READY)  ## fix what ruff can fix
	@ruff check --fix .
	@ruff format .

docs: $(DOCS_READY)  ## the documentation as a website: site/index.html
	@NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict --quiet
	@echo "site/index.html"

pictures: $(READY)  ## after `make repro`: pictures, results and example outputs of README and docs (board: needs Chromium)
	@python docs/make_pictures.py; made=$$?; python docs/update_outputs.py && exit $$made

peers: $(PEERS_READY)  ## mlforecast, statsforecast and neuralforecast for benchmarks/forecast.py; in .venv-peers (several GB)

lock: $(READY)  ## lock the requirements again (hashes, no host names)
	@uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 --extra dev pyproject.toml -o requirements.lock > /dev/null
	@uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 --extra beam --extra dev pyproject.toml -o requirements-beam.lock > /dev/null
	@uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 --extra foundation --extra dev pyproject.toml -o requirements-foundation.lock > /dev/null
	@uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 --group docs -o requirements-docs.lock > /dev/null
	@uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 --group peers -o requirements-peers.lock > /dev/null
	@grep -E '^uv==' requirements.lock | sed 's/ .*//' | uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 - -o requirements-uv.lock > /dev/null

clean:  ## remove data, models, reports and the board; the DVC cache stays
	@find data models reports mlruns -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
	@rm -rf .strokecast
