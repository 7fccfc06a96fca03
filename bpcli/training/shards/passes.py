"""The gradient of one shard, forward and backward, by the functions of an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from bpcli.nn import Array
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace
from bpcli.training.recipe import Recipe

ShardPass = Callable[[Array, Array, Any], None]
"""pass(θ, out, scale): writes the gradient of ``scale`` · Σ of the shard's terms at θ, (P,), into ``out``.

It reads X, Y, weights and noise of the shard's workspace, and leaves Z_L and A_L there. Passes of
several shards run side by side.
"""


class Views:
    """Vectors of θ's length seen as the arrays of layers; those of ``known`` are made once, any other each time."""

    def __init__(self, network: Network, known: list[Array]) -> None:
        self.network = network
        self.known = {id(vector): network.parameters(vector) for vector in known}

    def __call__(self, vector: Array) -> Parameters:
        """The views of a vector."""
        found = self.known.get(id(vector))
        return found if found is not None and found.theta is vector else self.network.parameters(vector)


@dataclass(frozen=True)
class PassInputs:
    """What all passes of a training have in common: its recipe, views of its vectors, and whether examples weigh."""

    recipe: Recipe
    views: Views
    dtype: np.dtype[Any]
    weighted: bool


class Passes(Protocol):
    """An engine as shards see it, made of :class:`PassInputs`."""

    def prepare(self) -> Iterator[str]:
        """Compile or load what is needed, once; yield a message before slow work."""
        ...

    def of(self, ws: Workspace) -> ShardPass:
        """The pass over the shards that come into this workspace."""
        ...


PassesOf = Callable[[PassInputs], Passes]
"""Makes the passes of an engine."""


class NumpyPasses:
    """The reference: the functions of :mod:`bpcli.nn`."""

    def __init__(self, inputs: PassInputs) -> None:
        self.network, self.views = inputs.recipe.network, inputs.views

    def prepare(self) -> Iterator[str]:
        """Nothing to prepare."""
        return iter(())

    def of(self, ws: Workspace) -> ShardPass:
        """Forward, then backward; the vectors are almost always those of the last call."""
        network, views = self.network, self.views
        last: tuple[Parameters, Parameters] | None = None

        def compute(theta: Array, out: Array, scale: Any) -> None:
            nonlocal last
            if last is None or last[0].theta is not theta or last[1].theta is not out:
                last = views(theta), views(out)
            parameters, gradient = last
            network.forward(parameters, ws)
            network.backward(parameters, gradient, ws, scale)

        return compute
