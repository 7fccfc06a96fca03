"""Small values that ranks tell one another, as JSON has them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mpi4py import MPI


def gather_values(communicator: MPI.Comm, mine: Any) -> list[Any]:
    """Every rank's value, in the order of ranks; none goes on before all are there."""
    from mpi4py import MPI

    own = np.frombuffer(json.dumps(mine).encode(), np.uint8)
    sizes = np.zeros(communicator.Get_size(), np.intc)
    communicator.Allgather(np.array([own.size], np.intc), sizes)
    starts = np.cumsum(sizes) - sizes
    every = np.empty(int(sizes.sum()), np.uint8)
    communicator.Allgatherv(own, [every, sizes, starts, MPI.BYTE])
    return [json.loads(every[start : start + size].tobytes()) for start, size in zip(starts, sizes, strict=True)]
