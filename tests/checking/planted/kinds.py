"""What a planted mistake is: a kind makes all of its plantings in a pass, each with the words that a name must have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from .passes import Gradient, Pass

Planting = Callable[[Pass, np.random.Generator], Iterator[Gradient]]
"""Every place in a pass where the mistake can be made; numbers in it are drawn."""


class Kind(NamedTuple):
    """A mistake: its plantings, and words of which a right name has one."""

    plant: Planting
    words: tuple[str, ...]
