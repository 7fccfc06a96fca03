"""What a shard leaves to be counted: its outputs and the sum of its terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.nn.network import Network
from bpcli.nn.tallies import Tallies
from bpcli.nn.workspace import OutputScratch, Workspace, layer_scratch, output_scratch


@dataclass(frozen=True)
class Results:
    """A_L (n_L, m) and Y of a shard, its weights, (m,), where there are any, and ``total``, (1,) float64.

    ``total`` is the sum of the terms of its loss, each times its example's weight.
    """

    A: Array
    Y: Array
    weights: Array | None
    metric_weights: Array | None
    scratch: OutputScratch
    total: Array = field(default_factory=lambda: np.zeros(1))

    @property
    def shared(self) -> list[Array]:
        """The arrays that are counted, which every process needs."""
        every = self.A, self.Y, self.metric_weights, self.total
        return [array for array in every if array is not None]

    @property
    def weight(self) -> Any:
        """The number of the examples, or the sum of their weights."""
        return self.A.shape[-1] if self.weights is None else np.add.reduce(self.weights)


def results_in(ws: Workspace) -> Results:
    """The results of a shard that is computed here, where they lie."""
    return Results(ws.A[-1], ws.Y, ws.weights, ws.metric_weights, ws.output)


def results_from_elsewhere(
    network: Network, m: int, dtype: np.dtype[Any], *, weighted: bool, metrics_weighted: bool
) -> Results:
    """Room for the results of a shard of m examples that another process computes."""
    n = network.sizes[-1]
    return Results(
        np.empty((n, m), dtype),
        network.targets(m, dtype),
        np.empty(m, dtype) if weighted else None,
        np.empty(m, dtype) if metrics_weighted else None,
        output_scratch(layer_scratch(n, m, dtype)),
    )


def count(results: Sequence[Results], tallies: Tallies) -> float:
    """Count the metrics of every shard, in order; return the sum of the terms of their losses."""
    for one in results:
        tallies.update(one.A, one.Y, one.scratch, one.metric_weights)
    return sum_in_order(results)


def sum_in_order(results: Sequence[Results]) -> float:
    """The sum of the shards' terms, the first ones' first; Python's own ``sum`` adds otherwise from 3.12 on."""
    total = 0.0
    for one in results:
        total += float(one.total[0])
    return total
