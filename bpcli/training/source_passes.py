"""Forward passes over a whole source, shared out over threads and over ranks; what they leave comes in order.

A pass has a fixed number of examples, whoever computes it, so the numbers are those of one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from bpcli import memory
from bpcli.data.sources import Source
from bpcli.nn import Array, IndexArray
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace
from bpcli.side_by_side import side_by_side
from bpcli.training.shards.cutting import block_of
from bpcli.training.shards.ranks import ALONE, Ranks
from bpcli.training.shards.results import Results, results_from_elsewhere, results_in

EXAMPLES_PER_PASS = 1024
"""Fixed, because the width of a matrix can change the last bits of a product."""

WORTH_A_POOL = 4e6
"""Multiplications of a pass from which on a thread of its own saves more than it costs: a pool's, and a workspace."""

WORTH_A_RANK = 1e8
"""Multiplications of a pass from which on a rank saves more than it costs to exchange the outputs: about a
millisecond, in which ranks of hosts far from one another exchange them too."""

PASSES_AT_ONCE = 4
"""How many passes each rank computes before all exchange what these leave: they wait for one another less often."""

ARRAYS = 6
"""Z, A and what a layer computes with, each as wide as the layer: about what a pass takes of memory."""

Passed = tuple[IndexArray, Results]
"""The indices of a pass's examples, and what it leaves."""

Finish = Callable[[IndexArray, Workspace], float]
"""Completes a pass where it was computed; what it returns is the ``total`` of its results."""


@dataclass(frozen=True)
class SourcePasses:
    """Forward passes over all examples of a source, on so many threads of each of the ``ranks``.

    ``weights`` and ``metric_weights`` say whether there is room for them in the workspaces.
    """

    network: Network
    parameters: Parameters
    features: Source
    threads: int = 1
    weights: bool = False
    metric_weights: bool = False
    ranks: Ranks = ALONE
    workspaces: dict[tuple[int, int], Workspace] = field(default_factory=dict)
    rooms: dict[tuple[int, int], Results] = field(default_factory=dict)

    def run(self, finish: Finish = lambda _, __: 0.0) -> Iterator[Passed]:
        """Of each pass in order the indices of its examples, and its results.

        ``finish`` works side by side, too. Results are overwritten once the next pass is asked for.
        """
        starts = range(0, self.features.size, EXAMPLES_PER_PASS)
        every = [np.arange(start, min(start + EXAMPLES_PER_PASS, self.features.size)) for start in starts]
        shared = self.ranks.count > 1 and worth_sharing(len(every), self.parameters.theta.size)
        return self._shared(every, finish) if shared else self._computed(every, finish)

    def _shared(self, every: list[IndexArray], finish: Finish) -> Iterator[Passed]:
        """The same where each rank computes some of the passes, and all get the results of all."""
        index, count, most = self.ranks.index, self.ranks.count, self.ranks.count * PASSES_AT_ONCE
        rounds = [every[first : first + most] for first in range(0, len(every), most)]
        blocks = [block_of(index, count, len(passes)) for passes in rounds]
        own = [passes[place] for passes, block in zip(rounds, blocks, strict=True) for place in block]
        computed = self._computed(own, finish)
        for passes, block in zip(rounds, blocks, strict=True):
            rooms = [self._room(place, len(indices)) for place, indices in enumerate(passes)]
            for place in block:
                _, results = next(computed)
                for room, array in zip(_arrays(rooms[place]), _arrays(results), strict=True):
                    np.copyto(room, array)
            self.ranks.share([_arrays(room) for room in rooms])
            yield from zip(passes, rooms, strict=True)

    def _computed(self, passes: list[IndexArray], finish: Finish) -> Iterator[Passed]:
        """These passes, computed here."""
        threads = self._worthwhile(len(passes))

        def compute(begun: tuple[IndexArray, Workspace]) -> Passed:
            indices, ws = begun
            self.features.gather(indices, ws.X)
            results = results_in(ws)
            with np.errstate(all="ignore"):
                self.network.forward(self.parameters, ws)
                results.total[0] = finish(indices, ws)
            return indices, results

        begun = ((indices, self._workspace(number % threads, len(indices))) for number, indices in enumerate(passes))
        return side_by_side(compute, begun, threads)  # no pass under way uses the workspace of another

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

    def _room(self, place: int, m: int) -> Results:
        if (place, m) not in self.rooms:
            self.rooms[place, m] = results_from_elsewhere(
                self.network,
                m,
                self.parameters.theta.dtype,
                weighted=self.weights,
                metrics_weighted=self.metric_weights,
            )
        return self.rooms[place, m]

    def _worthwhile(self, passes: int) -> int:
        """How many threads have work enough for each, and room for a workspace of its own in half the memory left."""
        theta, sizes = self.parameters.theta, self.network.sizes
        if min(self.threads, passes) < 2 or theta.size * EXAMPLES_PER_PASS < WORTH_A_POOL:
            return 1
        needed = theta.itemsize * EXAMPLES_PER_PASS * (sizes[0] + ARRAYS * sum(sizes[1:]))
        return max(1, min(self.threads, passes, memory.left().count // 2 // needed))


def worth_sharing(passes: int, parameters: int) -> bool:
    """Whether ranks share out so many passes over a network of so many parameters."""
    return passes > 1 and parameters * EXAMPLES_PER_PASS >= WORTH_A_RANK


def _arrays(results: Results) -> list[Array]:
    """What a pass leaves; its weights too, of which training's shards know before."""
    return results.shared if results.weights is None else [*results.shared, results.weights]
