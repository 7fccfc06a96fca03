"""Randomness: a stream of its own for each purpose.

Keyed by seed, purpose and epoch, and by the step where needed, so one choice never
disturbs another, and any point can be entered again without drawing what lies before it.
"""

from __future__ import annotations

import zlib
from typing import Literal

import numpy as np

Purpose = Literal["split", "initial weights", "shuffle", "noise", "gradient check"]


def stream(seed: int, purpose: Purpose, epoch: int = 0, step: int | None = None) -> np.random.Generator:
    """The generator for one purpose in one epoch, and where each step has its own, in one step."""
    key = (seed, zlib.crc32(purpose.encode()), epoch)
    return np.random.default_rng(key if step is None else (*key, step))
