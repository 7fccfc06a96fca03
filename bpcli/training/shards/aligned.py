"""Vectors that begin with a line of the cache."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.training.shards.cutting import LINE


def aligned(size: int, dtype: np.dtype[Any]) -> Array:
    """So many zeros that begin with a line of the cache, so that registers are filled from one line each."""
    room = np.zeros(size * dtype.itemsize + LINE, np.uint8)
    start = -room.ctypes.data % LINE
    return room[start : start + size * dtype.itemsize].view(dtype)
