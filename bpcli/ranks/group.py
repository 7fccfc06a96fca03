"""What a command that trains knows of the processes that run it; usually there is one."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from bpcli.readers import ONE_READER, Readers

if TYPE_CHECKING:
    from bpcli.training.shards.ranks import Ranks

Remedy = Callable[[], str]
"""Says what to do after a rank is lost."""

On = Callable[[], Mapping[str, Any]]
"""Says, as JSON has it, what a training depends on."""


class Rescue(Protocol):
    """Saves a run from another thread."""

    def __call__(self, reason: str, *, patient: bool) -> object:
        """Say why it ends; be ``patient`` where the steps that are being taken may end."""
        ...


class Group(Protocol):
    """What a command that trains knows of the processes that run it."""

    @property
    def index(self) -> int:
        """The number of this process: the one of number 0 writes and speaks."""
        ...

    @property
    def count(self) -> int:
        """The number of processes."""
        ...

    def readers(self, on: On) -> Readers:
        """Wait until all are ready to read; return those who read.

        What ``on`` says must be the same for all.
        """
        ...

    def together(self, on: On, shards: int) -> Ranks | None:
        """Wait until all are ready to train; return who trains, None where this process has no shard to compute.

        What ``on`` says must be the same for all.
        """
        ...

    def guard(self, rescue: Rescue | None, remedy: Remedy) -> None:
        """Where another process is lost, save the run by ``rescue``, which rank 0 has, and say the ``remedy``."""
        ...

    def leave(self) -> None:
        """End the common work; the rest rank 0 does alone."""
        ...

    def abandon(self, number: signal.Signals) -> None:
        """Have the others end wherever they are, because a signal ends this process."""
        ...


class Solo:
    """A command that runs in one process, as is usual."""

    index, count = 0, 1

    def readers(self, on: On) -> Readers:
        """It reads alone."""
        return ONE_READER

    def together(self, on: On, shards: int) -> Ranks:
        """There is nobody to wait for."""
        from bpcli.training.shards.ranks import ALONE

        return ALONE

    def guard(self, rescue: Rescue | None, remedy: Remedy) -> None:
        """Nobody can be lost."""

    def leave(self) -> None:
        """There is nobody to leave."""

    def abandon(self, number: signal.Signals) -> None:
        """There are no others."""


SOLO = Solo()
