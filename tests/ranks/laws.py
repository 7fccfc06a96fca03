"""Run under mpirun: every rank takes part in all that its argument, a JSON object, asks for; rank 0 writes it down.

One start of MPI does for many cases. A case is a config as YAML text; of it a run folder is left.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np

from bpcli.cli.failures import report
from bpcli.config.reading import read_config
from bpcli.data.encoding import matrix_features
from bpcli.data.files import pages
from bpcli.errors import DivergedError
from bpcli.experiment import build
from bpcli.launcher import launch_of
from bpcli.nn import Array
from bpcli.ranks import exchange
from bpcli.ranks.group import SOLO, Group
from bpcli.ranks.launched import Launched
from bpcli.runs.execution import Execution
from bpcli.runs.folder import create_run
from bpcli.runs.resuming import resume
from bpcli.runs.sameness import sameness
from bpcli.team import team_of
from bpcli.training import source_passes
from bpcli.training.loop import Epoch
from bpcli.training.shards import buckets
from bpcli.training.shards.adding import additions
from bpcli.training.shards.cutting import block_of
from bpcli.training.shards.ranks import Ranks, Vectors, add_up_piece

SHARDS, SIZES = range(1, 10), (1, 3, 1000)

source_passes.EXAMPLES_PER_PASS, source_passes.WORTH_A_RANK = 16, 0
"""Small parts have several passes, which ranks share out."""

buckets.LEAST_BYTES, exchange.OVERLAPPING = 1, 1
"""Every layer is a bucket, also on one host."""

matrix_features.LOADED, pages.CELLS = 0, 1200
"""Numbers of an array stay in their file, and are read in several pieces, which ranks share out."""


def main() -> None:
    """Do what is asked for."""
    asked = json.loads(sys.argv[1])
    launch = launch_of(os.environ)
    group: Group = Launched(launch, report) if launch.several else SOLO
    for name, config in asked["train"].items():
        train(group, Path(name), Path(config), asked["stop"].get(name))
    for name in asked["resume"]:
        go_on(group, Path(name))
    if asked["exchange"]:
        exchanges(group)
    group.leave()


def train(group: Group, folder: Path, config: Path, stop: int | None) -> None:
    """Train to the end; or until the last rank, and no other, wants to stop after so many epochs."""
    experiment = build(read_config(config, []), readers=group.readers(dict))
    ranks = group.together(partial(sameness, experiment, None), experiment.engine.shards)
    if ranks is not None:
        execution = Execution(experiment, partial(create_run, experiment, folder.name, folder), None, ranks)
        run(execution, ranks, stop)


def go_on(group: Group, folder: Path) -> None:
    """Resume a run that was stopped."""
    resumed = resume(folder, [], readers=lambda _: group.readers(dict))
    same = partial(sameness, resumed.experiment, resumed.state)
    ranks = group.together(same, resumed.experiment.engine.shards)
    if ranks is not None:
        run(Execution(resumed.experiment, resumed.open_run, resumed.state, ranks), ranks, None)


def run(execution: Execution, ranks: Ranks, stop: int | None) -> None:
    for _ in execution.prepare():
        pass
    with suppress(DivergedError):
        for event in execution.accompany() if ranks.index else execution.events():
            if isinstance(event, Epoch) and event.epoch == stop and ranks.index == ranks.count - 1:
                execution.stop("SIGTERM")


def exchanges(group: Group) -> None:
    """What ranks exchange against the same on one process; an AssertionError ends all."""
    for shards in SHARDS:
        ranks = group.together(dict, shards)
        if ranks is not None and ranks.count > 1:
            for size in SIZES:
                require_sums(ranks, shards, size)
            require_shared(ranks, shards)
            require_overlap(ranks, shards)
            assert ranks.lead([float(ranks.index), 7.5]) == [0.0, 7.5]
            assert ranks.agree("SIGINT" if ranks.index == ranks.count - 1 else "") == "SIGINT"
            assert ranks.agree("") == ""
    if group.index == 0:
        Path("exchanged").touch()


def require_sums(ranks: Ranks, shards: int, size: int) -> None:
    """The sums have the bits of the tree on one process, each rank's own, and of all on every rank once assembled."""
    drawn = np.random.default_rng(shards).standard_normal((shards, size)).astype(np.float32)
    expected = drawn.copy()
    for into, of in additions(shards):
        expected[into] += expected[of]
    vectors = ranks.vectors(shards, np.empty(size, np.float32))
    mine = block_of(ranks.index, ranks.count, shards)
    whole = ranks.common(np.full(size, 7, np.float32))
    for _ in range(2):  # the second time finds what the first has made
        for number, vector in zip(mine, vectors.gradients, strict=True):
            vector[...] = drawn[number]
        add_up(vectors, shards, whole)
        assert whole.tobytes() == expected[0].tobytes()


def add_up(vectors: Vectors, shards: int, out: Array) -> None:
    """Write the sum of the gradients into a vector that the host has in common."""
    sums, buffers = vectors.sums(shards), [np.empty_like(out) for _ in range(4)]
    for bucket, own in enumerate(vectors.own):
        nodes = vectors.collect(shards, team_of(1), bucket)
        add_up_piece(sums, nodes, [out[own], *(one[: own.stop - own.start] for one in buffers)], own)
        vectors.show(out, bucket)
    vectors.assemble()


def require_overlap(ranks: Ranks, shards: int) -> None:
    """The first bucket is handed out before the second one is computed, which is handed out once it is done."""
    size, half = 1000, 600
    parts = slice(half, size), slice(0, half)
    vectors: Any = ranks.vectors(shards, np.empty(size), parts)
    mine, done, asked = block_of(ranks.index, ranks.count, shards), [False, False], set[int]()
    found = ranks.common(np.zeros(size))

    def compute() -> None:
        for bucket, part in enumerate(parts):
            for number, vector in zip(mine, vectors.gradients, strict=True):
                vector[part] = 1 << number
            done[bucket] = bucket == 0 or ranks.index == 0  # the others' second one is handed out afterwards
            end = monotonic() + 20
            while 1 not in asked:
                assert monotonic() < end, "the first bucket is not handed out"
                sleep(1e-3)

    def is_done(bucket: int) -> bool:
        asked.add(bucket)
        return done[bucket]

    for round_ in range(2):
        for vector in vectors.gradients:
            vector.fill(np.nan)
        done[:] = False, False
        asked.clear()
        vectors.overlap(compute, shards, is_done)
        add_up(vectors, shards, found)
        assert (found == (1 << shards) - 1).all(), round_


def require_shared(ranks: Ranks, shards: int) -> None:
    """Arrays of several types and orders come from the rank that has their shard."""
    mine = block_of(ranks.index, ranks.count, shards)

    def arrays(shard: int) -> list[Any]:
        A = np.asfortranarray(np.arange(6.0).reshape(2, 3) + shard)
        return [A, np.arange(3) + shard, np.full(1, np.float32(shard))]

    found = [
        arrays(shard) if shard in mine else [np.zeros_like(one) for one in arrays(shard)] for shard in range(shards)
    ]
    ranks.share(found)
    for shard, theirs in enumerate(found):
        for got, expected in zip(theirs, arrays(shard), strict=True):
            assert np.array_equal(got, expected)


if __name__ == "__main__":
    main()
