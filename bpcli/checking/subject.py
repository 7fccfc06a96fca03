"""What is checked: some parameters of each layer, and the gradient that training computes for them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from bpcli.data.sources import Examples
from bpcli.errors import DivergedError
from bpcli.nn import Array, IndexArray
from bpcli.nn.gradient_check import Probe
from bpcli.nn.network import Network
from bpcli.nn.optimizers import Gradient, Memory, OptimizerState
from bpcli.nn.parameters import Parameters, count
from bpcli.nn.tallies import Tallies
from bpcli.streams import stream
from bpcli.training.engines import Engine
from bpcli.training.recipe import Recipe
from bpcli.training.state import start

Kind = Literal["W", "b"]

EVERY = 2000
"""Networks of up to so many parameters are checked whole."""

SAMPLE = 100
"""Parameters of each layer and kind checked in larger networks, unless told otherwise."""


@dataclass(frozen=True)
class Group:
    """Parameters of one layer and kind to check: ``places`` in θ, of an array that starts at ``start``."""

    layer: int
    kind: Kind
    shape: tuple[int, int]
    start: int
    places: IndexArray


def groups(network: Network, per_group: int | None, seed: int) -> list[Group]:
    """Every parameter of a small network, else a seeded sample of each layer's W and b."""
    sizes = network.sizes
    size = count(sizes)
    limit = per_group or (size if size <= EVERY else SAMPLE)
    rng = stream(seed, "gradient check")
    found, start = [], 0
    numbered = Parameters(sizes, np.zeros(size))
    for layer in range(1, len(sizes)):
        kinds: tuple[tuple[Kind, Array], ...] = (("W", numbered.W[layer]), ("b", numbered.b[layer]))
        for kind, array in kinds:
            own = np.arange(start, start + array.size)
            chosen = own if array.size <= limit else np.sort(rng.permutation(own)[:limit])
            found.append(Group(layer, kind, (array.shape[0], array.shape[1]), start, chosen))
            start += array.size
    return found


@dataclass(frozen=True)
class Remember:
    """The rule that changes nothing and keeps the gradient it was given.

    ``at_once`` takes −∂L/∂θ off zeros, as gradient descent takes η ∂L/∂θ off θ: compiled code
    then lets the same products do both without storing dθ.
    """

    at_once: bool = False
    learning_rate: float = 0.0

    def memory(self, size: int) -> Mapping[str, Memory]:
        """The gradient."""
        return {"gradient": Memory((size,))}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """None."""
        return {}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Keep the gradient; return what the function of it returned."""
        kept = state.memory["gradient"]
        if not self.at_once:
            loss = gradient(theta, state.dtheta, 1.0)
            np.copyto(kept, state.dtheta)
            return loss
        kept.fill(0)
        loss = gradient(theta, state.dtheta, -1.0)
        np.subtract(kept, state.dtheta, kept)
        return loss


def gradients_of(
    recipe: Recipe, theta: Array, examples: Examples, batches: list[IndexArray], engine: Engine | None = None
) -> list[Array]:
    """The gradient at θ, (P,), that the engine's own steps compute on each batch in turn, through the same buffers.

    They compute it as under the recipe's rule: one without a memory takes it off θ at once. The
    recipe's clipping is left out, as a gradient that is cut short is no derivative of the loss.
    """
    rule = Remember(at_once=not recipe.optimizer.memory(theta.size))
    recorded = replace(recipe, optimizer=rule, clip=None)
    state = start(recorded, theta.copy(), Tallies(()))
    steps = (engine or Engine()).steps(recorded, state, examples)
    found = []
    for batch in batches:
        state.position = 0
        with suppress(DivergedError):  # a gradient there is all the same
            steps.run(batch, len(batch), np.inf)
        found.append(state.optimizer.memory["gradient"].copy())
    return found


def probe_of(recipe: Recipe, examples: Examples, batch: IndexArray) -> Probe:
    """L on the examples ``batch``, for differences; where layers draw noise, it is that of the first step."""
    network = recipe.network
    ws = network.workspace(len(batch), np.float64, weighted=examples.weights is not None)
    examples.gather(batch, ws.X, ws.Y, ws.weights)
    network.draw(ws.noise, stream(recipe.plan.seed, "noise", 1, 0))
    return Probe(network, ws.X, ws.Y, weights=ws.weights, noise=ws.noise, penalties=recipe.penalties)
