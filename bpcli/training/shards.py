"""The gradient that trains: on any batch of a source's examples, whole or in shards side by side.

A batch's columns may be cut into a fixed number of shards. Each is computed by
itself, and what they give is added up in their order: so the numbers depend on
how many shards there are, never on how many threads compute them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from bpcli.data.sources import Examples
from bpcli.nn import Array, IndexArray
from bpcli.nn.loss_sums import weight_of
from bpcli.nn.optimizers import Gradient
from bpcli.nn.parameters import Parameters
from bpcli.nn.transformations import early, finish
from bpcli.nn.workspace import Workspace
from bpcli.training.noise import Noise
from bpcli.training.recipe import Recipe

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

WORTH_A_THREAD = 4e6
"""Multiplications of a shard from which on a thread of its own saves more than it costs."""


@dataclass(frozen=True)
class Shard:
    """Some columns of a batch in a workspace, and room for their part of the gradient; the first has none."""

    columns: slice
    ws: Workspace
    gradient: Parameters | None


@dataclass(frozen=True)
class Batch:
    """What batches of one size are computed with: shards, and the gradient on what their workspaces hold."""

    shards: list[Shard]
    workspaces: list[Workspace]
    gradient: Gradient
    weigh: Callable[[], Any]
    """The weight of the examples that the workspaces hold."""

    def draw(self, noise: Noise, update: int) -> None:
        """Draw the noise of an update, from 0, for the batch as a whole, whatever its shards."""
        m = self.shards[-1].columns.stop
        for shard in self.shards:
            noise.apply(update, m, shard.ws, shard.columns)


class Gradients:
    """∂L/∂θ on any batch: each batch size has its workspaces, made once.

    Batches in other slots have workspaces that keep other outputs, so that several can be looked at together.
    """

    def __init__(
        self, recipe: Recipe, theta: Array, dtheta: Array, examples: Examples, shards: int = 1, threads: int = 1
    ) -> None:
        self.recipe, self.network, self.examples = recipe, recipe.network, examples
        self.weighted, self.metrics_weighted = examples.weights is not None, examples.metric_weights is not None
        self.parameters, self.gradient = self.network.parameters(theta), self.network.parameters(dtheta)
        self.parts = [self.network.parameters(np.zeros_like(dtheta)) for _ in range(shards - 1)]
        self.scratch = self.network.parameters(np.zeros_like(dtheta)) if recipe.chain else None
        self.batches: dict[tuple[int, int], Batch] = {}
        self.threads = threads
        self.pool = _pool(threads) if threads > 1 else None

    def at(self, examples: IndexArray, slot: int = 0) -> Batch:
        """The batch of these examples, its workspaces filled."""
        batch = self.batches.get((len(examples), slot))
        if batch is None:
            batch = self.batches[len(examples), slot] = self._batch(len(examples), slot)
        for shard in batch.shards:
            ws = shard.ws
            self.examples.gather(examples[shard.columns], ws.X, ws.Y, ws.weights, ws.metric_weights)
        return batch

    def _batch(self, m: int, slot: int) -> Batch:
        if slot:
            shards = [replace(shard, ws=shard.ws.sibling()) for shard in self.batches[m, 0].shards]
        else:
            shards = self._shards(m)
        workspaces = [shard.ws for shard in shards]
        weigh = partial(_weigh, workspaces) if self.weighted else lambda: m
        return Batch(shards, workspaces, self._gradient(shards, weigh), weigh)

    def _shards(self, m: int) -> list[Shard]:
        """A batch of m examples cut into the shards asked for, at most m, as even as can be."""
        slices = _slices(m, min(len(self.parts) + 1, m))
        make = partial(
            self.network.workspace,
            dtype=self.parameters.theta.dtype,
            weighted=self.weighted,
            metrics_weighted=self.metrics_weighted,
            noisy=True,
        )
        return [
            Shard(columns, make(columns.stop - columns.start), gradient)
            for columns, gradient in zip(slices, [None, *self.parts], strict=False)
        ]

    def _gradient(self, shards: list[Shard], weigh: Callable[[], Any]) -> Gradient:
        """The gradient on the examples that shards hold: data first, then what the recipe's chain makes of it."""
        chain, data = self.recipe.chain, self._data_gradient(shards)
        fixed = None if self.weighted else self.network.scale(weigh())

        def gradient(theta: Array, out: Array, factor: float) -> Any:
            data(theta, out, early(chain, factor) * (self.network.scale(weigh()) if fixed is None else fixed))
            if self.scratch is None:
                return 0.0
            parameters, gradients = self._views(self.parameters, theta), self._views(self.gradient, out)
            return finish(chain, parameters, gradients, self.scratch, weigh(), factor)

        return gradient

    def _data_gradient(self, shards: list[Shard]) -> Callable[[Array, Array, Any], None]:
        """A function of θ, out and scale: each shard by itself, then all of them added up in order."""
        if len(shards) == 1:
            return partial(self._compute, shards[0])
        pool = self.pool if self.parameters.theta.size * shards[0].ws.m >= WORTH_A_THREAD else None
        pieces = _slices(self.parameters.theta.size, self.threads if pool else 1)
        each = pool.map if pool else map

        def gradient(theta: Array, out: Array, scale: Any) -> None:
            def compute(shard: Shard) -> None:
                with np.errstate(all="ignore"):  # a thread starts with warnings on
                    self._compute(shard, theta, out, scale)

            def add_up(piece: slice) -> None:
                for shard in shards[1:]:
                    assert shard.gradient is not None
                    np.add(out[piece], shard.gradient.theta[piece], out[piece])

            for _ in each(compute, shards):
                pass
            for _ in each(add_up, pieces):
                pass

        return gradient

    def _compute(self, shard: Shard, theta: Array, out: Array, scale: Any) -> None:
        parameters = self._views(self.parameters, theta)
        self.network.forward(parameters, shard.ws)
        self.network.backward(parameters, shard.gradient or self._views(self.gradient, out), shard.ws, scale)

    def _views(self, known: Parameters, vector: Array) -> Parameters:
        """The views made once for the vectors of every step, new ones for any other vector."""
        return known if vector is known.theta else self.network.parameters(vector)


def _weigh(workspaces: list[Workspace]) -> Any:
    """The weight of the examples in all workspaces of a batch."""
    return sum(weight_of(ws) for ws in workspaces)


def _pool(threads: int) -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(threads)


def _slices(length: int, count: int) -> list[slice]:
    """A length cut into ``count`` slices as even as can be."""
    bounds = [length * k // count for k in range(count + 1)]
    return [slice(start, stop) for start, stop in pairwise(bounds)]
