"""Schedules: the learning rate of each update, computed from the rule's own η."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from bpcli.nn import Array, IndexArray


class Schedule(Protocol):
    r"""A choice of how η changes during training.

    Its ``formula`` in markup is the learning rate of an update, which ``bp stepcheck`` compares
    with ``rates``. The names in it are ``\eta``, the rule's ``learning_rate``; ``<update>``
    and ``<epoch>``, both from 0; ``<per_epoch>`` and ``<epochs>``; and the schedule's own settings.
    """

    def rates(self, base: float, updates: IndexArray, per_epoch: int, epochs: int) -> Array:
        """The learning rate, (k,), of each of ``updates``, (k,), which are numbered from 0.

        ``base`` is the rule's ``learning_rate``, ``per_epoch`` the number of updates in an
        epoch, ``epochs`` the number of epochs of the training.
        """
        ...


@dataclass(frozen=True)
class Constant:
    """The same η for every update."""

    formula: ClassVar[str] = r"\eta"

    def rates(self, base: float, updates: IndexArray, per_epoch: int, epochs: int) -> Array:
        """``base`` for each."""
        rates = np.empty(len(updates))
        rates.fill(base)
        return rates


SCHEDULES: dict[str, type[Schedule]] = {}
"""The schedules that a config may choose from. While there are none, there is no such key, and η is constant."""
