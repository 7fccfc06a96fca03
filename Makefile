PYTHON ?= .venv/bin/python

# What make bench measures, as options of python -m benchmarks; all by default.
BENCH ?=

# Where make mnist finds the four files of MNIST.
MNIST ?= datasets/mnist

.PHONY: bench check cluster docs pictures faults fuzz fuzz-coverage lint mnist scaling test test-slow trackers

check: lint test

test:
	$(PYTHON) -m pytest

test-slow:
	$(PYTHON) -m pytest -m slow -s -n 0

# Ranks on one host and on hosts of network namespaces, for which it needs root and iproute2.
cluster:
	$(PYTHON) -m pytest -m 'slow or not slow' -n 0 tests/ranks

faults:
	$(PYTHON) -m pytest -m faults tests/faults

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

# How many examples each test of make fuzz draws.
FUZZ ?= 100000

fuzz:
	ulimit -v 4000000; BP_FUZZ=$(FUZZ) $(PYTHON) -m pytest tests/fuzz

# How many seconds make fuzz-coverage gives each parser, and where it keeps the inputs that reach something new.
FUZZ_SECONDS ?= 600
FUZZ_CORPUS ?= /tmp/bp-fuzz

fuzz-coverage:
	$(PYTHON) -m pip install --quiet 'atheris>=2.3'
	for parser in config table array model; do \
		$(PYTHON) -m tests.fuzz.coverage $$parser $(FUZZ_CORPUS)/$$parser -max_total_time=$(FUZZ_SECONDS) || exit 1; \
	done

trackers:
	$(PYTHON) -m pip install --quiet tensorboard --editable '.[dvc,mlflow,tensorboard]'
	$(PYTHON) -m pytest -m slow -n 0 tests/tracking

bench:
	$(PYTHON) -m pip install --quiet --editable '.[bench]'
	$(PYTHON) -m benchmarks $(BENCH)

# The model of the cost of ranks beside measurements; the cables between two hosts take Linux and root.
CABLES ?= process memory gigabit distant slow far

scaling:
	for cable in $(CABLES); do $(PYTHON) -m benchmarks.scaling $$cable || exit 1; done
	$(PYTHON) -m benchmarks.scaling measured threads cores nodes

# The site: its first page is build/docs/site/index.html.
docs:
	$(PYTHON) -m pip install --quiet --editable '.[docs]'
	$(PYTHON) -m docs.generate build/docs

# The pictures of the README; the second needs Playwright and Chromium.
pictures:
	rm -rf build/pictures
	mkdir -p build/pictures
	$(PYTHON) -m bpcli train configs/digits.yaml --run build/pictures/digits --quiet
	$(PYTHON) -m bpcli plot build/pictures/digits --output docs/pictures/run.svg
	$(PYTHON) -m bpcli explain configs/xor.yaml network.hidden=[3] --example 1 --format html > build/pictures/page.html
	$(PYTHON) -m docs.generate.page_picture build/pictures/page.html docs/pictures/page.png

mnist:
	$(PYTHON) -m bpcli train configs/mnist_dropout.yaml --seeds 3 \
		data.train.features=$(MNIST)/train-images-idx3-ubyte.gz \
		data.train.targets=$(MNIST)/train-labels-idx1-ubyte.gz \
		data.test.features=$(MNIST)/t10k-images-idx3-ubyte.gz \
		data.test.targets=$(MNIST)/t10k-labels-idx1-ubyte.gz
