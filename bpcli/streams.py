"""Randomness: a separate stream of random numbers for each purpose.

A stream is keyed by seed, purpose and epoch, and by step where each step has its own. So
no purpose changes the numbers of another, and training can continue at any epoch or step
without drawing the numbers of those before it.
"""

from __future__ import annotations

import zlib
from typing import Any, Literal

import numpy as np
from numpy.random import PCG64, Generator

from bpcli.seeding import Seed, states

Purpose = Literal[
    "split",
    "initial weights",
    "shuffle",
    "noise",
    "input noise",
    "gradient check",
    "diagnosis",
    "bootstrap",
    "importance",
]


def stream(seed: int, purpose: Purpose, epoch: int = 0, step: int | None = None) -> np.random.Generator:
    """The generator for one purpose in one epoch; with ``step``, in one step of it.

    A purpose has a stream either for each epoch or for each step: that of step 0 is the
    epoch's own.
    """
    key = (seed, _number(purpose), epoch)
    return np.random.default_rng(key if step is None else (*key, step))


TOGETHER = 64
"""Epochs whose streams are prepared together: opening them then takes a fraction of the time."""


class EpochStreams:
    """The streams of one purpose in one epoch after another: to the bit those of :func:`stream`."""

    def __init__(self, seed: int, purpose: Purpose) -> None:
        self._beginning = (seed, _number(purpose))
        self._block, self._states = -1, np.empty((0, 0), np.uint64)

    def open(self, epoch: int) -> Generator:
        """The generator of an epoch; opened again it starts again."""
        block, place = divmod(epoch, TOGETHER)
        if block != self._block:
            first = block * TOGETHER
            self._block, self._states = block, states(self._beginning, range(first, first + TOGETHER))
        seed: Any = Seed(self._states[place])  # what NumPy's own annotations leave out
        return Generator(PCG64(seed))


def _number(purpose: Purpose) -> int:
    """A purpose as a number of a stream's key."""
    return zlib.crc32(purpose.encode())
