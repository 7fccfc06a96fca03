"""The forward pass over a whole source: the outputs, or the loss and metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from bpcli.data.sources import Examples, Source
from bpcli.nn import Array, IndexArray
from bpcli.nn.loss_sums import LossSums
from bpcli.nn.losses import outputs_divisor
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.tallies import Judging, Tallies
from bpcli.nn.workspace import Workspace
from bpcli.training.shards.ranks import ALONE, Ranks
from bpcli.training.source_passes import SourcePasses

Look = Callable[[IndexArray, Array], None]
"""Is shown outputs A_L, (n_L, m), with the indices of their examples."""


def output_batches(network: Network, parameters: Parameters, features: Source, threads: int = 1) -> Iterator[Array]:
    """A_L of all examples in order, (n_L, m) at a time, each overwritten by the next."""
    for _, results in SourcePasses(network, parameters, features, threads).run():
        yield results.A


def outputs(network: Network, parameters: Parameters, features: Source, threads: int = 1) -> Array:
    """A_L of every example, (n_L, N)."""
    found = np.empty((network.sizes[-1], features.size), parameters.theta.dtype)
    for indices, results in SourcePasses(network, parameters, features, threads).run():
        found[:, indices[0] : indices[-1] + 1] = results.A
    return found


def losses(network: Network, parameters: Parameters, examples: Examples, threads: int = 1) -> Array:
    """Each example's loss, without its weight, (N,) float64: of a loss that averages outputs their mean."""
    result = np.empty(examples.size)

    def finish(indices: IndexArray, ws: Workspace) -> float:
        examples.targets.gather(indices, ws.Y)
        result[indices] = network.terms(ws)
        return 0.0

    for _ in SourcePasses(network, parameters, examples.features, threads).run(finish):
        pass
    result /= outputs_divisor(network.head.loss, network.sizes[-1])
    return result


def only_class(
    network: Network, parameters: Parameters, features: Source, judging: Judging, threads: int = 1, ranks: Ranks = ALONE
) -> int | None:
    """The class that every example is decided for; None where there are two, which ends the pass.

    All ``ranks`` compute it together.
    """
    first = None
    for _, results in SourcePasses(network, parameters, features, threads, ranks=ranks).run():
        decided = judging.decided_classes(results.A)
        first = int(decided[0]) if first is None else first
        if (decided != first).any():
            return None
    return first


def assess(
    network: Network,
    parameters: Parameters,
    examples: Examples,
    tallies: Tallies,
    look: Look = lambda _, __: None,
    threads: int = 1,
    ranks: Ranks = ALONE,
) -> float:
    """The data loss over every example, reduced as the loss says; adds the outputs to ``tallies``.

    ``look`` is shown the outputs, some examples at a time. All ``ranks`` compute it together, and each gets all.
    """
    losses = LossSums(network.head.loss, network.sizes[-1])
    weights, metric_weights = examples.weights, examples.metric_weights

    def finish(indices: IndexArray, ws: Workspace) -> float:
        examples.targets.gather(indices, ws.Y)
        if weights is not None and ws.weights is not None:
            ws.weights[...] = weights[indices]
        if metric_weights is not None and ws.metric_weights is not None:
            ws.metric_weights[...] = metric_weights[indices]
        return float(np.add.reduce(network.terms(ws)))

    weighted = weights is not None, metric_weights is not None
    for indices, results in SourcePasses(network, parameters, examples.features, threads, *weighted, ranks).run(finish):
        with np.errstate(all="ignore"):
            losses.add(float(results.total[0]), results.weight)
            tallies.update(results.A, results.Y, results.scratch, results.metric_weights)
        look(indices, results.A)
    return losses.value()
