"""The forward pass over a whole source: the outputs, or the loss and metrics.

Passes of a fixed number of examples are computed side by side and looked at in
order, so the numbers are those of one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from bpcli import memory
from bpcli.data.sources import Examples, Source
from bpcli.nn import Array, IndexArray
from bpcli.nn.loss_sums import LossSums, weight_of
from bpcli.nn.losses import outputs_divisor
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.tallies import Judging, Tallies
from bpcli.nn.workspace import Workspace
from bpcli.side_by_side import side_by_side

EXAMPLES_PER_PASS = 1024
"""Fixed, because the width of a matrix can change the last bits of a product."""

WORTH_A_THREAD = 4e6
"""Multiplications of a pass from which on a thread of its own saves more than it costs."""

ARRAYS = 6
"""Z, A and what a layer computes with, each as wide as the layer: about what a pass takes of memory."""


Look = Callable[[IndexArray, Array], None]
"""Is shown outputs A_L, (n_L, m), with the indices of their examples."""


Passed = tuple[IndexArray, Workspace, float]
"""The indices of a pass's examples, its workspace, and what was made of them."""


@dataclass(frozen=True)
class _Passes:
    """Forward passes over all examples of a source, on so many threads.

    ``weights`` and ``metric_weights`` say whether there is room for them in the workspaces.
    """

    network: Network
    parameters: Parameters
    features: Source
    threads: int = 1
    weights: bool = False
    metric_weights: bool = False
    workspaces: dict[tuple[int, int], Workspace] = field(default_factory=dict)

    def run(self, finish: Callable[[IndexArray, Workspace], float] = lambda _, __: 0.0) -> Iterator[Passed]:
        """Of each pass in order the indices of its examples, its workspace, and what ``finish`` made of them.

        ``finish`` works side by side, too. A workspace is overwritten once the next pass is asked for.
        """
        threads = self._worthwhile()

        def compute(begun: tuple[IndexArray, Workspace]) -> Passed:
            indices, ws = begun
            self.features.gather(indices, ws.X)
            with np.errstate(all="ignore"):
                self.network.forward(self.parameters, ws)
                return indices, ws, finish(indices, ws)

        return side_by_side(compute, self._begun(threads), threads)

    def _begun(self, threads: int) -> Iterator[tuple[IndexArray, Workspace]]:
        """The indices of each pass, and a workspace that no pass under way uses."""
        for number, start in enumerate(range(0, self.features.size, EXAMPLES_PER_PASS)):
            indices = np.arange(start, min(start + EXAMPLES_PER_PASS, self.features.size))
            yield indices, self._workspace(number % threads, len(indices))

    def _workspace(self, thread: int, m: int) -> Workspace:
        if (thread, m) not in self.workspaces:
            self.workspaces[thread, m] = self.network.workspace(
                m,
                self.parameters.theta.dtype,
                training=False,
                weighted=self.weights,
                metrics_weighted=self.metric_weights,
            )
        return self.workspaces[thread, m]

    def _worthwhile(self) -> int:
        """How many threads have work enough for each, and room for a workspace of its own in half the memory left."""
        passes = -(-self.features.size // EXAMPLES_PER_PASS)
        theta, sizes = self.parameters.theta, self.network.sizes
        if min(self.threads, passes) < 2 or theta.size * EXAMPLES_PER_PASS < WORTH_A_THREAD:
            return 1
        needed = theta.itemsize * EXAMPLES_PER_PASS * (sizes[0] + ARRAYS * sum(sizes[1:]))
        return max(1, min(self.threads, passes, memory.left().count // 2 // needed))


def output_batches(network: Network, parameters: Parameters, features: Source, threads: int = 1) -> Iterator[Array]:
    """A_L of all examples in order, (n_L, m) at a time, each overwritten by the next."""
    for _, ws, _ in _Passes(network, parameters, features, threads).run():
        yield ws.A[-1]


def outputs(network: Network, parameters: Parameters, features: Source, threads: int = 1) -> Array:
    """A_L of every example, (n_L, N)."""
    result = np.empty((network.sizes[-1], features.size), parameters.theta.dtype)
    for indices, ws, _ in _Passes(network, parameters, features, threads).run():
        result[:, indices[0] : indices[-1] + 1] = ws.A[-1]
    return result


def losses(network: Network, parameters: Parameters, examples: Examples, threads: int = 1) -> Array:
    """Each example's loss, without its weight, (N,) float64: of a loss that averages outputs their mean."""
    result = np.empty(examples.size)

    def finish(indices: IndexArray, ws: Workspace) -> float:
        examples.targets.gather(indices, ws.Y)
        result[indices] = network.terms(ws)
        return 0.0

    for _ in _Passes(network, parameters, examples.features, threads).run(finish):
        pass
    result /= outputs_divisor(network.head.loss, network.sizes[-1])
    return result


def only_class(
    network: Network, parameters: Parameters, features: Source, judging: Judging, threads: int = 1
) -> int | None:
    """The class that every example is decided for; None where there are two, which ends the pass."""
    first = None
    for _, ws, _ in _Passes(network, parameters, features, threads).run():
        decided = judging.decided_classes(ws.A[-1])
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
) -> float:
    """The data loss over every example, reduced as the loss says; adds the outputs to ``tallies``.

    ``look`` is shown the outputs, some examples at a time.
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
    for indices, ws, total in _Passes(network, parameters, examples.features, threads, *weighted).run(finish):
        with np.errstate(all="ignore"):
            losses.add(total, weight_of(ws))
            tallies.update(ws.A[-1], ws.Y, ws.output, ws.metric_weights)
        look(indices, ws.A[-1])
    return losses.value()
