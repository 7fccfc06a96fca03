"""The gradient that trains: on any batch of a source's examples, whole or in shards side by side.

A batch's columns may be cut into a fixed number of shards. Each is computed by
itself, and what they give is added up in their order: so the numbers depend on
how many shards there are, never on how many threads compute them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bpcli.data.sources import Examples
from bpcli.nn import Array, IndexArray
from bpcli.nn.network import Network
from bpcli.nn.optimizers import Gradient
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace

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
    """What batches of one size are computed with: shards, their workspaces, and the gradient on what these hold."""

    shards: list[Shard]
    workspaces: list[Workspace]
    gradient: Gradient


class Gradients:
    """∂L/∂θ on any batch: each batch size has its workspaces, made once.

    Batches in other slots have workspaces that keep other outputs, for whoever looks at several together.
    """

    def __init__(
        self, network: Network, theta: Array, dtheta: Array, examples: Examples, shards: int = 1, threads: int = 1
    ) -> None:
        self.network, self.examples = network, examples
        self.parameters, self.gradient = Parameters(network.sizes, theta), Parameters(network.sizes, dtheta)
        self.parts = [Parameters(network.sizes, np.zeros_like(dtheta)) for _ in range(shards - 1)]
        self.batches: dict[tuple[int, int], Batch] = {}
        self.threads = threads
        self.pool = _pool(threads) if threads > 1 else None

    def at(self, examples: IndexArray, slot: int = 0) -> tuple[Gradient, list[Workspace]]:
        """The gradient as a function of θ and a factor on these examples, and the workspaces that it fills."""
        batch = self.batches.get((len(examples), slot))
        if batch is None:
            batch = self.batches[len(examples), slot] = self._batch(len(examples), slot)
        for shard in batch.shards:
            self.examples.gather(examples[shard.columns], shard.ws.X, shard.ws.Y)
        return batch.gradient, batch.workspaces

    def _batch(self, m: int, slot: int) -> Batch:
        if slot:
            shards = [replace(shard, ws=shard.ws.sibling()) for shard in self.batches[m, 0].shards]
        else:
            shards = self._shards(m)
        return Batch(shards, [shard.ws for shard in shards], self._gradient(shards))

    def _shards(self, m: int) -> list[Shard]:
        """A batch of m examples cut into as many shards as there are to be, or m, as even as can be."""
        slices = _slices(m, min(len(self.parts) + 1, m))
        found = []
        for columns, gradient in zip(slices, [None, *self.parts], strict=False):
            ws = self.network.workspace(columns.stop - columns.start, self.parameters.theta.dtype)
            ws.batch = m
            found.append(Shard(columns, ws, gradient))
        return found

    def _gradient(self, shards: list[Shard]) -> Gradient:
        """The gradient on the examples that shards hold: each shard by itself, then all of them added up in order."""
        if len(shards) == 1:
            return partial(self._compute, shards[0])
        pool = self.pool if self.parameters.theta.size * shards[0].ws.m >= WORTH_A_THREAD else None
        pieces = _slices(self.parameters.theta.size, self.threads if pool else 1)
        each = pool.map if pool else map

        def gradient(theta: Array, out: Array, factor: float) -> None:
            def compute(shard: Shard) -> None:
                with np.errstate(all="ignore"):  # a thread starts with warnings on
                    self._compute(shard, theta, out, factor)

            def add_up(piece: slice) -> None:
                for shard in shards[1:]:
                    assert shard.gradient is not None
                    np.add(out[piece], shard.gradient.theta[piece], out[piece])

            deque(each(compute, shards), maxlen=0)
            deque(each(add_up, pieces), maxlen=0)

        return gradient

    def _compute(self, shard: Shard, theta: Array, out: Array, factor: float) -> None:
        parameters = self._views(self.parameters, theta)
        self.network.forward(parameters, shard.ws)
        self.network.backward(parameters, shard.gradient or self._views(self.gradient, out), shard.ws, factor)

    def _views(self, known: Parameters, vector: Array) -> Parameters:
        """Views made once for the vectors of every step, anew for any other."""
        return known if vector is known.theta else Parameters(self.network.sizes, vector)


def _pool(threads: int) -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(threads)


def _slices(length: int, count: int) -> list[slice]:
    """A length cut into ``count`` slices as even as can be."""
    bounds = [length * k // count for k in range(count + 1)]
    return [slice(start, stop) for start, stop in pairwise(bounds)]
