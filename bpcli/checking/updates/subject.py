"""What is checked: consecutive updates of an engine, and the gradient that it takes them with.

The engine's own steps take one update at a time, on the batches that training would
take next; then they take all of them again in as few calls as training does, which
must give the same bits. The gradient at each θ is that of a second
training, whose rule keeps it: the first is not disturbed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from bpcli.checking.updates.reference import Snapshot
from bpcli.data.sources import Examples
from bpcli.errors import DivergedError
from bpcli.nn import Array, IndexArray
from bpcli.nn.activations import Activation
from bpcli.nn.expressions import Floats, pull_back
from bpcli.nn.formulas import parse
from bpcli.nn.loss_sums import weight_of
from bpcli.nn.network import Network
from bpcli.nn.optimizers import Gradient, Memory, OptimizerState
from bpcli.nn.parameters import Parameters
from bpcli.nn.tallies import Tallies
from bpcli.nn.workspace import Workspace
from bpcli.training.engines import Engine
from bpcli.training.noise import Noise
from bpcli.training.recipe import Recipe
from bpcli.training.state import TrainingState, start
from bpcli.training.steps import Steps

Say = Callable[[str], None]


@dataclass(frozen=True)
class Update:
    """An update as an engine took it: its number from 1, its batch, η, the state before and after.

    ``reductions`` is how often results had lowered η by then: that is given, and not checked.
    """

    number: int
    epoch: int
    batch: IndexArray
    rate: float
    before: Snapshot
    after: Snapshot
    reductions: int = 0


@dataclass(frozen=True)
class Subject:
    """An engine that takes a recipe's updates on examples, in the precision of θ.

    ``open_state`` makes the state that training starts or continues from, each time another.
    ``beginning`` is what is in it, if that is known from elsewhere, such as a run's checkpoint.
    """

    recipe: Recipe
    engine: Engine
    examples: Examples
    open_state: Callable[[], TrainingState]
    beginning: Snapshot | None = None

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The precision."""
        return self.open_state().theta.dtype

    def batches(self, state: TrainingState) -> Iterator[tuple[IndexArray, int]]:
        """The order of an epoch up to the end of each next batch, and where the batch starts in it."""
        plan, size, epoch, position = self.recipe.plan, self.examples.size, state.epoch, state.position
        while True:
            order = plan.order(epoch + 1, size)
            for first in range(position, size, plan.batch_size):
                yield order[: first + plan.batch_size], first
            epoch, position = epoch + 1, 0

    def steps(self, state: TrainingState, say: Say) -> Steps:
        """The engine's steps from a state, compiled if need be."""
        steps = self.engine.steps(self.recipe, state, self.examples)
        for line in steps.prepare(self.recipe.plan.batch_size):
            say(line)
        return steps

    def updates(self, count: int, say: Say) -> list[Update]:
        """The next updates, one at a time."""
        state = self.open_state()
        steps = self.steps(state, say)
        found: list[Update] = []
        for (order, first), _ in zip(self.batches(state), range(count), strict=False):
            state.position, before = first, snapshot(state)
            if self.beginning is not None and not found:
                before = self.beginning
            epoch, reductions = state.epoch + 1, state.plateau.reductions
            _run(steps, order, self.recipe.plan.batch_size)
            batch, number = order[first:], before.step + 1
            found.append(Update(number, epoch, batch, state.learning_rate, before, snapshot(state), reductions))
            if len(order) == self.examples.size:
                state.begin_epoch(epoch)
        return found

    def at_once(self, count: int, say: Say) -> Snapshot:
        """The state after the same updates, taken in one call for each epoch."""
        state = self.open_state()
        steps, batch_size = self.steps(state, say), self.recipe.plan.batch_size
        while count > 0:
            order = self.recipe.plan.order(state.epoch + 1, self.examples.size)
            left = -(-(self.examples.size - state.position) // batch_size)
            taken = min(left, count)
            _run(steps, order[: state.position + taken * batch_size], batch_size)
            count -= taken
            if taken == left:
                state.begin_epoch(state.epoch + 1)
        return snapshot(state)


def term_sizes(subject: Subject, update: Update) -> Array:
    """Σ |dZ_l| |A_l-1|ᵀ, (P,): the size of the terms of which each entry of the gradient at θ is the sum.

    For what an activation owns it is Σ |dA_l| |∂A_l/∂own|.
    """
    network, batch, theta = subject.recipe.network, update.batch, update.before.theta
    ws = network.workspace(len(batch), theta.dtype, weighted=subject.examples.weights is not None, noisy=True)
    subject.examples.gather(batch, ws.X, ws.Y, ws.weights)
    Noise(subject.recipe, theta.dtype).apply(update.before.step, len(batch), ws)
    parameters, sizes = network.parameters(theta), network.parameters(np.zeros_like(theta))
    with np.errstate(all="ignore"):
        network.forward(parameters, ws)
        network.backward(parameters, sizes, ws, network.scale(weight_of(ws)))
        for W, b, dZ, A in zip(sizes.W[1:], sizes.b[1:], ws.dZ[1:], ws.A, strict=False):
            np.dot(np.abs(dZ), np.abs(A).T, out=W)
            np.sum(np.abs(dZ), axis=1, keepdims=True, out=b)
        for l, own in enumerate(parameters.own):
            if own.size:
                dA = _size_of_dA(network, parameters, ws, l)
                slopes = _slopes_by_own(network.activations[l - 1], ws.Z[l], own)
                sizes.own[l][...] = [(dA * np.abs(slope)).sum() for slope in slopes]
    return sizes.theta


def _size_of_dA(network: Network, parameters: Parameters, ws: Workspace, l: int) -> Array:
    """|dA_l|, below the output the sum of its terms' sizes."""
    if l < len(network.layers):
        return np.asarray(np.abs(parameters.W[l + 1]).T @ np.abs(ws.dZ[l + 1]))
    dA = np.empty_like(ws.A[l])
    network.head.loss.backward(ws.A[l], ws.Y, network.scale(weight_of(ws)), dA, ws.output)
    return np.abs(dA if ws.weights is None else dA * ws.weights)


def _slopes_by_own(activation: Activation, Z: Array, own: Array) -> list[Array]:
    """∂A/∂own, (n, m) each, by the activation's stated formula."""
    everywhere = {name: np.full(Z.shape, value) for name, value in zip(activation.owned, own, strict=True)}
    settings = {name: value for name, value in vars(activation).items() if isinstance(value, float)}
    _, back = pull_back(parse(activation.formula), {**settings, "z": Z, **everywhere}, Floats())
    slopes = back(np.ones_like(Z))
    return [slopes[name] for name in everywhere]


def snapshot(state: TrainingState) -> Snapshot:
    """The numbers of a state that an update changes, copied."""
    memory = {name: array.copy() for name, array in state.optimizer.memory.items()}
    return Snapshot(state.theta.copy(), memory, state.optimizer.step)


def _run(steps: Steps, order: IndexArray, batch_size: int) -> None:
    with suppress(DivergedError):  # the updates have been taken by then, and are judged
        steps.run(order, batch_size, np.inf)


@dataclass(frozen=True)
class KeepGradients:
    """The update rule that leaves θ as it is and keeps the gradient, and η times it, in its memory."""

    learning_rate: float

    batch_only: ClassVar[bool] = False

    def memory(self, size: int) -> Mapping[str, Memory]:
        """Both gradients, (P,)."""
        return {"gradient": Memory((size,)), "scaled": Memory((size,))}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """None."""
        return {}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Keep the gradient, asked for with the factor 1 and with η; return what ``gradient`` returned."""
        gradient(theta, state.dtheta, 1.0)
        np.copyto(state.memory["gradient"], state.dtheta)
        added = gradient(theta, state.dtheta, rate)
        np.copyto(state.memory["scaled"], state.dtheta)
        return added


class GradientKeeper:
    """The gradient that an engine computes at any θ: of the loss alone, or ``chained``."""

    def __init__(self, subject: Subject, engine: Engine, say: Say, *, chained: bool = False) -> None:
        self.recipe = replace(subject.recipe, optimizer=KeepGradients(subject.recipe.optimizer.learning_rate))
        if not chained:
            self.recipe = replace(self.recipe, penalties=(), clip=None)
        theta = subject.open_state().theta
        self.state = start(self.recipe, theta.copy(), Tallies(()))
        self.steps = replace(subject, recipe=self.recipe, engine=engine).steps(self.state, say)

    def at(self, theta: Array, update: Update) -> tuple[Array, Array]:
        """The gradient at θ on an update's batch, with its noise: asked for with the factor 1, and with η."""
        state, memory = self.state, self.state.optimizer.memory
        np.copyto(state.theta, theta)
        state.epoch, state.position, state.optimizer.step = update.epoch - 1, 0, update.before.step
        state.plateau.reductions = update.reductions
        _run(self.steps, update.batch, len(update.batch))
        return memory["gradient"].copy(), memory["scaled"].copy()
