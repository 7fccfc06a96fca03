"""The machines of a launcher's processes measured: every core at once, the network, and the model's exchange."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from bpcli.launcher import launch_of
from bpcli.ranks.links import Links
from bpcli.scaling.arithmetic import Arithmetic
from bpcli.scaling.cluster import Cluster, Network, slowest
from bpcli.scaling.cluster_file import arithmetic_as_json, arithmetic_from
from bpcli.scaling.exchange import gradient_traffic, vectors_added
from bpcli.scaling.products import measure
from bpcli.storage.strict_json import Saved
from bpcli.training.numba_library import numba_compiles

LARGE = 1_000_000
"""Parameters of the gradient whose exchange gives the bandwidth."""

CHECKED = (50_000, 3_000_000)
"""Parameters of the gradients whose exchange is compared with the model's."""

ITEMSIZE = 4
"""Bytes of their numbers."""

SWIFTEST = 1e12
"""Bytes a second: what an exchange that takes no time is taken for."""


@dataclass(frozen=True)
class Check:
    """The seconds in which gradients of so many parameters were added up over all ranks, and those of the model."""

    parameters: int
    measured: float
    predicted: float


@dataclass(frozen=True)
class Bench:
    """What was measured over so many ``ranks``; ``checks`` hold the model against the exchange itself."""

    cluster: Cluster
    ranks: int = 1
    checks: list[Check] = field(default_factory=list)


def bench(links: Links | None) -> Bench:
    """Measure this process, or all that are linked at the same time, so that cores share what they share in training.

    Every rank gets the same answer.
    """
    compiled = numba_compiles()
    if links is None:
        return Bench(Cluster(measure(compiled=compiled)))
    links.gather("ready")
    own = measure(compiled=compiled, processes=launch_of(os.environ).here)
    core = slowest([arithmetic_from(Saved(value)) for value in links.gather(arithmetic_as_json(own))])
    network = _network(links, core)
    checks = [
        Check(parameters, links.exchange(parameters), _predicted(parameters, links.count, core, network))
        for parameters in CHECKED
    ]
    return Bench(Cluster(core, network), links.count, checks)


def _network(links: Links, core: Arithmetic) -> Network:
    """Latency by small messages, bandwidth by what a gradient's exchange takes beside the rest of the model."""
    ranks, latency = links.count, links.latency()
    seconds = links.exchange(LARGE)
    rest = seconds - _predicted(LARGE, ranks, core, Network(latency, SWIFTEST))
    count = gradient_traffic(LARGE, ITEMSIZE, ranks, ranks).count
    return Network(latency, count / max(rest, count / SWIFTEST), links.hosts == 1)


def _predicted(parameters: int, ranks: int, core: Arithmetic, network: Network) -> float:
    """The seconds in which ranks of one shard each add up a gradient, by the model."""
    traffic = gradient_traffic(parameters, ITEMSIZE, ranks, ranks)
    adding = vectors_added(ranks, ranks) * parameters * ITEMSIZE / core.memory
    return traffic.seconds(network, core.call) + adding
