"""What is trained to hold the model against measurements, and over which cables."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.scaling.arithmetic import Arithmetic
from bpcli.scaling.cluster import Cluster
from bpcli.scaling.job import Job
from bpcli.scaling.plan import quickest, rank_counts
from bpcli.training.engines import Engine, EngineName

ENGINES: tuple[EngineName, ...] = ("numpy", "numba")

USUAL = ("gradient_descent", "numpy")
"""The rule and the engine that are not said."""


@dataclass(frozen=True)
class Case:
    """A training in shards by an update rule; ``steps`` make one measurement."""

    sizes: tuple[int, ...]
    batch_size: int
    shards: int = 2
    rule: str = "gradient_descent"
    steps: int = 4
    engine: EngineName = "numpy"
    threads: int = 1

    @property
    def title(self) -> str:
        """``784-512-512-10, batch 512, 4 shards, adam``."""
        shards = f"{self.shards} shard{'s' * (self.shards > 1)}"
        words = ["-".join(map(str, self.sizes)), f"batch {self.batch_size}", shards]
        words += [word for word in (self.rule, self.engine) if word not in USUAL]
        return ", ".join(words + [f"{self.threads} threads"] * (self.threads > 1))

    @property
    def job(self) -> Job:
        """The case as the model sees it, for one measurement."""
        kept = sum(prod(array.shape) for array in OPTIMIZERS[self.rule]().memory(1).values())
        count = self.steps * self.batch_size
        return Job(self.sizes, self.batch_size, self.shards, count, 1, kept, compiled=self.engine == "numba")

    @property
    def computed_by(self) -> Engine:
        """What computes it."""
        return Engine(self.engine, self.shards, self.threads)


NARROW, MIDDLE, WIDE = (784, 128, 10), (784, 512, 512, 10), (784, 2048, 2048, 10)

CASES = (
    Case(NARROW, 32, steps=40),
    Case(NARROW, 1024, steps=10),
    Case(MIDDLE, 128, steps=8),
    Case(MIDDLE, 128, steps=8, engine="numba"),
    Case(MIDDLE, 512, steps=4),
    Case(MIDDLE, 512, shards=4, rule="adam", steps=4),
    Case(WIDE, 512, steps=2),
    Case(WIDE, 512, steps=2, engine="numba"),
)

ON_THREADS = tuple(
    Case(sizes, batch_size, shards, steps=steps, engine=engine, threads=2)
    for sizes, batch_size, steps in ((MIDDLE, 128, 8), (MIDDLE, 512, 4), (WIDE, 512, 2))
    for engine in ENGINES
    for shards in (1, 2)
)


@dataclass(frozen=True)
class Cable:
    """What lies between two ranks; without ``bits`` per second they are on one host. ``delay`` in seconds.

    Over it ``cases`` are measured, on so many ``ranks``.
    """

    title: str
    bits: float = 0.0
    delay: float = 0.0
    cases: tuple[Case, ...] = CASES
    ranks: tuple[int, ...] = (2,)


CABLES = {
    "process": Cable("one process", cases=ON_THREADS, ranks=(1,)),
    "memory": Cable("one host, shared memory", ranks=(1, 2)),
    "gigabit": Cable("1 Gbit/s", 1e9),
    "distant": Cable("1 Gbit/s, 1 ms away", 1e9, 1e-3),
    "slow": Cable("200 Mbit/s", 2e8, cases=CASES[:-2]),
    "far": Cable("1 Gbit/s, 5 ms away", 1e9, 5e-3, cases=CASES[:-2]),
}


@dataclass(frozen=True)
class Nodes:
    """A training on nodes of so many cores, each a rank of as many threads, with several batches and links."""

    threads: int
    batches: tuple[int, ...] = (512, 4096, 32_768)
    links: tuple[float, ...] = (10e9, 100e9)
    doublings: int = 10

    def job(self, batch_size: int, core: Arithmetic) -> Job:
        """The training on one node, by compiled code, in as many shards as are quickest there."""
        job = Job(WIDE, batch_size, 1, 1 << 20, 1, compiled=True)
        return quickest(job, rank_counts(self.threads), Cluster(core), 1, self.threads)


NODES = {"cores": Nodes(1), "nodes": Nodes(16)}
