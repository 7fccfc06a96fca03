"""The loop that trains: a generator that prints nothing and writes nothing.

It yields a :class:`Stretch` every fraction of a second and an :class:`Epoch`
after each pass. Where a stretch ends changes no number. All it carries from one
step to the next is a :class:`TrainingState`, which can be saved at any yield and
handed to :func:`train` again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from time import perf_counter
from types import MappingProxyType
from typing import NamedTuple

from bpcli.data.sources import Examples
from bpcli.errors import DivergedError
from bpcli.nn.metrics import Metric, metric_values
from bpcli.nn.network import Network
from bpcli.training.control import PLAIN, Control
from bpcli.training.divergence import SavedStart, locate, locate_in_validation
from bpcli.training.inference import assess
from bpcli.training.orders import Orders
from bpcli.training.pace import Pace
from bpcli.training.recipe import Plan
from bpcli.training.safe_point import SafePoint
from bpcli.training.shards.ranks import ALONE, Ranks
from bpcli.training.state import TrainingState
from bpcli.training.steps import Steps

VALIDATION = "val_"
"""The prefix of what is measured on the validation part."""


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


@dataclass(frozen=True)
class Measure:
    """How a network is judged: its metrics by the names of their columns, and the validation part.

    ``threads`` judge it side by side, which changes no bit.
    """

    network: Network
    metrics: Mapping[str, Metric]
    validation: Examples | None = None
    threads: int = 1

    @property
    def columns(self) -> list[str]:
        """What is measured of every epoch, by its names in metrics.csv."""
        names = ["loss", *self.metrics]
        return names if self.validation is None else [*names, *(VALIDATION + name for name in names)]

    def higher(self, column: str) -> bool:
        """Whether a higher value in a column of metrics.csv is better."""
        metric = self.metrics.get(column.removeprefix(VALIDATION))
        return metric is not None and metric.higher

    def running(self, state: TrainingState) -> dict[str, float]:
        """The loss and the metrics of an epoch as its batches gave them."""
        return {"loss": state.losses.value(), **metric_values(self.metrics, state.tallies)}

    def validated(self, state: TrainingState, ranks: Ranks) -> dict[str, float]:
        """The loss and the metrics of the validation part, by all ``ranks`` together; nothing where there is none."""
        if self.validation is None:
            return {}
        tallies, parameters = state.tallies.fresh(), self.network.parameters(state.theta)
        loss = assess(self.network, parameters, self.validation, tallies, threads=self.threads, ranks=ranks)
        found = {"loss": loss, **metric_values(self.metrics, tallies)}
        return {VALIDATION + name: value for name, value in found.items()}


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
    safe = safe or SafePoint(state)
    pace, saved = Pace(ranks, plan.batch_size, control.max_seconds), SavedStart(state)
    orders = Orders(plan, steps.size)
    while (reason := over(steps, plan, state, control)) != COMPLETED:
        if reason:
            yield Stopped(reason)
            return
        began, seconds = perf_counter(), 0.0
        epoch = state.epoch + 1
        while state.position < steps.size:
            stretch = pace.next(state.position, steps.size)
            if stretch.over:
                yield _stopped_within(state, measure, control, safe, ranks)
                return
            saved.take()
            try:
                with safe.stepping():
                    seconds += stretch.take(steps, orders, epoch)
                saved.require_finite()
            except DivergedError as error:
                located = locate(error, steps, plan.batch_size, saved, orders.of(epoch))
                control.keep_last_finite(state)
                raise located from error
            if state.position < steps.size:
                seconds += perf_counter() - began
                yield Stretch(epoch, state.position, state.losses.value())
                began = perf_counter()
        values = measure.running(state)
        seconds += perf_counter() - began
        began = perf_counter()
        if measure.validation is not None:
            with safe.resting():
                values |= measure.validated(state, ranks)
            if not isfinite(values["val_loss"]):
                raise locate_in_validation(steps.recipe, state, measure.validation)
        state.begin_epoch(epoch)
        control.observe(state, values, measure.higher)
        taken = perf_counter() - began
        yield Epoch(epoch, state.optimizer.step, state.learning_rate, values, seconds, taken, state.kept.epoch)


def over(steps: Steps, plan: Plan, state: TrainingState, control: Control) -> str:
    """Why training has nothing left to do after the last epoch; empty while it has."""
    if state.epoch >= plan.epochs:
        return COMPLETED
    return control.patience_over(state) or steps.ended()


def _stopped_within(state: TrainingState, measure: Measure, control: Control, safe: SafePoint, ranks: Ranks) -> Stopped:
    """The end of training at its deadline, in the middle of an epoch or before its first step."""
    if not control.keep_unfinished(state):
        return Stopped(control.time_over())
    with safe.resting():
        return Stopped(control.time_over(), measure.running(state) | measure.validated(state, ranks))
