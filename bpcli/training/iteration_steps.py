"""The steps of a rule of second order: one iteration on all examples is an epoch."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

import numpy as np

from bpcli.data.sources import Examples
from bpcli.nn import IndexArray
from bpcli.nn.optimizers.second_order.rule import SecondOrder
from bpcli.training.orders import Orders
from bpcli.training.recipe import Recipe
from bpcli.training.state import TrainingState, diverged
from bpcli.training.whole_loss import WholeLoss


class IterationSteps:
    """Iterations from a state; the loss and the metrics of an epoch are those at its first θ."""

    def __init__(self, recipe: Recipe, state: TrainingState, examples: Examples) -> None:
        assert isinstance(recipe.optimizer, SecondOrder), "other rules take steps"
        self.rule: SecondOrder = recipe.optimizer
        self.recipe, self.state, self.examples, self.size = recipe, state, examples, examples.size
        self.objective = WholeLoss(recipe, examples, state.theta)

    def prepare(self, batch_size: int) -> Iterator[str]:
        """Nothing to prepare."""
        return iter(())

    def follow(self, orders: Orders, deadline: float) -> float:
        """Make one iteration, which is an epoch."""
        self.run(orders.of(self.state.epoch + 1), orders.plan.batch_size, deadline)
        return 0.0

    def along(self) -> None:
        """No epoch is taken along with another."""

    def run(self, order: IndexArray, batch_size: int, deadline: float) -> None:
        """Make one iteration; it takes the examples in the file's order, and ends when it ends.

        Raises:
            DivergedError: the loss is not finite.
        """
        state = self.state
        with np.errstate(all="ignore"):
            state.optimizer.step += 1
            loss = self.objective.count(state)
            if not isfinite(loss):
                raise diverged(f"the loss ({loss})", state.epoch + 1, state.optimizer.step)
            state.learning_rate = self.rule.iterate(state.theta, state.optimizer, self.objective, loss)
        state.position = self.size

    def ended(self) -> str:
        """Why the rule has nothing left to do."""
        return self.rule.ended(self.state.optimizer)
