# Needs Python 3.11 or newer with venv, and make. Where uv is present, it installs faster.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=

BIN := $(VENV)/bin
# Certificates come from this machine, as pip takes them.
export UV_SYSTEM_CERTS ?= 1

.PHONY: help lab test unit lint bench accuracy notebooks
.DELETE_ON_ERROR:

help:
	@echo "make lab        open your own copy of the course, my_course, in JupyterLab; ARGS='--no-browser --port 9000' is handed on"
	@echo "make test       all tests: units, browser, then every notebook"
	@echo "make unit       the tests that need neither a browser nor the notebooks"
	@echo "make lint       style, types and the direction of imports"
	@echo "make bench      the speed of the course, as ratios measured side by side"
	@echo "make accuracy   how far the model is off on the recordings that ship, written to docs/accuracy.md"
	@echo "make notebooks  build notebooks/*.ipynb from notebooks/source/*.py"

lab: $(VENV)/.installed
	@$(BIN)/gpu-lessons lab $(ARGS)

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest $(ARGS)
	$(BIN)/python -m pytest --nbval --nbval-current-env notebooks/*.ipynb notebooks/solutions/*.ipynb

unit: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m "not browser and not notebooks" $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks

accuracy: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.accuracy

notebooks: $(VENV)/.installed-dev
	$(BIN)/python notebooks/build.py $(ARGS)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "gpu_lessons needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) --version 2>&1);" \
	    "name another one, as in: make lab PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  rm -f $(BIN)/python; echo "$(PYTHON) cannot make virtual environments; on Debian: apt install python3-venv" >&2; exit 1; }

install = @echo "Installing into $(VENV) ..."; \
	if uv --version >/dev/null 2>&1; then \
	  uv pip install -q --python $(BIN)/python -c constraints.txt -e '$(1)'; \
	else \
	  $(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '$(1)'; \
	fi && touch $@

# A stamp says what was installed; it is older than these files when they have changed.
$(VENV)/.installed: pyproject.toml constraints.txt gpu_lessons/lab_settings.json gpu_lessons/saving.json | $(BIN)/python
	$(call install,.)

$(VENV)/.installed-dev: pyproject.toml constraints.txt gpu_lessons/lab_settings.json gpu_lessons/saving.json | $(BIN)/python
	$(call install,.[dev])
	@touch $(VENV)/.installed
