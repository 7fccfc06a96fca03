"""Short trainings of an experiment on the NumPy engine, apart from any run: what the checks of training look at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import inf, isfinite

import numpy as np

from bpcli.data.sources import Examples
from bpcli.errors import DivergedError
from bpcli.experiment import Experiment
from bpcli.nn import Array, IndexArray
from bpcli.nn.network import Network
from bpcli.nn.optimizers.second_order.rule import SecondOrder
from bpcli.nn.schedules import Constant
from bpcli.nn.schedules.course import Course
from bpcli.nn.workspace import Workspace
from bpcli.training.engines import Engine
from bpcli.training.recipe import Recipe
from bpcli.training.state import TrainingState, start
from bpcli.training.steps import Steps

SAMPLE = 512
"""Training examples on which a loss or the units are looked at."""

WORK = 2e10
"""Multiplications of one rehearsal, about a second or two; the same on every machine."""

EPOCHS, MOST = 3, 300
"""A rehearsal is so many epochs, at most so many updates."""


@dataclass(frozen=True)
class Rates:
    """A schedule that gives these learning rates, one for each update."""

    rates_of_updates: tuple[float, ...]

    formula = ""

    def rates(self, base: float, updates: IndexArray, course: Course) -> Array:
        """The rates of these updates; the last one from then on."""
        return np.array(self.rates_of_updates)[np.minimum(updates, len(self.rates_of_updates) - 1)]


class Rehearsal:
    """An experiment's network, first parameters and recipe, on some of its training examples."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment, self.recipe = experiment, experiment.recipe
        self.examples: Examples = experiment.loaded.parts["train"]
        self.sample = np.linspace(0, self.examples.size - 1, min(SAMPLE, self.examples.size)).astype(np.intp)

    @property
    def network(self) -> Network:
        """What is trained."""
        return self.recipe.network

    @property
    def takes_steps(self) -> bool:
        """Whether the rule makes steps with a learning rate; one of second order does not."""
        return not isinstance(self.recipe.optimizer, SecondOrder)

    def affordable(self, updates: int, batch_size: int) -> int:
        """At most so many updates, and at least 10, that take not more than :data:`WORK`."""
        one = 6 * self.network.layout.count * batch_size
        return max(10, min(updates, int(WORK / one)))

    def start(self, recipe: Recipe, engine_examples: Examples) -> tuple[TrainingState, Steps]:
        """A fresh state at the first parameters, and what takes its steps."""
        state = start(recipe, self.experiment.parameters.theta.copy(), self.experiment.tallies().fresh())
        return state, Engine().steps(recipe, state, engine_examples)

    def passed(self, theta: Array, indices: IndexArray, *, training: bool = False) -> Workspace:
        """A workspace with a forward pass over examples, without noise."""
        examples = self.examples
        weighted = {"weighted": examples.weights is not None, "metrics_weighted": examples.metric_weights is not None}
        ws = self.network.workspace(len(indices), theta.dtype, training=training, **weighted)
        examples.gather(indices, ws.X, ws.Y, ws.weights, ws.metric_weights)
        with np.errstate(all="ignore"):
            self.network.forward(self.network.parameters(theta), ws)
        return ws

    def loss(self, theta: Array) -> float:
        """The data loss of the sample."""
        return self.loss_of(self.passed(theta, self.sample))

    def loss_of(self, ws: Workspace) -> float:
        """The loss of what a workspace holds."""
        weight = ws.m if ws.weights is None else float(np.sum(ws.weights))
        with np.errstate(all="ignore"):
            total = float(np.sum(self.network.terms(ws), dtype=np.float64))
        divisor = self.network.scale(max(weight, 1e-30))
        return total * float(divisor)

    @cached_property
    def trained(self) -> Trained:
        """A short training by the recipe as it is."""
        return self._train(self.recipe, MOST)

    def loss_at(self, rate: float) -> float:
        """The loss of the sample after a short training at this learning rate; infinite where it diverges."""
        rule = replace(self.recipe.optimizer, learning_rate=rate)  # type: ignore[type-var]
        trained = self._train(replace(self.recipe, optimizer=rule, schedule=Constant()), 2 * MOST)
        loss = inf if trained.diverged else self.loss(trained.theta)
        return loss if isfinite(loss) else inf

    def _train(self, recipe: Recipe, most: int) -> Trained:
        plan = recipe.plan
        updates = self.affordable(min(most, EPOCHS * plan.updates(self.examples.size)), plan.batch_size)
        state, steps = self.start(recipe, self.examples)
        before, order = state.theta.copy(), plan.order(1, self.examples.size)
        for done in range(updates):
            before[...] = state.theta
            try:
                steps.run(order[: state.position + plan.batch_size], plan.batch_size, inf)
            except DivergedError as error:
                return Trained(state.theta, before, done, error.message)
            if state.position >= len(order):
                state.begin_epoch(state.epoch + 1)
                order = plan.order(state.epoch + 1, self.examples.size)
        return Trained(state.theta, before, updates)

    def sweep(self, rates: Array) -> Array:
        """The loss of the sample after each update of a training with these rates, one for each; NaN after its end."""
        recipe = replace(self.recipe, schedule=Rates(tuple(rates.tolist())))
        state, steps = self.start(recipe, self.examples)
        losses, plan, epoch = np.full(len(rates), np.nan), self.recipe.plan, 0
        first = self.loss(state.theta)
        order = plan.order(1, self.examples.size)
        for k in range(len(rates)):
            if state.position >= len(order):
                epoch += 1
                state.begin_epoch(epoch)
                order = plan.order(epoch + 1, self.examples.size)
            try:
                steps.run(order[: state.position + plan.batch_size], plan.batch_size, inf)
            except DivergedError:
                break
            losses[k] = self.loss(state.theta)
            if not losses[k] < 4 * first + 1:
                break
        return losses


@dataclass(frozen=True)
class Trained:
    """θ after a short training of so many ``updates``, and ``before`` the last; ``diverged`` is why it ended early."""

    theta: Array
    before: Array
    updates: int
    diverged: str = ""
