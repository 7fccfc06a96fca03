"""Schedules: the learning rate of each update, from the rule's own η."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bpcli.nn import Array, IndexArray


class Schedule(Protocol):
    """A choice of how η changes."""

    def rates(self, base: float, updates: IndexArray, per_epoch: int, epochs: int) -> Array:
        """The learning rate of each of ``updates``, (k,), counted from 0.

        ``base`` is the rule's ``learning_rate``; an epoch takes ``per_epoch`` updates, training ``epochs``.
        """
        ...


@dataclass(frozen=True)
class Constant:
    """η throughout."""

    def rates(self, base: float, updates: IndexArray, per_epoch: int, epochs: int) -> Array:
        """``base`` for each."""
        rates = np.empty(len(updates))
        rates.fill(base)
        return rates


SCHEDULES: dict[str, type[Schedule]] = {}
"""The schedules that a config may choose from; its key exists once there is one. Without it η is constant."""
