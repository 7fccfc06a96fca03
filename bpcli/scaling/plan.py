"""What a training would take on 1, 2, 4, … ranks, and from how many ranks on more of them stop paying."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import log2

from bpcli.scaling.cluster import Cluster
from bpcli.scaling.cost import StepSeconds, epoch_seconds, step_seconds
from bpcli.scaling.job import Job

WORTH_DOUBLING = 1.3
"""How much quicker twice as many ranks have to be to be worth it: below it each hour saved costs more than two."""

LEAST_EFFICIENCY = 0.5
"""The part of the ranks' time that has to go into what one rank would do: at less the training costs twice as much."""


@dataclass(frozen=True)
class Row:
    """A training on so many ranks; ``shards`` are those with which it is quickest.

    ``speed_up`` is by how much it is quicker than on one rank, ``memory`` bytes of a rank beside the data.
    """

    ranks: int
    shards: int
    step: StepSeconds
    epoch: float
    training: float
    speed_up: float
    memory: float

    @property
    def efficiency(self) -> float:
        """The speed-up of a rank: 1 where nothing is lost."""
        return self.speed_up / self.ranks

    @property
    def rank_hours(self) -> float:
        """The hours of all ranks together: what is paid for."""
        return self.ranks * self.training / 3600


def rank_counts(most: int) -> list[int]:
    """1, 2, 4, … and ``most``."""
    return [*(1 << k for k in range(most.bit_length()) if 1 << k < most), most]


def plan(job: Job, cluster: Cluster, most: int, threads: int = 1) -> list[Row]:
    """The training on 1, 2, 4, … up to ``most`` ranks of so many threads, as far as a batch has columns for them.

    The cluster has a network.
    """
    alone = epoch_seconds(job, cluster, 1, threads)
    return [_row(job, cluster, ranks, threads, alone) for ranks in rank_counts(min(most, job.batch_size))]


def shards_for(job: Job, ranks: int, threads: int = 1) -> list[int]:
    """The numbers of shards that are tried: of several ranks each gets one, two, four, … up to one for each thread.

    One rank has the job's own, and no number is smaller.
    """
    each = rank_counts(threads) if ranks > 1 else [1]
    return sorted({min(job.batch_size, max(job.shards, ranks * of_a_rank)) for of_a_rank in each})


def quickest(job: Job, shards: Iterable[int], cluster: Cluster, ranks: int, threads: int) -> Job:
    """The job in that one of several numbers of shards with which an epoch is quickest."""
    jobs = [replace(job, shards=count) for count in shards]
    return min(jobs, key=lambda one: epoch_seconds(one, cluster, ranks, threads))


def _row(given: Job, cluster: Cluster, ranks: int, threads: int, alone: float) -> Row:
    job = quickest(given, shards_for(given, ranks, threads), cluster, ranks, threads)
    epoch = epoch_seconds(job, cluster, ranks, threads)
    return Row(
        ranks=ranks,
        shards=job.shards,
        step=step_seconds(job, cluster, ranks, threads),
        epoch=epoch,
        training=epoch * job.epochs,
        speed_up=alone / epoch,
        memory=job.bytes_of_a_rank(ranks),
    )


def worthwhile(rows: list[Row]) -> Row:
    """The last row up to which each further one pays: quick enough for its ranks, and at the least efficiency."""
    found = rows[0]
    for row in rows[1:]:
        doublings = row.ranks / found.ranks
        if row.speed_up / found.speed_up < WORTH_DOUBLING ** log2(doublings) or row.efficiency < LEAST_EFFICIENCY:
            break
        found = row
    return found
