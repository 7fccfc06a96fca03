"""What an engine is to the loop: something that takes the steps of a recipe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from bpcli.data.sources import Examples
from bpcli.nn import IndexArray
from bpcli.training.orders import Orders
from bpcli.training.recipe import Recipe


class Steps(Protocol):
    """What takes the steps of a recipe from a state: the NumPy engine, or compiled code that does the same."""

    @property
    def size(self) -> int:
        """The number of training examples."""
        ...

    @property
    def recipe(self) -> Recipe:
        """What is trained and how."""
        ...

    @property
    def examples(self) -> Examples:
        """What is trained on."""
        ...

    def prepare(self, batch_size: int) -> Iterator[str]:
        """Compile or load what is needed, once; yield a message before slow work."""
        ...

    def run(self, order: IndexArray, batch_size: int, deadline: float) -> None:
        """Step through ``order`` from the state's position until it ends or time is up.

        Raises:
            DivergedError: a loss is no longer finite.
        """
        ...

    def follow(self, orders: Orders, deadline: float) -> float:
        """Step through the epoch that the state is in, from its position until it ends or time is up.

        Epochs to come may be taken along and kept; each is handed over when its turn comes, and where the state is no
        longer what they started from, they are forgotten. Returned are the seconds of other calls that were spent on
        this epoch, less those of this call that were spent on others.

        Raises:
            DivergedError: a loss is no longer finite.
        """
        ...

    def ended(self) -> str:
        """Why no step can change anything any more, in words; empty while one can."""
        ...
