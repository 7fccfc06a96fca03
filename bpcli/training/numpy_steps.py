"""The steps of the NumPy engine, the reference."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from time import perf_counter

import numpy as np

from bpcli.data.sources import Examples
from bpcli.nn import IndexArray
from bpcli.training.batch_results import SideBySide, count_batch, together
from bpcli.training.noise import Noise
from bpcli.training.orders import Orders
from bpcli.training.recipe import Recipe
from bpcli.training.shards import WHOLE, Batch, Division, Gradients, NumpyPasses, PassesOf
from bpcli.training.shards.equations import entries_of_bands
from bpcli.training.shards.results import count
from bpcli.training.shards.updating import Updates, shared_out
from bpcli.training.state import TrainingState, diverged


class NumpySteps:
    """Steps on batches of whatever size; large batches may be computed in shards, see :mod:`bpcli.training.shards`."""

    def __init__(
        self,
        recipe: Recipe,
        state: TrainingState,
        examples: Examples,
        division: Division = WHOLE,
        passes: PassesOf = NumpyPasses,
    ) -> None:
        self.recipe, self.state, self.examples, self.size = recipe, state, examples, examples.size
        weights, shared = recipe.network.layout.weights, shared_out(recipe, state.theta.size, division.working)
        if shared:
            state.move(division.ranks.common, weights)
        theta, optimizer = state.theta, state.optimizer
        self.gradients = Gradients(recipe, theta, optimizer.dtheta, examples, division, passes, shared=shared)
        common = self.gradients.vectors if shared else None
        team, batch_size = self.gradients.team, recipe.plan.batch_size
        order = [] if division.divides or team.size == 1 else entries_of_bands(recipe.network, batch_size, 1)
        self.updates = Updates(recipe.optimizer, theta, optimizer, weights, team, common, order)
        self.noise = Noise(recipe, state.theta.dtype)
        self.divided = division.divides
        self.weighted = examples.weights is not None
        self.metrics_weighted = examples.metric_weights is not None
        self.side_by_side: dict[tuple[int, int], SideBySide] = {}

    def prepare(self, batch_size: int) -> Iterator[str]:
        """Prepare the passes over shards, once; yield a message before slow work."""
        yield from self.gradients.passes.prepare()

    def ended(self) -> str:
        """There is always another step."""
        return ""

    def follow(self, orders: Orders, deadline: float) -> float:
        """Step through the epoch that the state is in, and no other."""
        self.run(orders.of(self.state.epoch + 1), orders.plan.batch_size, deadline)
        return 0.0

    def along(self) -> None:
        """No epoch is taken along with another."""

    def run(self, order: IndexArray, batch_size: int, deadline: float) -> None:
        """Step through ``order`` from the state's position until it ends or time is up."""
        state, size = self.state, len(order)
        with np.errstate(all="ignore"):
            while state.position < size:
                m = min(batch_size, size - state.position)
                batches = 1 if self.divided else min(together(m), (size - state.position) // m)
                self._steps(order[state.position : state.position + batches * m], m)
                state.position += batches * m
                if perf_counter() >= deadline:
                    return

    def _steps(self, examples: IndexArray, m: int) -> None:
        """A step for every m examples; their losses and outputs are then counted together."""
        state, losses, recipe = self.state, self.state.losses, self.recipe
        network, chain = recipe.network, recipe.chain
        noisy, constrained = self.noise.exists, network.constrained
        done: list[Batch] = []
        course = recipe.course(self.size, state.plateau.reductions)
        rates: list[float] = recipe.rates(state.optimizer.step, len(examples) // m, course).tolist()
        for slot, rate in enumerate(rates):
            batch = self.gradients.at(examples[slot * m : (slot + 1) * m], slot)
            if noisy:
                batch.draw(self.noise, state.optimizer.step)
            added = self.updates.make(batch, rate)
            if constrained:
                network.constrain(self.gradients.parameters, self.gradients.gradient)
            if chain:
                losses.add_penalty(float(added), batch.weigh())
            done.append(batch)
        state.learning_rate = rates[-1]
        total = self._count(done, m)
        if not isfinite(total):  # of one batch, or of several together in their precision
            total = self._one_by_one(done)
        losses.add(total, sum(batch.weigh() for batch in done) if self.weighted else len(examples))

    def _count(self, done: list[Batch], m: int) -> float:
        """The sum of the losses' terms; several batches have one shard each."""
        network, tallies = self.recipe.network, self.state.tallies
        if self.divided:
            return count(done[0].results, tallies)
        if len(done) == 1:
            return count_batch(network, done[0].workspaces[0], tallies)
        key = m, len(done)
        if key not in self.side_by_side:
            dtype = self.state.theta.dtype
            self.side_by_side[key] = SideBySide(
                network, *key, dtype, weighted=self.weighted, metrics_weighted=self.metrics_weighted
            )
        return self.side_by_side[key].count([batch.workspaces[0] for batch in done], tallies)

    def _one_by_one(self, done: list[Batch]) -> float:
        """The sum of the losses' terms, each batch by itself.

        Raises:
            DivergedError: the loss of a step is not finite; the error names the first.
        """
        state = self.state
        totals = [batch.total() for batch in done]
        for later, total in zip(reversed(range(len(totals))), totals, strict=True):
            if not isfinite(total):
                state.optimizer.step -= later
                raise diverged(f"the loss ({total})", state.epoch + 1, state.optimizer.step)
        return sum(totals)
