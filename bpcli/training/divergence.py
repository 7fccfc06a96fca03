"""Where a training diverged: the update and, in it, the first operation that left the finite numbers.

The loop copies the state before each stretch. Where a stretch diverges, the engine takes its updates again from the
copy, in halves, until the first wrong update is alone (:func:`find_first_update`): the streams of chance, and that
stretches change no number, make these the same updates. That update is then taken on the NumPy engine with checks
on. The state is left as it was before that update. What does so is imported only then.
"""

from __future__ import annotations

from math import inf, isfinite

import numpy as np

from bpcli.data.sources import Examples
from bpcli.errors import DivergedError
from bpcli.nn import IndexArray
from bpcli.training.recipe import Recipe
from bpcli.training.shards.ranks import ALONE, Ranks
from bpcli.training.state import TrainingState, diverged
from bpcli.training.steps import Steps


class SavedStart:
    """What updates change in a state, copied; its arrays are made once.

    The tallies are not copied: no update depends on them, and no row is written of an epoch that diverges.
    """

    def __init__(self, state: TrainingState, ranks: Ranks = ALONE) -> None:
        self.state, self.ranks = state, ranks
        live = state.theta, state.losses.sums, *state.optimizer.memory.values()
        self.arrays = [(array, array.copy()) for array in live]
        self._finite = np.empty(state.theta.shape, np.bool_)
        self.take()

    def take(self) -> None:
        """Copy the state as it is."""
        state = self.state
        self.position, self.step, self.learning_rate = state.position, state.optimizer.step, state.learning_rate
        for live, saved in self.arrays:
            saved[...] = live

    def require_finite(self) -> None:
        """Require finite parameters, and a finite loss of the epoch so far; it allocates nothing.

        Raises:
            DivergedError: they are not.
        """
        state = self.state
        epoch, step = state.epoch + 1, state.optimizer.step
        np.isfinite(state.theta, self._finite)
        if np.count_nonzero(self._finite) < self._finite.size:  # which takes a fraction of the time of all()
            raise diverged("a parameter", epoch, step)
        loss = state.losses.value()
        if not isfinite(loss):  # what penalties add, as the terms of each batch are finite
            raise diverged(f"the loss ({loss})", epoch, step)

    def restore(self) -> None:
        """Bring the state back to where it was copied, its tallies empty; ranks may have its arrays in common."""
        state = self.state
        self.ranks.wait()
        state.position, state.optimizer.step, state.learning_rate = self.position, self.step, self.learning_rate
        for live, saved in self.arrays:
            np.copyto(live, saved)
        state.tallies.clear()
        self.ranks.wait()


def locate(error: DivergedError, steps: Steps, batch_size: int, start: SavedStart, order: IndexArray) -> DivergedError:
    """The error with the operation that was the first to leave the finite numbers, and a remedy that fits it.

    The state is left as it was before the update with that operation.
    """
    from bpcli.training.first_nonfinite import CheckedUpdate
    from bpcli.training.remedies import remedy

    state, recipe = start.state, steps.recipe
    find_first_update(steps, batch_size, start, order)
    indices = order[state.position : state.position + batch_size]
    if not len(indices):
        return error
    first_rank = start.ranks.index == 0  # which alone tells of it
    found = CheckedUpdate(recipe, state, steps.examples, indices).first_nonfinite() if first_rank else None
    number = start.step + 1
    start.restore()
    if found is None:
        return error
    message = f"{error.message}; first in step {number}: {found.words}"
    return DivergedError(message, error.where, remedy(found, recipe, first=number == 1))


def locate_in_validation(recipe: Recipe, state: TrainingState, examples: Examples) -> DivergedError:
    """The error of a validation loss that is not finite after an epoch, with the operation that was the first."""
    from bpcli.training.first_nonfinite import first_nonfinite_output
    from bpcli.training.remedies import remedy

    error = diverged("the validation loss", state.epoch + 1, state.optimizer.step)
    found = first_nonfinite_output(recipe.network, state, examples)
    if found is None:
        return error
    message = f"{error.message}; first of the validation examples: {found.words}"
    return DivergedError(message, error.where, remedy(found, recipe, first=False))


def find_first_update(steps: Steps, batch_size: int, start: SavedStart, order: IndexArray) -> None:
    """Move ``start``, and the state, to just before the first update after which something is not finite."""
    good, bad = 0, start.state.optimizer.step - start.step
    while bad - good > 1:
        middle = (good + bad) // 2
        start.restore()
        if _stays_finite(steps, batch_size, start, order, middle - good):
            good = middle
            start.take()
        else:
            bad = middle
    start.restore()


def _stays_finite(steps: Steps, batch_size: int, start: SavedStart, order: IndexArray, updates: int) -> bool:
    """Take so many updates; whether parameters and losses are finite after them."""
    try:
        steps.run(order[: start.position + updates * batch_size], batch_size, inf)
        start.require_finite()
    except DivergedError:
        return False
    return True
