"""What a training knows of other processes that train the same network; alone there are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from bpcli.nn import Array
from bpcli.training.shards.adding import Addition


class Ranks(Protocol):
    """The processes of a training, numbered from 0: this one is ``index`` of ``count``. All call the same, together."""

    @property
    def index(self) -> int:
        """The number of this process."""
        ...

    @property
    def count(self) -> int:
        """The number of processes."""
        ...

    def total(self, nodes: Mapping[int, Array], rest: Sequence[Addition], out: Array) -> None:
        """Make ``out`` the sum of all shards, (P,), on every rank.

        ``nodes`` are the sums that this rank has, by first shard; they may be overwritten, and one may be ``out``.
        ``rest`` are the additions that are left for all ranks together, in their order; the last node is at 0.
        """
        ...

    def share(self, arrays: Sequence[Sequence[Array]]) -> None:
        """Fill every shard's arrays with what the rank that has the shard filled them with.

        One sequence for each shard of the batch, in order, the same shapes on every rank.
        """
        ...

    def lead(self, numbers: Sequence[float]) -> list[float]:
        """The numbers that rank 0 gives."""
        ...

    def agree(self, text: str) -> str:
        """The text of the first rank that has one, at most 64 bytes; empty where none has."""
        ...


class Alone:
    """No other process."""

    index, count = 0, 1

    def total(self, nodes: Mapping[int, Array], rest: Sequence[Addition], out: Array) -> None:
        """It is: all shards are here, and their sum is in the vector of the first, ``out``."""

    def share(self, arrays: Sequence[Sequence[Array]]) -> None:
        """They are."""

    def lead(self, numbers: Sequence[float]) -> list[float]:
        """Its own."""
        return [*numbers]

    def agree(self, text: str) -> str:
        """Its own."""
        return text


ALONE = Alone()
"""The only process of a training."""
