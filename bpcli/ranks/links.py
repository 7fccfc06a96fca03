"""What the network between ranks carries, measured: small messages, and the exchange of a gradient itself."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from bpcli.ranks.exchange import MpiRanks
from bpcli.ranks.values import gather_values
from bpcli.team import team_of
from bpcli.training.shards.cutting import PIECE, pieces
from bpcli.training.shards.ranks import add_up_piece

if TYPE_CHECKING:
    from mpi4py import MPI

    from bpcli.nn import Array

SMALL = 64
"""Bytes of a small message: some numbers."""

FIRST, MOST = 3, 200
"""How often something is sent at first, and at most: of a gradient, as often as :data:`SECONDS` allow."""

SECONDS = 0.7
"""That each size of gradient is measured for."""

BETWEEN = 300
"""Units of the product that a core computes before each time: about a millisecond, as between two steps' exchanges.

What the network still has on its way from the time before is not to count.
"""


class Links:
    """The network between all ranks of a communicator; each rank calls the same methods, and gets the same answers."""

    def __init__(self, communicator: MPI.Comm) -> None:
        self._communicator = communicator
        self.index, self.count = communicator.Get_rank(), communicator.Get_size()

    @property
    def hosts(self) -> int:
        """The number of machines, as far as ranks on them have memory in common."""
        return MpiRanks(self._communicator).hosts

    def gather(self, mine: Any) -> list[Any]:
        """Every rank's value, as JSON has it, in the order of ranks; none goes on before all are there."""
        return gather_values(self._communicator, mine)

    def latency(self) -> float:
        """Seconds of a small message between this rank and the one half of all ranks away: the best of many times.

        Ranks of one host have neighbouring numbers, so partners are on different hosts where there are several. All
        pairs send at once.
        """
        rank, half, message = self.index, self.count // 2, np.zeros(SMALL, np.uint8)

        def there_and_back() -> None:
            if rank < half:
                self._communicator.Send(message, rank + half)
                self._communicator.Recv(message, rank + half)
            elif rank < 2 * half:
                self._communicator.Recv(message, rank - half)
                self._communicator.Send(message, rank - half)

        return float(self._times(there_and_back, MOST).min()) / 2

    def exchange(self, parameters: int) -> float:
        """Seconds in which all ranks add up a gradient of so many parameters, each with one shard, as training does.

        The median of some times; the first ones, which make buffers, do not count.
        """
        vectors = MpiRanks(self._communicator).vectors(self.count, np.zeros(parameters, np.float32))
        total = vectors.room(vectors.gradients[0])
        sums, team = vectors.sums(self.count), team_of(1)
        buffers = [np.empty(PIECE, np.float32) for _ in range((self.count - 1).bit_length())]

        def add_up() -> None:
            for bucket, own in enumerate(vectors.own):
                nodes = vectors.collect(self.count, team, bucket)
                for piece in pieces(own):
                    size = piece.stop - piece.start
                    add_up_piece(sums, nodes, [buffer[:size] for buffer in buffers], piece)
                    np.copyto(total[piece], buffers[0][:size])
                vectors.show(total, bucket)
            vectors.assemble()

        first = np.median(self._times(add_up, FIRST))
        return float(np.median(self._times(add_up, min(MOST, max(FIRST, int(SECONDS / first))))))

    def _times(self, send: Callable[[], None], count: int) -> Array:
        """Seconds, each time of the slowest rank."""
        found, every = np.zeros(count), np.zeros((self.count, count))
        W, out = (np.ones((BETWEEN, BETWEEN)) for _ in range(2))
        for k in range(count):
            W.dot(W, out)
            self._communicator.Barrier()
            start = perf_counter()
            send()
            found[k] = perf_counter() - start
        self._communicator.Allgather(found, every)
        return np.asarray(every.max(axis=0))


def links_between_all() -> Links:
    """The network between all processes of the launcher, once MPI has been started."""
    from mpi4py import MPI

    return Links(MPI.COMM_WORLD)
