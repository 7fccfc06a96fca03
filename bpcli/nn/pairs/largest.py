"""The largest z of each example."""

from __future__ import annotations

import numpy as np

from bpcli.nn import Array
from bpcli.nn.workspace import OutputScratch


def find_largest(Z: Array, scratch: OutputScratch) -> None:
    """Write the unit with each example's largest z, the first of equal ones, into ``scratch.wanted``."""
    np.copyto(scratch.turned, Z.T)
    scratch.turned.argmax(axis=1, out=scratch.wanted)
