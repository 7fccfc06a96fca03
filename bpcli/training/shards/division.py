"""How a batch is divided among shards, threads and processes."""

from __future__ import annotations

from dataclasses import dataclass

from bpcli.training.shards.ranks import ALONE, Ranks


@dataclass(frozen=True)
class Division:
    """How a batch is divided: into ``shards``, computed by ``threads`` of each of the ``ranks``."""

    shards: int = 1
    threads: int = 1
    ranks: Ranks = ALONE

    @property
    def divides(self) -> bool:
        """Whether there is anything to add up; a single shard is computed by every rank, without the others."""
        return self.shards > 1

    @property
    def working(self) -> Ranks:
        """The ranks that divide batches."""
        return self.ranks if self.divides else ALONE


WHOLE = Division()
