"""What ranks send one another in a step: how often one waits for a message, and how many bytes it takes.

Gradients: each rank adds up a share of θ's entries. It gets these entries of every node of the tree of shards that
others have complete, all at once, and sends what it makes of their sum, the sum itself or the updated θ, to every other
rank, all at once too: a reduce-scatter and an all-gather, Thakur et al. 2005, 4.4 and 4.1, but with every node sent by
itself, since the order of the additions is fixed. Results: the outputs of all examples, gathered by doubling (4.1,
recursive doubling).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import ceil, inf, log2

from bpcli.scaling.cluster import Network
from bpcli.training.shards.adding import nodes_within
from bpcli.training.shards.cutting import block_of

EAGER = 1 << 16
"""Bytes of a message from which on Open MPI announces it over TCP and waits for an answer before it sends."""

ANNOUNCED = 3
"""Latencies of such a message: the announcement, the answer, the data."""

BESIDE = 16
"""Bytes of a shard's sum of terms, as they are sent."""

TARGET = 8
"""Bytes of an example's class."""


@dataclass(frozen=True)
class Traffic:
    """What a rank waits for: latencies one after the other, its own handling of ``messages``, and bytes on the way.

    Messages that are under way at once share their latencies, not their handling: L and o of LogP, Culler et al. 1993.
    """

    latencies: int
    messages: int
    count: float

    def __add__(self, other: Traffic) -> Traffic:
        """Both, one after the other."""
        return Traffic(self.latencies + other.latencies, self.messages + other.messages, self.count + other.count)

    def seconds(self, network: Network, call: float) -> float:
        """From its begin until all is there."""
        return self.busy(network, call) + self.late(network)

    def busy(self, network: Network, call: float) -> float:
        """How long nothing else can be sent: each message's handling takes, measured, what a layer's calls do."""
        return self.count / network.bandwidth + self.messages * call

    def late(self, network: Network) -> float:
        """How much later all is there."""
        return self.latencies * network.latency


class Link:
    """What one rank is connected by: it carries one traffic after the other, each as soon as the last is sent."""

    def __init__(self, network: Network, call: float) -> None:
        self._network, self._call, self._free = network, call, -inf

    def send(self, traffic: Traffic, begun: float) -> float:
        """When all is there of what can be sent from ``begun`` on."""
        self._free = max(self._free, begun) + traffic.busy(self._network, self._call)
        return self._free + traffic.late(self._network)


NOTHING = Traffic(0, 0, 0.0)
"""Of one rank."""


@cache
def nodes_of(shards: int, ranks: int) -> tuple[int, ...]:
    """How many nodes of the tree each rank has complete, for the others to add up."""
    return tuple(len(nodes_within(shards, block_of(rank, ranks, shards))) for rank in range(ranks))


def own_additions(shards: int, ranks: int) -> int:
    """The additions of whole gradients that the rank with most of them makes by itself."""
    blocks = (len(block_of(rank, ranks, shards)) for rank in range(ranks))
    return max(block - nodes for block, nodes in zip(blocks, nodes_of(shards, ranks), strict=True))


def vectors_added(shards: int, ranks: int) -> float:
    """Vectors of θ's length that pass through memory while a rank adds up its share of all nodes: three a sum."""
    return 3 * (sum(nodes_of(shards, ranks)) - 1) / ranks


def gradient_traffic(parameters: int, itemsize: int, shards: int, ranks: int) -> Traffic:
    """The sum of the shards' gradients, or θ updated by it, on every rank."""
    return scatter(parameters, itemsize, shards, ranks) + gather(parameters, itemsize, ranks)


def scatter(parameters: int, itemsize: int, shards: int, ranks: int) -> Traffic:
    """Of so many entries of each node of the tree every rank's share, on that rank."""
    if ranks == 1:
        return NOTHING
    nodes, share = nodes_of(shards, ranks), parameters * itemsize / ranks
    most = max(max(nodes) * (ranks - 1), sum(nodes) - min(nodes))
    return Traffic(waits(share), most, most * share)


def gather(parameters: int, itemsize: int, ranks: int) -> Traffic:
    """What every rank has made of its share of so many entries, on all ranks."""
    if ranks == 1:
        return NOTHING
    share = parameters * itemsize / ranks
    return Traffic(waits(share), ranks - 1, (ranks - 1) * share)


def results_traffic(batch_size: int, outputs: int, itemsize: int, shards: int, ranks: int) -> Traffic:
    """A_L and the target of each example, and each shard's sum of terms, on every rank."""
    if ranks == 1:
        return NOTHING
    count = batch_size * (outputs * itemsize + TARGET) + shards * BESIDE
    rounds = ceil(log2(ranks))
    return Traffic(rounds * waits(count / ranks), rounds, count * (ranks - 1) / ranks)


def waits(count: float) -> int:
    """The latencies of a message of so many bytes."""
    return 1 if count <= EAGER else ANNOUNCED
