"""A rank that trains every case and measures the seconds of a step; rank 0 prints them as JSON."""

from __future__ import annotations

import json
import sys
from time import perf_counter, process_time

import numpy as np
from mpi4py import MPI

from benchmarks.scaling.cases import CABLES, Cable, Case
from benchmarks.scaling.steps import CaseSteps
from bpcli.ranks.exchange import MpiRanks
from bpcli.ranks.links import Links
from bpcli.scaling.bench import bench
from bpcli.scaling.cluster_file import as_json
from bpcli.training.shards.ranks import ALONE, Ranks

ROUNDS, SECONDS = 30, 1.0
"""How often a case is measured at most, and for how long."""


def measure(case: Case, communicator: MPI.Comm, ranks: Ranks) -> float:
    """The median seconds of a step, of the slowest rank in each round."""
    steps, found = CaseSteps(case, ranks), []
    end = perf_counter() + SECONDS
    while True:
        communicator.Barrier()
        begun = perf_counter()
        steps.run()
        every = communicator.allgather((perf_counter() - begun, perf_counter() > end))
        found.append(max(seconds for seconds, _ in every))
        if len(found) == ROUNDS or (len(found) > 3 and every[0][1]):
            return float(np.median(found[1:])) / case.steps


def main(cable: Cable) -> None:
    """Measure the constants, then the cable's cases on its numbers of ranks: 1, of which rank 0 is alone, or all."""
    world, begun, computed = MPI.COMM_WORLD, perf_counter(), process_time()
    cluster = as_json(bench(Links(world)).cluster) if world.Get_size() > 1 else {"network": None}
    steps = dict[int, list[float]]()
    for ranks in cable.ranks:
        working: Ranks = ALONE if ranks == 1 else MpiRanks(world)
        alone = MPI.COMM_SELF if ranks == 1 else world
        if ranks > 1 or world.Get_rank() == 0:
            steps[ranks] = [measure(case, alone, working) for case in cable.cases]
        world.Barrier()
    lost = max(world.allgather(1 - (process_time() - computed) / (perf_counter() - begun)))  # MPI waits busily
    if world.Get_rank() == 0:
        print(json.dumps({"cluster": cluster, "steps": steps, "lost": lost}))


if __name__ == "__main__":
    main(CABLES[sys.argv[1]])
