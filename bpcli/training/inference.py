"""A network over a whole source, in chunks: its outputs, or its loss and metrics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from bpcli.data.sources import Source
from bpcli.nn import Array, IndexArray
from bpcli.nn.metrics import Decisions, Residuals, Tally
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace

CHUNK = 1024
"""Examples at a time. Fixed, because the chunk's size can change the last bits of a product."""


def new_tally(counted_by: Literal["largest", "threshold", "residuals"], outputs: int) -> Tally:
    """The tally for outputs judged this way."""
    return Residuals(outputs) if counted_by == "residuals" else Decisions(outputs, counted_by)


def _passes(network: Network, parameters: Parameters, features: Source) -> Iterator[tuple[IndexArray, Workspace]]:
    """Run every chunk forward; the workspace holds it until the next."""
    workspaces: dict[int, Workspace] = {}
    for start in range(0, features.size, CHUNK):
        indices = np.arange(start, min(start + CHUNK, features.size))
        m = len(indices)
        if m not in workspaces:
            workspaces[m] = network.workspace(m, parameters.theta.dtype, training=False)
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


def assess(network: Network, parameters: Parameters, features: Source, targets: Source, tally: Tally) -> float:
    """The data loss over every example, reduced as the loss says; counts metrics into ``tally``."""
    total = 0.0
    for indices, ws in _passes(network, parameters, features):
        targets.gather(indices, ws.Y)
        with np.errstate(all="ignore"):
            total += float(network.total(ws))
            tally.update(ws.A[-1], ws.Y, ws.output)
    return total * network.scale(features.size)
