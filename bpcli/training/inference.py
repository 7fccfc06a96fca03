"""A network over a whole source, in chunks: its outputs, or its loss and metrics."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.data.sources import Examples, Source
from bpcli.nn import Array, IndexArray
from bpcli.nn.loss_sums import LossSums, weight_of
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.tallies import Tallies
from bpcli.nn.workspace import Workspace

CHUNK = 1024
"""Examples at a time. Fixed, because the chunk's size can change the last bits of a product."""


def _passes(
    network: Network, parameters: Parameters, features: Source, *, weighted: bool = False
) -> Iterator[tuple[IndexArray, Workspace]]:
    """Run every chunk forward; the workspace holds it until the next."""
    workspaces: dict[int, Workspace] = {}
    for start in range(0, features.size, CHUNK):
        indices = np.arange(start, min(start + CHUNK, features.size))
        m = len(indices)
        if m not in workspaces:
            workspaces[m] = network.workspace(m, parameters.theta.dtype, training=False, weighted=weighted)
        ws = workspaces[m]
        features.gather(indices, ws.X)
        with np.errstate(all="ignore"):
            network.forward(parameters, ws)
        yield indices, ws


def outputs(network: Network, parameters: Parameters, features: Source) -> Array:
    """A_L for every example, (n_L, N)."""
    result = np.empty((network.sizes[-1], features.size), parameters.theta.dtype)
    for indices, ws in _passes(network, parameters, features):
        result[:, indices] = ws.A[-1]
    return result


def assess(network: Network, parameters: Parameters, examples: Examples, tallies: Tallies) -> float:
    """The data loss over every example, divided as the loss says; counts metrics into ``tallies``."""
    losses = LossSums(network.head.loss, network.sizes[-1])
    for indices, ws in _passes(network, parameters, examples.features, weighted=examples.weights is not None):
        examples.targets.gather(indices, ws.Y)
        if examples.weights is not None and ws.weights is not None:
            ws.weights[...] = examples.weights[indices]
        with np.errstate(all="ignore"):
            losses.add(float(np.add.reduce(network.terms(ws))), weight_of(ws))
            tallies.update(ws.A[-1], ws.Y, ws.output)
    return losses.value()
