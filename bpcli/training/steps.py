"""What an engine is to the loop: something that takes the steps of a recipe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from bpcli.data.sources import Examples
from bpcli.nn import IndexArray
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

    def ended(self) -> str:
        """Why no step can change anything any more, in words; empty while one can."""
        ...
