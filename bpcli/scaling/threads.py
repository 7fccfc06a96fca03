"""How the threads of a rank share out its shards: side by side, or one shard after the other, layer by layer.

A batch in one shard is one kernel where it is compiled, whose crew shares out long products; NumPy's layers have bands.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from bpcli.scaling.job import Job
from bpcli.training.compiled.worth import POSTING, helpful
from bpcli.training.shards.cutting import bands
from bpcli.training.shards.gradients import WORTH_A_THREAD


class Threads(NamedTuple):
    """By how many threads a layer is computed: Z and dW of its ``units``, dA of those ``below``, and its passes."""

    units: float = 1.0
    below: float = 1.0
    passes: float = 1.0


def rounds_and_threads(job: Job, ranks: int, threads: int) -> tuple[int, list[Threads]]:
    """How many shards the busiest rank computes one after the other, and by how many threads each of their layers."""
    own, worth = job.shards_of_a_rank(ranks), job.parameters * job.columns >= WORTH_A_THREAD
    if job.in_one_kernel:
        return own, _crew(job, threads)
    if own == 1 and not job.compiled:
        return own, _bands(job, threads)
    return -(-own // threads) if worth else own, [Threads()] * (len(job.sizes) - 1)


def _crew(job: Job, threads: int) -> list[Threads]:
    work = [below * units * job.columns for below, units in pairwise(job.sizes)]
    helped = helpful(job.sizes, job.columns)
    crews = [float(threads if helped and product >= POSTING else 1) for product in work]
    return [Threads(crew, crew) for crew in crews]


def _bands(job: Job, threads: int) -> list[Threads]:
    """The bands of a layer at once on so many threads; the head has one."""
    hidden = [len(bands(units, below, job.columns, job.shards)) for below, units in pairwise(job.sizes[:-1])]
    at_once = [count / -(-count // threads) for count in (*hidden, 1)]
    return [Threads(here, below, here) for below, here in pairwise([1.0, *at_once])]
