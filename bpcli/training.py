"""The loop that trains: a generator that prints nothing and writes nothing.

It yields a :class:`Stretch` every fraction of a second and an :class:`Epoch`
after each pass. Where a stretch ends changes no number. All it carries from one
step to the next is a :class:`TrainingState`, which can be saved at any yield and
handed to :func:`train` again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from time import perf_counter
from typing import Protocol

import numpy as np

from bpcli.counting import Count, count, together
from bpcli.data.sources import Examples
from bpcli.errors import DivergedError
from bpcli.gradients import Gradients
from bpcli.inference import assess
from bpcli.nn import Array, IndexArray
from bpcli.nn.metrics import Metric, Tally
from bpcli.nn.network import Network
from bpcli.nn.optimizers import Optimizer, OptimizerState
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace
from bpcli.streams import stream

STRETCH_SECONDS = 0.1
"""How long the loop runs before it yields: short enough for a bar that moves and a signal that is heard."""


@dataclass(frozen=True)
class Plan:
    """How the training examples are walked through."""

    epochs: int
    batch_size: int
    shuffle: bool
    seed: int


@dataclass
class TrainingState:
    """Everything that training carries along.

    ``epoch`` counts finished epochs, ``position`` the examples seen of the next
    one, ``loss_sum`` and ``tally`` what they gave. ``finite_theta`` is θ at the end
    of ``epoch``: the parameters to keep should the run diverge.
    """

    theta: Array
    optimizer: OptimizerState
    tally: Tally
    finite_theta: Array = field(init=False)
    epoch: int = 0
    position: int = 0
    loss_sum: float = 0.0

    def __post_init__(self) -> None:
        self.finite_theta = self.theta.copy()

    def tensors(self) -> dict[str, Array]:
        """The arrays to save."""
        memory = {f"optimizer.{name}": array for name, array in self.optimizer.memory.items()}
        return {"theta": self.theta, "finite_theta": self.finite_theta, "tally": self.tally.sums, **memory}

    def counters(self) -> dict[str, int | float]:
        """The numbers to save."""
        return {
            "epoch": self.epoch,
            "position": self.position,
            "loss_sum": self.loss_sum,
            "step": self.optimizer.step,
        }

    def restore(self, tensors: Mapping[str, Array], counters: Mapping[str, float]) -> None:
        """Take up what :meth:`tensors` and :meth:`counters` saved."""
        for name, array in self.tensors().items():
            array[...] = tensors[name]
        self.epoch, self.position = int(counters["epoch"]), int(counters["position"])
        self.loss_sum, self.optimizer.step = float(counters["loss_sum"]), int(counters["step"])


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


def start(theta: Array, optimizer: Optimizer, tally: Tally) -> TrainingState:
    """The state before the first step."""
    return TrainingState(theta, optimizer.start(theta), tally)


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


def diverged(what: str, epoch: int, step: int) -> DivergedError:
    """The error to raise where something left the finite numbers."""
    return DivergedError(
        f"training diverged: {what} is no longer finite at epoch {epoch}, step {step}",
        hint="lower optimizer.learning_rate, or scale the data; the last finite epoch's parameters are kept",
    )


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


class NumpySteps:
    """Steps on batches of whatever size, on NumPy; large batches may be computed in shards, see ``gradients``."""

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        state: TrainingState,
        examples: Examples,
        shards: int = 1,
        threads: int = 1,
    ) -> None:
        self.network, self.optimizer, self.state = network, optimizer, state
        self.gradients = Gradients(network, state.theta, state.optimizer.dtheta, examples, shards, threads)
        self.sharded = shards > 1
        self.counts: dict[tuple[int, int], Count] = {}

    def prepare(self, batch_size: int) -> Iterator[str]:
        """Nothing need be."""
        return iter(())

    def run(self, order: IndexArray, batch_size: int, deadline: float) -> None:
        """Step through ``order`` from the state's position until it ends or time is up."""
        state, size = self.state, len(order)
        with np.errstate(all="ignore"):
            while state.position < size:
                m = min(batch_size, size - state.position)
                batches = 1 if self.sharded else min(together(m), (size - state.position) // m)
                self._steps(order[state.position : state.position + batches * m], m)
                state.position += batches * m
                if perf_counter() >= deadline:
                    return

    def _steps(self, examples: IndexArray, m: int) -> None:
        """A step for every m examples; their losses and outputs are then counted together."""
        state, optimizer = self.state, self.optimizer
        done: list[list[Workspace]] = []
        for slot, start in enumerate(range(0, len(examples), m)):
            gradient, workspaces = self.gradients.at(examples[start : start + m], slot)
            optimizer.step(state.theta, state.optimizer, gradient)
            done.append(workspaces)
        scale = self.network.scale(m)
        total = self._counted(done, m)
        if not isfinite(total):  # of one batch, or of several together in their precision
            total = self._one_by_one(done, scale)
        state.loss_sum += total * scale * (m if self.network.head.loss.examples == "mean" else 1)

    def _counted(self, done: list[list[Workspace]], m: int) -> float:
        """The sum of the losses before any division; several batches have one workspace each."""
        if len(done) == 1:
            return sum(count(self.network, ws, self.state.tally) for ws in done[0])
        key = m, len(done)
        if key not in self.counts:
            self.counts[key] = Count(self.network, *key, self.state.theta.dtype)
        return self.counts[key].add([ws for (ws,) in done], self.state.tally)

    def _one_by_one(self, done: list[list[Workspace]], scale: float) -> float:
        """The sum of the losses before any division, each batch by itself.

        Raises:
            DivergedError: the loss of a step is not finite; the first one is told.
        """
        totals = [sum(float(self.network.total(ws)) for ws in batch) for batch in done]
        for later, total in zip(reversed(range(len(totals))), totals, strict=True):
            if not isfinite(total * scale):
                self.state.optimizer.step -= later
                raise diverged(f"the loss ({total * scale})", self.state.epoch + 1, self.state.optimizer.step)
        return sum(totals)
