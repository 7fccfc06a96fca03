"""What is trained to hold the model against measurements, and over which cables."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.scaling.job import Job


@dataclass(frozen=True)
class Case:
    """A training in shards by an update rule; ``steps`` make one measurement."""

    sizes: tuple[int, ...]
    batch_size: int
    shards: int = 2
    rule: str = "gradient_descent"
    steps: int = 4

    @property
    def title(self) -> str:
        """``784-512-512-10, batch 128, adam``."""
        rule = "" if self.rule == "gradient_descent" else f", {self.rule}"
        return f"{'-'.join(map(str, self.sizes))}, batch {self.batch_size}{rule}"

    @property
    def job(self) -> Job:
        """The case as the model sees it, for one measurement."""
        kept = sum(prod(array.shape) for array in OPTIMIZERS[self.rule]().memory(1).values())
        return Job(self.sizes, self.batch_size, self.shards, self.steps * self.batch_size, 1, kept)


@dataclass(frozen=True)
class Cable:
    """What lies between two ranks; without ``bits`` per second they are on one host. ``delay`` in seconds.

    Over it the first ``cases`` are measured, on so many ``ranks``.
    """

    title: str
    bits: float = 0.0
    delay: float = 0.0
    cases: int = 6
    ranks: tuple[int, ...] = (2,)


CABLES = {
    "memory": Cable("one host, shared memory", ranks=(1, 2)),
    "gigabit": Cable("1 Gbit/s", 1e9),
    "distant": Cable("1 Gbit/s, 1 ms away", 1e9, 1e-3),
    "slow": Cable("200 Mbit/s", 2e8, cases=5),
    "far": Cable("1 Gbit/s, 5 ms away", 1e9, 5e-3, cases=5),
}

NARROW, MIDDLE, WIDE = (784, 128, 10), (784, 512, 512, 10), (784, 2048, 2048, 10)

CASES = (
    Case(NARROW, 32, steps=40),
    Case(NARROW, 1024, steps=10),
    Case(MIDDLE, 128, steps=8),
    Case(MIDDLE, 512, steps=4),
    Case(MIDDLE, 512, shards=4, rule="adam", steps=4),
    Case(WIDE, 512, steps=2),
)


@dataclass(frozen=True)
class Nodes:
    """A training on nodes of so many cores, each a rank of as many threads, with several batches and links."""

    threads: int
    batches: tuple[int, ...] = (512, 4096, 32_768)
    links: tuple[float, ...] = (10e9, 100e9)
    doublings: int = 10

    def job(self, batch_size: int) -> Job:
        """The training on one node: a shard for each core."""
        return Job(WIDE, batch_size, self.threads, 1 << 20, 1)


NODES = {"cores": Nodes(1), "nodes": Nodes(16)}
