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
from bpcli.team import Team
from bpcli.training.recipe import Recipe
from bpcli.training.shards.buckets import Report
from bpcli.training.shards.equations import Equations

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
    """What all passes of a training have in common: its recipe, views of its vectors, whether examples weigh.

    A batch is cut into ``shards``; the threads of ``team`` may compute parts of a pass side by side.
    """

    recipe: Recipe
    views: Views
    dtype: np.dtype[Any]
    weighted: bool
    shards: int
    team: Team


class Passes(Protocol):
    """An engine as shards see it, made of :class:`PassInputs`."""

    def prepare(self) -> Iterator[str]:
        """Compile or load what is needed, once; yield a message before slow work."""
        ...

    def of(self, ws: Workspace, report: Report | None = None) -> ShardPass:
        """The pass over the shards that come into this workspace, which reports each layer that it is done with."""
        ...


PassesOf = Callable[[PassInputs], Passes]
"""Makes the passes of an engine."""


class NumpyPasses:
    """The reference: the functions of :mod:`bpcli.nn`, wide layers in bands."""

    def __init__(self, inputs: PassInputs) -> None:
        self.network, self.views, self.team = inputs.recipe.network, inputs.views, inputs.team
        self.shards = inputs.shards

    def prepare(self) -> Iterator[str]:
        """Nothing to prepare."""
        return iter(())

    def of(self, ws: Workspace, report: Report | None = None) -> ShardPass:
        """Forward, then backward; the vectors are almost always those of the last call."""
        last: Equations | None = None

        def compute(theta: Array, out: Array, scale: Any) -> None:
            nonlocal last
            if last is None or last.parameters.theta is not theta or last.gradient.theta is not out:
                last = Equations(self.network, self.views(theta), self.views(out), ws, self.shards, self.team, report)
            last.compute(scale)

        return compute
