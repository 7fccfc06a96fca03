"""What a schedule says of itself, and what it knows of the training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import nan
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np

from bpcli.choices import optional_statements
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
    ``<reductions>``, those of the course; the schedule's own settings; and its
    ``quantities``. ``<then>`` is the rate of the schedule that follows in it, where it is a :class:`Leading` one.

    :class:`ScheduleStatements` has what else it may say of itself; :class:`Driven` is one that is driven by results.
    """

    def rates(self, base: float, updates: IndexArray, course: Course) -> Array:
        """The learning rate, (k,), of each of ``updates``, (k,), which are numbered from 0.

        ``base`` is the rule's ``learning_rate``.
        """
        ...


@runtime_checkable
class Leading(Schedule, Protocol):
    """A schedule with another one, ``then``, that follows in it."""

    @property
    def then(self) -> Schedule:
        """What follows."""
        ...

    def following(self, updates: IndexArray, course: Course) -> tuple[IndexArray, Course]:
        """The updates as what follows counts them, and the course that it has."""
        ...


@runtime_checkable
class Driven(Schedule, Protocol):
    """A schedule that is driven by results."""

    @property
    def monitor(self) -> str | None:
        """The column of metrics.csv that it goes by; None where the config is to decide."""
        ...

    def observe(self, plateau: Plateau, value: float, *, higher: bool) -> None:
        """Take notice of an epoch's value of the monitor; ``higher`` says whether a higher one is better."""
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


@dataclass(frozen=True)
class ScheduleStatements:
    """What a schedule may state, and what holds of one that does not.

    ``needs_horizon`` says that it depends on how many updates there are in all; ``objection`` of a course why it does
    not fit a training; ``quantities`` of updates and a course are what its formula contains besides its settings and
    the course.
    """

    needs_horizon: bool = False
    objection: Callable[[Course], Objection | None] = lambda _: None
    quantities: Callable[[IndexArray, Course], Mapping[str, Any]] = lambda updates, course: {}


def schedule_statements(schedule: Schedule) -> ScheduleStatements:
    """What a schedule states, whatever follows in it."""
    return optional_statements(ScheduleStatements, schedule)


def needs_horizon(schedule: Schedule) -> bool:
    """Whether the rates depend on how many updates there are in all."""
    of_then = isinstance(schedule, Leading) and needs_horizon(schedule.then)
    return of_then or schedule_statements(schedule).needs_horizon


def objection(schedule: Schedule, course: Course) -> Objection | None:
    """Why a schedule does not fit a training; None if it does."""
    return schedule_statements(schedule).objection(course)


def driven_by_results(schedule: Schedule) -> Driven | None:
    """The schedule, or the one that follows in it, that is driven by results; None where neither is."""
    if isinstance(schedule, Driven):
        return schedule
    return driven_by_results(schedule.then) if isinstance(schedule, Leading) else None


def as_rates(values: Any, updates: IndexArray) -> Array:
    """Rates as an array of float64, (k,), also where one number is that of every update."""
    return np.asarray(np.broadcast_to(np.asarray(values, np.float64), updates.shape))
