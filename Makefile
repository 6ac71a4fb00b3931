VENV ?= .venv
PYTHON ?= python3
PY = $(VENV)/bin/python
PIP = $(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test docs bench lint clean

# One stamp a set of extras: an environment is made once and again only when its pins change.
$(VENV)/stamp-%: pyproject.toml constraints.txt
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo "installing ($*) into $(VENV)"
	@$(PIP) torch
	@$(PIP) -e '.$(if $(filter run,$*),,[$*])'
	@touch $@

demo: $(VENV)/stamp-run
	$(PY) examples/demo.py

lint: $(VENV)/stamp-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

# Files are shared out over two processes: much of the time is compilation, once a machine.
test: lint
	OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist loadfile

docs: $(VENV)/stamp-docs
	$(PY) -m sphinx -W --keep-going -b html docs docs/_build/html

bench: $(VENV)/stamp-test
	$(PY) -m benchmarks

clean:
	rm -rf $(VENV) docs/_build docs/gallery
