"""The forward pass over a whole source: the outputs, or the loss and metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from bpcli.data.sources import Examples, Source
from bpcli.nn import Array, IndexArray
from bpcli.nn.loss_sums import LossSums, weight_of
from bpcli.nn.losses import outputs_divisor
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.tallies import Judging, Tallies
from bpcli.nn.workspace import Workspace

EXAMPLES_PER_PASS = 1024
"""Fixed, because the width of a matrix can change the last bits of a product."""


Look = Callable[[IndexArray, Array], None]
"""Is shown outputs A_L, (n_L, m), with the indices of their examples."""


def _forward_passes(
    network: Network, parameters: Parameters, features: Source, **weighted: bool
) -> Iterator[tuple[IndexArray, Workspace]]:
    """Run all examples forward, some at a time: their indices, and the workspace, which the next ones overwrite.

    ``weighted`` says for which weights the workspace has room.
    """
    workspaces: dict[int, Workspace] = {}
    for start in range(0, features.size, EXAMPLES_PER_PASS):
        indices = np.arange(start, min(start + EXAMPLES_PER_PASS, features.size))
        m = len(indices)
        if m not in workspaces:
            workspaces[m] = network.workspace(m, parameters.theta.dtype, training=False, **weighted)
        ws = workspaces[m]
        features.gather(indices, ws.X)
        with np.errstate(all="ignore"):
            network.forward(parameters, ws)
        yield indices, ws


def output_batches(network: Network, parameters: Parameters, features: Source) -> Iterator[Array]:
    """A_L of all examples in order, (n_L, m) at a time, each overwritten by the next."""
    for _, ws in _forward_passes(network, parameters, features):
        yield ws.A[-1]


def outputs(network: Network, parameters: Parameters, features: Source) -> Array:
    """A_L of every example, (n_L, N)."""
    result = np.empty((network.sizes[-1], features.size), parameters.theta.dtype)
    for indices, ws in _forward_passes(network, parameters, features):
        result[:, indices] = ws.A[-1]
    return result


def losses(network: Network, parameters: Parameters, examples: Examples) -> Array:
    """Each example's loss, without its weight, (N,) float64: of a loss that averages outputs their mean."""
    result = np.empty(examples.size)
    for indices, ws in _forward_passes(network, parameters, examples.features):
        examples.targets.gather(indices, ws.Y)
        with np.errstate(all="ignore"):
            result[indices] = network.terms(ws)
    result /= outputs_divisor(network.head.loss, network.sizes[-1])
    return result


def only_class(network: Network, parameters: Parameters, features: Source, judging: Judging) -> int | None:
    """The class that every example is decided for; None where there are two, which ends the pass."""
    first = None
    for _, ws in _forward_passes(network, parameters, features):
        decided = judging.decided_classes(ws.A[-1])
        first = int(decided[0]) if first is None else first
        if (decided != first).any():
            return None
    return first


def assess(
    network: Network, parameters: Parameters, examples: Examples, tallies: Tallies, look: Look = lambda _, __: None
) -> float:
    """The data loss over every example, reduced as the loss says; adds the outputs to ``tallies``.

    ``look`` is shown the outputs, some examples at a time.
    """
    losses = LossSums(network.head.loss, network.sizes[-1])
    weights, metric_weights = examples.weights, examples.metric_weights
    weighted = {"weighted": weights is not None, "metrics_weighted": metric_weights is not None}
    for indices, ws in _forward_passes(network, parameters, examples.features, **weighted):
        examples.targets.gather(indices, ws.Y)
        if weights is not None and ws.weights is not None:
            ws.weights[...] = weights[indices]
        if metric_weights is not None and ws.metric_weights is not None:
            ws.metric_weights[...] = metric_weights[indices]
        with np.errstate(all="ignore"):
            losses.add(float(np.add.reduce(network.terms(ws))), weight_of(ws))
            tallies.update(ws.A[-1], ws.Y, ws.output, ws.metric_weights)
        look(indices, ws.A[-1])
    return losses.value()
