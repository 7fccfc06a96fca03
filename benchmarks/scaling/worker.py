"""A rank that trains every case and measures the seconds of a step; rank 0 prints them as JSON."""

from __future__ import annotations

import json
import sys
from time import perf_counter, process_time

import numpy as np
from mpi4py import MPI

from benchmarks.scaling.cases import CABLES, CASES, Cable, Case
from bpcli.data.sources import ClassIndices, Examples, Rows
from bpcli.nn.activations import Relu, Softmax
from bpcli.nn.heads import join
from bpcli.nn.losses import CrossEntropy
from bpcli.nn.metrics import METRICS, tallies_for
from bpcli.nn.network import dense, initial
from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.nn.tallies import Judging
from bpcli.ranks.exchange import MpiRanks
from bpcli.ranks.links import Links
from bpcli.scaling.bench import bench
from bpcli.scaling.cluster_file import as_json
from bpcli.training.numpy_steps import NumpySteps
from bpcli.training.recipe import Plan, Recipe
from bpcli.training.shards import Division
from bpcli.training.shards.ranks import ALONE, Ranks
from bpcli.training.state import start

LEARNING_RATE = 1e-4
"""So small that nothing diverges: what is learned does not matter here."""

ROUNDS, SECONDS = 30, 1.0
"""How often a case is measured at most, and for how long."""


def steps_of(case: Case, ranks: Ranks) -> NumpySteps:
    """The steps of a case on random examples, the same on every rank."""
    rng = np.random.default_rng(0)
    network = dense(case.sizes, tuple(Relu() for _ in case.sizes[1:-1]), join(Softmax(), CrossEntropy()))
    size, classes = case.steps * case.batch_size, case.sizes[-1]
    examples = Examples(
        Rows(rng.random((size, case.sizes[0]), np.float32)), ClassIndices(rng.integers(0, classes, size))
    )
    optimizer = OPTIMIZERS[case.rule](learning_rate=LEARNING_RATE)
    recipe = Recipe(network, optimizer, Plan(1, case.batch_size, shuffle=False, seed=0))
    theta = initial(network, np.dtype(np.float32), rng).theta
    state = start(recipe, theta, tallies_for({"accuracy": METRICS["accuracy"]()}, Judging(classes, "largest")))
    return NumpySteps(recipe, state, examples, Division(case.shards, 1, ranks))


def measure(case: Case, communicator: MPI.Comm, ranks: Ranks) -> float:
    """The median seconds of a step, of the slowest rank in each round."""
    steps, order, found = steps_of(case, ranks), np.arange(case.steps * case.batch_size), []
    end = perf_counter() + SECONDS
    while True:
        communicator.Barrier()
        begun = perf_counter()
        steps.state.position = 0
        steps.run(order, case.batch_size, float("inf"))
        every = communicator.allgather((perf_counter() - begun, perf_counter() > end))
        found.append(max(seconds for seconds, _ in every))
        if len(found) == ROUNDS or (len(found) > 3 and every[0][1]):
            return float(np.median(found[1:])) / case.steps


def main(cable: Cable) -> None:
    """Measure the constants, then the cable's cases on its numbers of ranks: 1, of which rank 0 is alone, or all."""
    world, begun, computed = MPI.COMM_WORLD, perf_counter(), process_time()
    cluster, steps = as_json(bench(Links(world)).cluster), dict[int, list[float]]()
    for ranks in cable.ranks:
        working: Ranks = ALONE if ranks == 1 else MpiRanks(world)
        alone = MPI.COMM_SELF if ranks == 1 else world
        if ranks > 1 or world.Get_rank() == 0:
            steps[ranks] = [measure(case, alone, working) for case in CASES[: cable.cases]]
        world.Barrier()
    lost = max(world.allgather(1 - (process_time() - computed) / (perf_counter() - begun)))  # MPI waits busily
    if world.Get_rank() == 0:
        print(json.dumps({"cluster": cluster, "steps": steps, "lost": lost}))


if __name__ == "__main__":
    main(CABLES[sys.argv[1]])
