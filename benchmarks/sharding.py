"""What shards and threads do to a step, both engines, one process: ``python -m benchmarks.sharding``.

Float32, gradient descent, one thread in BLAS; µs a step, the best of all rounds, taken in turn, and the ratio to one
shard on one thread.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from math import inf

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.in_turn import best_in_turn, head, row
from bpcli.data.sources import ClassIndices, Examples, Rows
from bpcli.nn.activations import Relu, Softmax
from bpcli.nn.heads import join
from bpcli.nn.losses import CrossEntropy
from bpcli.nn.metrics import METRICS, tallies_for
from bpcli.nn.network import dense, initial
from bpcli.nn.optimizers import GradientDescent
from bpcli.nn.tallies import Judging
from bpcli.training.engines import Engine, EngineName
from bpcli.training.recipe import Plan, Recipe
from bpcli.training.state import start

NETWORKS: dict[str, tuple[tuple[int, ...], int, int]] = {
    "784-512-512-10, batch 128": ((784, 512, 512, 10), 128, 32),
    "784-2048-2048-10, batch 512": ((784, 2048, 2048, 10), 512, 2),
}
"""Widths, batch size, and the steps of one measurement."""

WAYS = ((1, 1), (1, 2), (2, 1), (2, 2), (4, 1), (4, 2))
"""Shards, and threads."""

ENGINES: tuple[EngineName, ...] = ("numpy", "numba")


def trained(name: str, engine: Engine) -> Callable[[], None]:
    """Some steps of a network on random examples, from where the last ones ended."""
    sizes, batch_size, count = NETWORKS[name]
    rng = np.random.default_rng(0)
    network = dense(sizes, tuple(Relu() for _ in sizes[1:-1]), join(Softmax(), CrossEntropy()))
    size, classes = count * batch_size, sizes[-1]
    examples = Examples(Rows(rng.random((size, sizes[0]), np.float32)), ClassIndices(rng.integers(0, classes, size)))
    recipe = Recipe(network, GradientDescent(learning_rate=1e-4), Plan(1, batch_size, shuffle=False, seed=0))
    theta = initial(network, np.dtype(np.float32), rng).theta
    tallies = tallies_for({"accuracy": METRICS["accuracy"]()}, Judging(classes, "largest"))
    state, order = start(recipe, theta, tallies), np.arange(size)
    steps = engine.steps(recipe, state, examples)
    for _ in steps.prepare(batch_size):
        pass

    def run() -> None:
        state.position = 0
        steps.run(order, batch_size, inf)

    return run


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sharding", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, metavar="N")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    options = parser.parse_args()
    threadpool_limits(1, "blas")
    titles = (f"{shards} shard{'s' * (shards > 1)}, {threads} thread{'s' * (threads > 1)}" for shards, threads in WAYS)
    print(head("network", "engine", *titles))
    for name in options.networks:
        for engine in options.engines:
            runs = {str(way): trained(name, Engine(engine, *way)) for way in WAYS}
            found = best_in_turn(runs, options.rounds, 0.15)
            alone = found[str(WAYS[0])]
            cells = (f"{seconds / NETWORKS[name][2] * 1e6:,.0f} · {alone / seconds:.2f}" for seconds in found.values())
            print(row(name, engine, *cells), flush=True)


if __name__ == "__main__":
    main()
