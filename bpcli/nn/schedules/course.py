"""What a schedule says of itself, and what it knows of the training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import nan
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

from bpcli.nn import Array, IndexArray

Per = Literal["step", "epoch"]


@dataclass(frozen=True)
class Course:
    """How a training goes on: ``updates`` in all, ``per_epoch`` of them, and ``examples``, in an epoch.

    ``reductions`` is how often results have asked for a lower rate so far, see :class:`Plateau`.
    """

    updates: int
    per_epoch: int
    examples: int
    reductions: int = 0

    @property
    def epochs(self) -> int:
        """The epochs in which these updates are."""
        return -(-self.updates // self.per_epoch)

    def after(self, updates: int) -> Course:
        """What is left of it after so many updates."""
        return replace(self, updates=self.updates - updates)

    def counted(self, per: Per, updates: IndexArray) -> dict[str, Any]:
        """``count``, of the updates or the epochs before each update, and ``total``, how many there are in all."""
        if per == "step":
            return {"count": updates, "total": self.updates}
        return {"count": updates // self.per_epoch, "total": self.epochs}


class Schedule(Protocol):
    r"""A choice of how η changes during training.

    Its ``formula`` in markup is the learning rate of an update, which ``bp stepcheck`` compares
    with ``rates``. The names in it are ``\eta``, the rule's ``learning_rate``; ``<update>``
    and ``<epoch>``, both from 0; ``<updates>``, ``<per_epoch>``, ``<epochs>``, ``<examples>`` and
    ``<reductions>``, those of the course; the schedule's own settings; and what its
    ``quantities(updates, course)`` are, if it has any. ``<then>`` is the rate of the schedule that
    follows in it, if one does, for what ``following(updates, course)`` gives.

    ``needs_horizon``, if there is one, says that it depends on how many updates there are in all;
    ``objection(course)``, if there is one, why it does not fit a training. One that is driven
    by results has a ``monitor``, a column of metrics.csv, and ``observe``, see :class:`Plateau`.
    """

    def rates(self, base: float, updates: IndexArray, course: Course) -> Array:
        """The learning rate, (k,), of each of ``updates``, (k,), which are numbered from 0.

        ``base`` is the rule's ``learning_rate``.
        """
        ...


class Objection(NamedTuple):
    """Why a schedule does not fit a training: the setting, what is wrong, and the remedy."""

    setting: str
    message: str
    hint: str


@dataclass
class Plateau:
    """What a schedule that is driven by results remembers: it is part of the state of training.

    ``best`` is the best value of the monitor, NaN before the first; ``waited`` and ``cooling`` count epochs.
    ``reductions`` is how often the rate has been reduced.
    """

    best: float = nan
    waited: int = 0
    cooling: int = 0
    reductions: int = 0


def inner(schedule: Any) -> Schedule | None:
    """The schedule that follows in a schedule, at its setting ``then``; None where there is none."""
    found: Schedule | None = getattr(schedule, "then", None)
    return found


def needs_horizon(schedule: Any) -> bool:
    """Whether the rates depend on how many updates there are in all."""
    then = inner(schedule)
    return bool(getattr(schedule, "needs_horizon", False)) or (then is not None and needs_horizon(then))


def objection(schedule: Any, course: Course) -> Objection | None:
    """Why a schedule does not fit a training; None if it does."""
    check = getattr(schedule, "objection", None)
    found: Objection | None = None if check is None else check(course)
    return found


def driven_by_results(schedule: Any) -> Any:
    """The schedule, or the one that follows in it, that has a monitor; None where none has."""
    then = inner(schedule)
    if hasattr(schedule, "observe"):
        return schedule
    return None if then is None else driven_by_results(then)


def quantities(schedule: Any, updates: IndexArray, course: Course) -> Mapping[str, Any]:
    """What a schedule's formula contains besides its settings and the course."""
    own = getattr(schedule, "quantities", None)
    found: Mapping[str, Any] = {} if own is None else own(updates, course)
    return found


def as_rates(values: Any, updates: IndexArray) -> Array:
    """Rates as an array of float64, (k,), also where one number is that of every update."""
    return np.asarray(np.broadcast_to(np.asarray(values, np.float64), updates.shape))
