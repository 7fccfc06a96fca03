"""Randomness: a stream of its own for each purpose.

Keyed by seed, purpose and epoch, so one choice never disturbs another, and the
stream of any epoch can be entered again without drawing those before it.
"""

from __future__ import annotations

import zlib
from typing import Literal

import numpy as np

Purpose = Literal["split", "initial weights", "shuffle", "gradient check"]


def stream(seed: int, purpose: Purpose, epoch: int = 0) -> np.random.Generator:
    """The generator for one purpose in one epoch."""
    return np.random.default_rng((seed, zlib.crc32(purpose.encode()), epoch))
