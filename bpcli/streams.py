"""Randomness: a separate stream of random numbers for each purpose.

A stream is keyed by seed, purpose and epoch, and by step where each step has its own. So
no purpose changes the numbers of another, and training can continue at any epoch or step
without drawing the numbers of those before it.
"""

from __future__ import annotations

import zlib
from typing import Literal

import numpy as np

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
    key = (seed, zlib.crc32(purpose.encode()), epoch)
    return np.random.default_rng(key if step is None else (*key, step))
