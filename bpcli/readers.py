"""Processes that read the same files together: each reads some of the rows, and they exchange what they found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from numpy.typing import NDArray

Item = TypeVar("Item")

Arrays: TypeAlias = "list[NDArray[Any]]"


class Readers(Protocol):
    """Processes numbered from 0: this one is ``index`` of ``count``. All call the same, together."""

    @property
    def index(self) -> int:
        """The number of this process."""
        ...

    @property
    def count(self) -> int:
        """The number of processes."""
        ...

    def gather(self, arrays: Sequence[NDArray[Any]]) -> list[Arrays]:
        """The arrays of every process, in their order; sizes and types may differ."""
        ...


class OneReader:
    """The only process that reads."""

    index, count = 0, 1

    def gather(self, arrays: Sequence[NDArray[Any]]) -> list[Arrays]:
        """Its own."""
        return [[*arrays]]


ONE_READER = OneReader()
"""A process that reads all by itself."""


def share_of(items: Sequence[Item], index: int, count: int) -> Sequence[Item]:
    """The items of one of so many processes: they follow one another, as the shares do."""
    return items[len(items) * index // count : len(items) * (index + 1) // count]
