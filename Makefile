# Everything a person starts; `make recover` and `make test` need only Python >= 3.11, make and git.
PYTHON ?= python3
TARGET ?=
VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/bash
AT_ONCE := -n 2 --dist loadfile

.PHONY: install recover test lint faults clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "nightmend needs Python 3.11 or later; name one with make PYTHON=/path/to/python" >&2; exit 3; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "this Python cannot make virtual environments; install its venv module (on Debian: apt-get install python3-venv)" >&2; exit 3; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[dev,examples]'
	@touch $@

recover: install
	@$(BIN)/python scripts/recover.py $(if $(TARGET),"$(TARGET)")

lint: install
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test: install
	$(BIN)/python -m pytest $(AT_ONCE) -m 'not integration and not night'
	$(BIN)/python -m pytest $(AT_ONCE) -m 'integration and not night'
	$(BIN)/python -m pytest $(AT_ONCE) --durations=20 -m night

faults: install
	PYTHONPATH=$(CURDIR) $(BIN)/python benchmarks/faults.py $(FAULTS)

clean:
	rm -rf $(VENV)
