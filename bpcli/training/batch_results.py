"""The losses and metrics of batches, several batches at a time.

Looking at a small batch costs more in calls than in work. So the outputs of a
fixed number of batches, which depends on their size alone, are laid side by side
and looked at together.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.nn.network import Network
from bpcli.nn.tallies import Tallies
from bpcli.nn.workspace import Workspace, layer_scratch, output_scratch

COLUMNS, MOST = 256, 64
"""Examples looked at together, and the most batches."""


def together(batch_size: int) -> int:
    """How many batches of this size are looked at together."""
    return min(MOST, max(1, COLUMNS // batch_size))


class SideBySide:
    """Batches of m examples side by side: Z and A (n_L, batches · m), Y as the loss wants it."""

    def __init__(
        self,
        network: Network,
        m: int,
        batches: int,
        dtype: np.dtype[Any],
        *,
        weighted: bool,
        metrics_weighted: bool = False,
    ) -> None:
        n, columns = network.sizes[-1], m * batches
        self.network = network
        self.Z, self.A = np.empty((n, columns), dtype), np.empty((n, columns), dtype)
        self.Y = network.targets(columns, dtype)
        self.weights = np.empty(columns, dtype) if weighted else None
        self.metric_weights = np.empty(columns, dtype) if metrics_weighted else None
        self.scratch = output_scratch(layer_scratch(n, columns, dtype))

    def count(self, workspaces: list[Workspace], tallies: Tallies) -> float:
        """Count every batch's metrics; return the sum of the terms of their losses."""
        np.concatenate([ws.Z[-1] for ws in workspaces], axis=-1, out=self.Z)
        np.concatenate([ws.A[-1] for ws in workspaces], axis=-1, out=self.A)
        np.concatenate([ws.Y for ws in workspaces], axis=-1, out=self.Y)
        if self.weights is not None:
            np.concatenate([ws.weights for ws in workspaces if ws.weights is not None], out=self.weights)
        if self.metric_weights is not None:
            np.concatenate(
                [ws.metric_weights for ws in workspaces if ws.metric_weights is not None], out=self.metric_weights
            )
        terms = self.network.weighted_terms(self.Z, self.A, self.Y, self.weights, self.scratch)
        total = float(np.add.reduce(terms))
        tallies.update(self.A, self.Y, self.scratch, self.metric_weights)
        return total


def count_batch(network: Network, ws: Workspace, tallies: Tallies) -> float:
    """The same for a single batch, or a shard of one, where it lies."""
    total = float(np.add.reduce(network.terms(ws)))
    tallies.update(ws.A[-1], ws.Y, ws.output, ws.metric_weights)
    return total
