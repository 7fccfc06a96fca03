"""The loop that trains: a generator that prints nothing and writes nothing.

It yields a :class:`Stretch` every fraction of a second and an :class:`Epoch`
after each pass. Where a stretch ends changes no number. All it carries from one
step to the next is a :class:`TrainingState`, which can be saved at any yield and
handed to :func:`train` again.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from math import isfinite
from time import perf_counter
from types import MappingProxyType
from typing import NamedTuple

from bpcli.errors import DivergedError
from bpcli.training.control import PLAIN, Control
from bpcli.training.divergence import SavedStart, locate, locate_in_validation
from bpcli.training.measure import Measure
from bpcli.training.orders import Orders
from bpcli.training.pace import Pace, Stint
from bpcli.training.recipe import Plan
from bpcli.training.safe_point import SafePoint
from bpcli.training.shards.ranks import ALONE, Ranks
from bpcli.training.state import TrainingState
from bpcli.training.steps import Along, Steps

COMPLETED = "completed"
"""Why a training ended whose plan is done."""


class Stretch(NamedTuple):
    """A stretch of steps ended: ``examples`` seen in the unfinished ``epoch``, and their mean ``loss``."""

    epoch: int
    examples: int
    loss: float


class Epoch(NamedTuple):
    """An epoch ended: a row of metrics.csv, in ``values`` all but its first three columns.

    ``kept`` is the epoch whose parameters are kept so far.
    """

    epoch: int
    step: int
    learning_rate: float
    values: dict[str, float]
    train_seconds: float
    validation_seconds: float
    kept: int = 0


class Stopped(NamedTuple):
    """Training ended before the plan did; ``reason`` says why, and is the last event.

    ``values`` are measured of the kept parameters where they are of an epoch that has not ended, else empty.
    """

    reason: str
    values: Mapping[str, float] = MappingProxyType({})


TrainingEvent = Stretch | Epoch | Stopped


def train(
    steps: Steps,
    plan: Plan,
    state: TrainingState,
    measure: Measure,
    control: Control = PLAIN,
    safe: SafePoint | None = None,
    ranks: Ranks = ALONE,
) -> Iterator[TrainingEvent]:
    """Train by ``steps``, which work on ``state``, to the end of ``plan`` or an earlier end.

    ``safe`` lets another thread save the state during long work. All ``ranks`` yield the same events.

    Raises:
        DivergedError: a loss or a parameter is no longer finite; ``state.kept`` holds the
            parameters to keep.
    """
    yield from _Training(steps, plan, state, measure, control, safe or SafePoint(state), ranks).events()


class _Training:
    """One training, whose arguments are those of :func:`train`."""

    def __init__(
        self,
        steps: Steps,
        plan: Plan,
        state: TrainingState,
        measure: Measure,
        control: Control,
        safe: SafePoint,
        ranks: Ranks,
    ) -> None:
        self.steps, self.plan, self.state, self.measure = steps, plan, state, measure
        self.control, self.safe, self.ranks = control, safe, ranks
        self.pace = Pace(ranks, plan.batch_size, control.max_seconds)
        self.saved, self.orders = SavedStart(state, ranks), Orders(plan, steps.size)

    def events(self) -> Iterator[TrainingEvent]:
        """Epoch after epoch, each with those that were taken along with it."""
        while (reason := over(self.steps, self.plan, self.state, self.control)) != COMPLETED:
            if reason:
                yield Stopped(reason)
                return
            seconds = yield from self._stretches()
            if seconds is None:
                yield self._stopped_within()
                return
            began = perf_counter()
            values = self.measure.running(self.state)
            yield self._ended(values, seconds + perf_counter() - began)
            along = self.steps.along()
            if along is not None:
                yield from self._taken_along(along)

    def _stretches(self) -> Generator[Stretch, None, float | None]:
        """Step to the end of the epoch; return the seconds, None where the time of training is over before."""
        state, began, seconds = self.state, perf_counter(), 0.0
        while state.position < self.steps.size:
            stretch = self.pace.next(state.position, self.steps.size)
            if stretch.over:
                return None
            seconds += self._stepped(stretch)
            if state.position < self.steps.size:
                seconds += perf_counter() - began
                yield Stretch(state.epoch + 1, state.position, state.losses.value())
                began = perf_counter()
        return seconds + perf_counter() - began

    def _stepped(self, stretch: Stint) -> float:
        """Take a stretch of steps; return what it does.

        Raises:
            DivergedError: a loss or a parameter is no longer finite.
        """
        steps, state, epoch = self.steps, self.state, self.state.epoch + 1
        self.saved.take()
        try:
            with self.safe.stepping():
                seconds = stretch.take(steps, self.orders, epoch)
            self.saved.require_finite()
        except DivergedError as error:
            located = locate(error, steps, self.plan.batch_size, self.saved, self.orders.of(epoch))
            self.control.keep_last_finite(state)
            raise located from error
        return seconds

    def _taken_along(self, along: Along) -> Iterator[Epoch]:
        """The epochs that were taken along with the last, each when its turn comes."""
        began, validating = perf_counter(), self.measure.validation is not None
        every = self.measure.running_along(self.state, along)
        share = along.share + (perf_counter() - began) / len(every)
        for values in every:
            if self.control.patience_over(self.state) or self.pace.over():
                return
            began = perf_counter()
            if not along.hand_over(with_sums=validating):
                return
            yield self._ended(values, share + perf_counter() - began)

    def _ended(self, values: dict[str, float], seconds: float) -> Epoch:
        """The epoch that has ended, whose running ``values`` are known.

        Raises:
            DivergedError: the loss of the validation part is not finite.
        """
        state, measure, began = self.state, self.measure, perf_counter()
        if measure.validation is not None:
            with self.safe.resting():
                values |= measure.validated(state, self.ranks)
            if not isfinite(values["val_loss"]):
                raise locate_in_validation(self.steps.recipe, state, measure.validation)
        state.begin_epoch(state.epoch + 1)
        self.control.observe(state, values, measure.higher)
        taken = perf_counter() - began
        return Epoch(state.epoch, state.optimizer.step, state.learning_rate, values, seconds, taken, state.kept.epoch)

    def _stopped_within(self) -> Stopped:
        """The end of training at its deadline, in the middle of an epoch or before its first step."""
        state, measure, control = self.state, self.measure, self.control
        if not control.keep_unfinished(state):
            return Stopped(control.time_over())
        with self.safe.resting():
            return Stopped(control.time_over(), measure.running(state) | measure.validated(state, self.ranks))


def over(steps: Steps, plan: Plan, state: TrainingState, control: Control) -> str:
    """Why training has nothing left to do after the last epoch; empty while it has."""
    if state.epoch >= plan.epochs:
        return COMPLETED
    return control.patience_over(state) or steps.ended()
