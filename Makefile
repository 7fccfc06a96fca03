PYTHON ?= .venv/bin/python

.PHONY: check test test-slow lint

check: lint test

test:
	$(PYTHON) -m pytest

test-slow:
	$(PYTHON) -m pytest -m slow -s

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
