"""How long does compilation take? ``python -m benchmarks.compiling`` prepares networks of several kinds.

Processor time of one process each: in an empty cache, after another kind that left its routines there, and from the
cache. The clock starts when everything is imported.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

from bpcli import choices
from bpcli.data.sources import ClassIndices, Columns, Examples, Rows
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.heads import join
from bpcli.nn.layers import Dense
from bpcli.nn.losses import LOSSES
from bpcli.nn.network import Network
from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.nn.tallies import Decisions, Judging, Tallies
from bpcli.training.compiled.steps import CompiledSteps
from bpcli.training.recipe import Plan, Recipe
from bpcli.training.state import start

Kind = tuple[tuple[int, ...], str, str, str, str, float, int]
"""Widths, activation, that of the output, loss, rule, dropout, batch size."""

KINDS: dict[str, Kind] = {
    "784-128-10, ReLU and softmax, batch 32": (
        (784, 128, 10), "relu", "softmax", "cross_entropy", "gradient_descent", 0.0, 32,
    ),
    "784-30-10, sigmoid, batch 10": (
        (784, 30, 10), "sigmoid", "sigmoid", "cross_entropy", "gradient_descent", 0.0, 10,
    ),
    "784-30-10, sigmoid, single examples": (
        (784, 30, 10), "sigmoid", "sigmoid", "cross_entropy", "gradient_descent", 0.0, 1,
    ),
    "ten layers, ReLU, Adam and dropout, batch 32": (
        (784, *[64] * 9, 10), "relu", "softmax", "cross_entropy", "adam", 0.2, 32,
    ),
}  # fmt: skip

EXAMPLES = 64


def steps_of(kind: Kind) -> CompiledSteps:
    """The steps of a training of this kind on any examples."""
    sizes, activation, output, loss, rule, dropout, batch_size = kind
    head = join(ACTIVATIONS[output](), LOSSES[loss]())
    hidden = tuple(Dense(n, ACTIVATIONS[activation](), dropout=dropout) for n in sizes[1:-1])
    network = Network(sizes[0], (*hidden, Dense(sizes[-1], head.activation)), head)
    optimizer = choices.build(OPTIMIZERS, {"name": rule, "learning_rate": 0.1})
    recipe = Recipe(network, optimizer, Plan(epochs=1, batch_size=batch_size, shuffle=True, seed=0))
    rng = np.random.default_rng(0)
    theta = rng.normal(0, 0.05, network.layout.count).astype(np.float32)
    classes = rng.integers(0, sizes[-1], EXAMPLES)
    one_hot = np.eye(sizes[-1], dtype=np.float32)[classes].T
    targets = ClassIndices(classes) if head.loss.targets.class_indices else Columns(np.ascontiguousarray(one_hot))
    X = rng.random((EXAMPLES, sizes[0]), np.float32)
    state = start(recipe, theta, Tallies([Decisions(Judging(sizes[-1], "largest"))]))
    return CompiledSteps(recipe, state, Examples(Rows(X), targets))


def prepare(name: str) -> float:
    """Processor time until the code of a kind is there."""
    steps = steps_of(KINDS[name])
    began = time.process_time()
    for _ in steps.prepare(KINDS[name][-1]):
        pass
    return time.process_time() - began


def prepared(name: str, cache: str) -> float:
    """What ``prepare`` takes in a process of its own with this cache."""
    words = [sys.executable, "-m", "benchmarks.compiling", "--kind", name]
    environment = {**os.environ, "XDG_CACHE_HOME": cache}
    return float(subprocess.run(words, env=environment, check=True, text=True, stdout=subprocess.PIPE).stdout)


def main() -> None:
    """Print the table, or the time of one kind."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compiling", description=__doc__)
    parser.add_argument("--kind", choices=KINDS, help="prepare this kind in this process and print its seconds")
    chosen = parser.parse_args().kind
    if chosen:
        print(prepare(chosen))
        return
    print(
        "| seconds of processor time | in an empty cache | after the first kind | from the cache |\n|---|---|---|---|"
    )
    first = next(iter(KINDS))
    for name in KINDS:
        with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryDirectory() as other:
            alone, again = prepared(name, empty), prepared(name, empty)
            prepared(first, other)
            after = "–" if name == first else f"{prepared(name, other):.1f}"
        print(f"| {name} | {alone:.1f} | {after} | {again:.2f} |")


if __name__ == "__main__":
    main()
