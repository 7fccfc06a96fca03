"""What an engine is to the loop: something that takes the steps of a recipe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from bpcli.data.sources import Examples
from bpcli.nn import Array, IndexArray
from bpcli.nn.tallies import Tallies
from bpcli.training.orders import Orders
from bpcli.training.recipe import Recipe


class Along(Protocol):
    """Epochs that were taken along with the last one, all of whose parameters and losses are finite.

    ``share`` is the seconds that each took. What they gave has a row for each: ``losses``, (epochs, 3), as in
    :class:`~bpcli.nn.loss_sums.LossSums`, and the ``sums`` of ``tallies``.
    """

    @property
    def share(self) -> float:
        """The seconds of each."""
        ...

    @property
    def losses(self) -> Array:
        """What their losses add up to."""
        ...

    @property
    def tallies(self) -> Tallies:
        """What their outputs add up to."""
        ...

    def hand_over(self, *, with_sums: bool) -> bool:
        """Bring the state from the start of an epoch to its end; False where the epoch was not taken from there.

        ``with_sums`` says whether what its examples gave is needed in the state.
        """
        ...


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

        Epochs to come may be taken :meth:`along` with it. Returned is minus the seconds that were spent on these.

        Raises:
            DivergedError: a loss is no longer finite.
        """
        ...

    def along(self) -> Along | None:
        """The epochs that the last call of :meth:`follow` took along; None where there are none."""
        ...

    def ended(self) -> str:
        """Why no step can change anything any more, in words; empty while one can."""
        ...
