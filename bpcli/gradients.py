"""The gradient that trains: on any batch of a source's examples, whole or in shards side by side.

A batch's columns may be cut into a fixed number of shards. Each is computed by
itself, and what they give is added up in their order: so the numbers depend on
how many shards there are, never on how many threads compute them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from bpcli.data.sources import Source
from bpcli.nn import Array, IndexArray
from bpcli.nn.network import Network
from bpcli.nn.optimizers import Gradient
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace

WORTH_A_THREAD = 4e6
"""Multiplications of a shard from which on a thread of its own saves more than it costs."""


@dataclass(frozen=True)
class Examples:
    """Features and targets of the same examples."""

    features: Source
    targets: Source

    @property
    def size(self) -> int:
        """The number of examples."""
        return self.features.size


@dataclass(frozen=True)
class Shard:
    """Some columns of a batch in a workspace, and room for their part of the gradient; the first has none."""

    columns: slice
    ws: Workspace
    gradient: Parameters | None


class Gradients:
    """∂L/∂θ on any batch: each batch size has its workspaces, made once.

    The outputs of up to ``slots`` batches are kept apart, for whoever looks at several together.
    """

    def __init__(
        self, network: Network, theta: Array, dtheta: Array, examples: Examples, shards: int = 1, threads: int = 1
    ) -> None:
        self.network, self.examples = network, examples
        self.parameters, self.gradient = Parameters(network.sizes, theta), Parameters(network.sizes, dtheta)
        self.parts = [Parameters(network.sizes, np.zeros_like(dtheta)) for _ in range(shards - 1)]
        self.batches: dict[tuple[int, int], list[Shard]] = {}
        self.pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def at(self, batch: IndexArray, slot: int = 0) -> tuple[Gradient, list[Workspace]]:
        """The gradient as a function of θ and a factor on the examples ``batch``, and the workspaces that it fills."""
        shards = self.batches.get((len(batch), slot))
        if shards is None:
            shards = self.batches[len(batch), slot] = self._shards(len(batch), slot)
        for shard in shards:
            self.examples.features.gather(batch[shard.columns], shard.ws.X)
            self.examples.targets.gather(batch[shard.columns], shard.ws.Y)
        network = self.network

        def gradient(theta: Array, out: Array, factor: float) -> None:
            parameters, whole = self._views(self.parameters, theta), self._views(self.gradient, out)

            def compute(shard: Shard) -> None:
                network.forward(parameters, shard.ws)
                network.backward(parameters, shard.gradient or whole, shard.ws, factor)

            self._each(compute, shards)
            for shard in shards:
                if shard.gradient is not None:
                    np.add(out, shard.gradient.theta, out)

        return gradient, [shard.ws for shard in shards]

    def _shards(self, m: int, slot: int) -> list[Shard]:
        """A batch of m examples cut into as many shards as there are to be, or m, as even as can be."""
        if slot:
            return [replace(shard, ws=shard.ws.sibling()) for shard in self.batches[m, 0]]
        count = min(len(self.parts) + 1, m)
        bounds = [m * k // count for k in range(count + 1)]
        found = []
        for start, stop, gradient in zip(bounds, bounds[1:], [None, *self.parts], strict=False):
            ws = self.network.workspace(stop - start, self.parameters.theta.dtype)
            ws.batch = m
            found.append(Shard(slice(start, stop), ws, gradient))
        return found

    def _each(self, compute: Callable[[Shard], None], shards: list[Shard]) -> None:
        """Compute every shard; by threads where that pays."""
        work = self.parameters.theta.size * shards[0].ws.m
        if self.pool is None or len(shards) == 1 or work < WORTH_A_THREAD:
            for shard in shards:
                compute(shard)
            return

        def quietly(shard: Shard) -> None:
            with np.errstate(all="ignore"):  # a thread starts with warnings on
                compute(shard)

        deque(self.pool.map(quietly, shards), maxlen=0)

    def _views(self, known: Parameters, vector: Array) -> Parameters:
        """Views made once for the vectors of every step, anew for any other."""
        return known if vector is known.theta else Parameters(self.network.sizes, vector)
