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
from typing import Protocol

import numpy as np

from bpcli.data.sources import Examples
from bpcli.nn import Array, IndexArray
from bpcli.nn.metrics import Metric, Tally
from bpcli.nn.network import Network
from bpcli.nn.optimizers import Optimizer
from bpcli.nn.parameters import Parameters
from bpcli.streams import stream
from bpcli.training.inference import assess
from bpcli.training.numpy_steps import NumpySteps
from bpcli.training.state import TrainingState, diverged

STRETCH_SECONDS = 0.1
"""How long the loop runs before it yields: short enough for a bar that moves and a signal that is heard."""


@dataclass(frozen=True)
class Plan:
    """How the training examples are walked through."""

    epochs: int
    batch_size: int
    shuffle: bool
    seed: int


@dataclass(frozen=True)
class Stretch:
    """A stretch of steps ended: ``examples`` seen in the unfinished ``epoch``, and their mean ``loss``."""

    epoch: int
    examples: int
    loss: float


@dataclass(frozen=True)
class Epoch:
    """An epoch ended: a row of metrics.csv, in ``values`` all but its first three columns."""

    epoch: int
    step: int
    learning_rate: float
    values: dict[str, float]
    train_seconds: float
    validation_seconds: float


def train(
    network: Network,
    optimizer: Optimizer,
    plan: Plan,
    state: TrainingState,
    examples: Examples,
    metrics: Mapping[str, Metric],
    units: Array,
    validation: Examples | None = None,
    steps: Steps | None = None,
) -> Iterator[Stretch | Epoch]:
    """Train from ``state`` to the end of ``plan``, by ``steps`` on that state, or else by the reference's.

    Raises:
        DivergedError: a loss or a parameter is no longer finite; ``state.finite_theta``
            holds the last epoch's end.
    """
    steps = steps or NumpySteps(network, optimizer, state, examples)
    parameters = Parameters(network.sizes, state.theta)
    summed = network.head.loss.examples == "sum"
    while state.epoch < plan.epochs:
        began, seconds = perf_counter(), 0.0
        epoch = state.epoch + 1
        order = _order(plan, epoch, examples.size)
        while state.position < examples.size:
            steps.run(order, plan.batch_size, perf_counter() + STRETCH_SECONDS)
            if state.position < examples.size:
                seconds += perf_counter() - began
                yield Stretch(epoch, state.position, state.loss_sum / (1 if summed else state.position))
                began = perf_counter()
        if not np.isfinite(state.theta).all():
            raise diverged("a parameter", epoch, state.optimizer.step)
        values = {"loss": state.loss_sum / (1 if summed else examples.size)}
        values |= read(metrics, state.tally, units)
        seconds += perf_counter() - began
        began = perf_counter()
        if validation is not None:
            values |= _validated(network, parameters, validation, metrics, state, units)
            if not isfinite(values["val_loss"]):
                raise diverged("the validation loss", epoch, state.optimizer.step)
        state.epoch, state.position, state.loss_sum = epoch, 0, 0.0
        state.tally.sums.fill(0)
        state.finite_theta[...] = state.theta
        taken = perf_counter() - began
        yield Epoch(epoch, state.optimizer.step, optimizer.learning_rate, values, seconds, taken)


def read(metrics: Mapping[str, Metric], tally: Tally, units: Array) -> dict[str, float]:
    """Every metric's value off a tally."""
    return {name: metric.value(tally, units) for name, metric in metrics.items()}


def _order(plan: Plan, epoch: int, size: int) -> IndexArray:
    """A fresh permutation for each epoch, to be cut into batches; or the file's order."""
    if not plan.shuffle:
        return np.arange(size)
    return stream(plan.seed, "shuffle", epoch).permutation(size)


def _validated(
    network: Network,
    parameters: Parameters,
    validation: Examples,
    metrics: Mapping[str, Metric],
    state: TrainingState,
    units: Array,
) -> dict[str, float]:
    tally = state.tally.fresh()
    loss = assess(network, parameters, validation.features, validation.targets, tally)
    return {f"val_{name}": value for name, value in {"loss": loss, **read(metrics, tally, units)}.items()}


class Steps(Protocol):
    """What walks through batches: the reference below, or compiled code that does the same."""

    def prepare(self, batch_size: int) -> Iterator[str]:
        """Do what need be done only once; yield, before it is done, what will take a while."""
        ...

    def run(self, order: IndexArray, batch_size: int, deadline: float) -> None:
        """Step through ``order`` from the state's position until it ends or time is up.

        Raises:
            DivergedError: a loss is no longer finite.
        """
        ...
