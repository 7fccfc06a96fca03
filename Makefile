PYTHON ?= .venv/bin/python

# What make bench measures, as options of python -m benchmarks; all by default.
BENCH ?=

.PHONY: bench check test test-slow lint

check: lint test

test:
	$(PYTHON) -m pytest

test-slow:
	$(PYTHON) -m pytest -m slow -s -n 0

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

bench:
	$(PYTHON) -m pip install --quiet --editable '.[bench]'
	$(PYTHON) -m benchmarks $(BENCH)
