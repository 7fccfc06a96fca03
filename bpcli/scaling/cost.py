"""The seconds of a step, and of an epoch, over R ranks.

    step = arithmetic + update + exchange

Amdahl 1967: what is not shared out, here the update and the exchange, bounds the speed-up at a given batch.
"""

from __future__ import annotations

from dataclasses import dataclass

from bpcli.scaling.arithmetic import Arithmetic, layer_seconds
from bpcli.scaling.cluster import Cluster
from bpcli.scaling.exchange import Link, Traffic, gather, own_additions, results_traffic, scatter, vectors_added
from bpcli.scaling.job import Job
from bpcli.scaling.threads import rounds_and_threads
from bpcli.training.shards.buckets import buckets_of
from bpcli.training.shards.updating import each_its_own
from bpcli.training.source_passes import EXAMPLES_PER_PASS, PASSES_AT_ONCE, worth_sharing

OPERATIONS = 4
"""Operations on vectors for each number that a rule remembers of a parameter, besides the one that changes θ."""

NOISE_PASSES = 8
"""Reads and writes of each random number beside its drawing: copied, and applied forward and backward."""

LIMITING = 7
"""Vectors of the weights whose length is limited, which that reads and writes in each update."""

COPYING = 4
"""Vectors that are read and written where a rank copies θ, or the sum of gradients, to memory that others read."""

COUNTING = 4
"""What counting a shard's results takes in calls of a layer: measured, on two ranks."""


@dataclass(frozen=True)
class StepSeconds:
    """What a step of the slowest rank consists of, in seconds; of the exchange what nothing else goes on beside."""

    arithmetic: float
    update: float
    exchange: float

    @property
    def total(self) -> float:
        """The seconds of the step."""
        return self.arithmetic + self.update + self.exchange


def step_seconds(job: Job, cluster: Cluster, ranks: int, threads: int = 1) -> StepSeconds:
    """A step on so many ranks, each of so many threads; ranks without a shard have nothing to do with it."""
    working = min(ranks, job.shards)
    rounds, threads_of = rounds_and_threads(job, working, threads)
    layers = layer_seconds(job.sizes, job.columns, job.itemsize, core_of(job, cluster), threads_of)
    layers_seconds = rounds * sum(layer.forward + layer.backward for layer in layers)
    arithmetic = layers_seconds + _beside(job, cluster) + noise_seconds(job, cluster, working)
    update = _update(job, cluster, working)
    rest = [sum(layer.backward for layer in layers[:l]) for l in range(len(layers))]
    return StepSeconds(arithmetic, update, _exchange(job, cluster, working, update, rest))


def core_of(job: Job, cluster: Cluster) -> Arithmetic:
    """What a core does in a second by the engine that computes the job."""
    return cluster.arithmetic.compiled() if job.compiled else cluster.arithmetic


def noise_seconds(job: Job, cluster: Cluster, ranks: int) -> float:
    """Random numbers of a step: every rank draws the whole batch's on one thread, and applies those of its shards."""
    own = job.shards_of_a_rank(ranks) * job.columns
    applied = NOISE_PASSES * sum(job.drawn.values()) * own * job.itemsize / cluster.arithmetic.memory
    return job.batch_size * cluster.arithmetic.drawing_seconds(job.drawn) + applied


def _beside(job: Job, cluster: Cluster) -> float:
    """Seconds of a step's calls beside its layers: each rank counts the results of every shard."""
    if job.shards == 1:
        return core_of(job, cluster).call
    return cluster.arithmetic.call * (1 + COUNTING * job.shards)


def _exchange(job: Job, cluster: Cluster, ranks: int, update: float, rest: list[float]) -> float:
    """Seconds from the end of the last shard to that of the step, less those of the ``update``.

    Ranks of several hosts hand out θ bucket by bucket: each when the last shard is done with its layers, which is the
    ``rest`` of backward below its lowest layer before the end. A bucket is updated, where ranks update their own
    entries, and what was made of it is sent, while the next one is still on its way.
    """
    network = cluster.network
    if ranks == 1:
        return 0.0
    assert network is not None, "several ranks have a network"
    update = update if _each_updates_its_own(job, cluster) else 0.0
    buckets = buckets_of(job.layers, job.itemsize, overlaps=not network.common_memory)
    results = results_traffic(job.batch_size, job.sizes[-1], job.itemsize, job.shards, ranks)
    sizes = [bucket.entries.stop - bucket.entries.start for bucket in buckets]
    link, now, there = Link(network, cluster.arithmetic.call), 0.0, []
    for bucket, size in zip(buckets, sizes, strict=True):
        begun = -rest[bucket.lowest - 1]
        if bucket.lowest == 1:
            now = link.send(results, begun)
            begun = now if len(buckets) == 1 else begun
        there.append(link.send(scatter(size, job.itemsize, job.shards, ranks), begun))
    for size, arrived in zip(sizes, there, strict=True):
        now = max(now, arrived) + update * size / job.parameters
        end = link.send(gather(size, job.itemsize, ranks), now)
    return end - update


def _update(job: Job, cluster: Cluster, ranks: int) -> float:
    """Seconds of adding up gradients and of the rule, by the bytes that pass through memory.

    A process alone reads further gradients once, piece by piece. Of several, each makes the additions that it can by
    itself, which read every gradient once and write half of them, then those of its share of the entries, and shows or
    sends what others add up. Each of these passes over three vectors, as does each operation of the rule. A rank
    updates its share alone, where nothing is as a whole; else it copies the sum and updates all. Where the whole step
    is compiled, which shards are not, the rule is one pass over each of its vectors, and where it remembers nothing
    products change θ at once.
    """
    rule = 3 * (1 + OPERATIONS * job.kept)
    if job.in_one_kernel:
        rule = 3 + 2 * job.kept if job.kept else 0
    limiting = (3 if job.in_one_kernel else LIMITING) * job.limited / job.parameters
    vectors = job.shards_of_a_rank(ranks) - 1 + rule + limiting
    if ranks > 1:
        own = own_additions(job.shards, ranks)
        adding = (1.5 * (own + 1) if own else 0.0) + vectors_added(job.shards, ranks)
        shared = _each_updates_its_own(job, cluster)
        vectors = adding + ((rule + COPYING) / ranks if shared else rule + limiting + COPYING)
    return vectors * job.parameters * job.itemsize / cluster.arithmetic.memory


def _each_updates_its_own(job: Job, cluster: Cluster) -> bool:
    """Whether a rank updates its own entries of θ."""
    one_host = cluster.network is not None and cluster.network.common_memory
    limited, remembers = job.limited > 0, job.kept > 0
    return each_its_own(by_entry=job.elementwise, constrained=limited, remembers=remembers, one_host=one_host)


def epoch_seconds(job: Job, cluster: Cluster, ranks: int, threads: int = 1) -> float:
    """The updates of an epoch, and the forward passes over the validation part."""
    working = min(ranks, job.shards)
    updates = job.updates * step_seconds(job, cluster, ranks, threads).total
    return updates + (_validation(job, cluster, working, threads) if job.validation else 0.0)


def _validation(job: Job, cluster: Cluster, ranks: int, threads: int) -> float:
    """Passes over the validation part, shared out over ranks where they are worth it; round by round all exchange."""
    passes, columns = -(-job.validation // EXAMPLES_PER_PASS), min(EXAMPLES_PER_PASS, job.validation)
    layers = layer_seconds(job.sizes, columns, job.itemsize, core_of(job, cluster))
    if not worth_sharing(passes, job.parameters):
        ranks = 1
    most = ranks * PASSES_AT_ONCE
    rounds = [min(most, passes - first) for first in range(0, passes, most)]
    own = sum(-(-count // ranks) for count in rounds)
    shared = [results_traffic(count * columns, job.sizes[-1], job.itemsize, count, ranks) for count in rounds]
    exchange = sum(_seconds(traffic, cluster) for traffic in shared) if ranks > 1 else 0.0
    return -(-own // threads) * sum(layer.forward for layer in layers) + exchange


def _seconds(traffic: Traffic, cluster: Cluster) -> float:
    assert cluster.network is not None, "several ranks have a network"
    return traffic.seconds(cluster.network, cluster.arithmetic.call)
