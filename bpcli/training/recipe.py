"""What is trained and how: everything about training that does not change while it goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from bpcli.nn import Array, IndexArray
from bpcli.nn.network import Network
from bpcli.nn.noise import InputNoise
from bpcli.nn.optimizers import Optimizer
from bpcli.nn.penalties import Penalty
from bpcli.nn.schedules import Constant, Course, Schedule
from bpcli.nn.transformations import Transformation
from bpcli.streams import stream


@dataclass(frozen=True)
class Plan:
    """How the training examples are walked through."""

    epochs: int
    batch_size: int
    shuffle: bool
    seed: int

    def updates(self, examples: int) -> int:
        """The number of updates in an epoch."""
        return -(-examples // self.batch_size)

    def order(self, epoch: int, examples: int) -> IndexArray:
        """A fresh permutation for each epoch, from 1, to be cut into batches; or the file's order."""
        if not self.shuffle:
            return np.arange(examples)
        return stream(self.seed, "shuffle", epoch).permutation(examples)


@dataclass(frozen=True)
class Recipe:
    """The network, the rule that updates it, and what lies between its gradient and the rule.

    ``penalties`` add to the loss; ``clip`` only shortens the gradient. ``input_noise`` changes the inputs of
    every update.
    """

    network: Network
    optimizer: Optimizer
    plan: Plan
    schedule: Schedule = field(default_factory=Constant)
    penalties: tuple[Penalty, ...] = ()
    clip: Transformation | None = None
    input_noise: InputNoise | None = None

    @cached_property
    def chain(self) -> tuple[Transformation, ...]:
        """What the gradient goes through, in order."""
        return self.penalties if self.clip is None else (*self.penalties, self.clip)

    def course(self, examples: int, reductions: int = 0) -> Course:
        """What the schedule may know of a training on so many examples."""
        per_epoch = self.plan.updates(examples)
        return Course(per_epoch * self.plan.epochs, per_epoch, examples, reductions)

    def rates(self, first: int, count: int, course: Course) -> Array:
        """The learning rates of ``count`` updates from number ``first``, from 0."""
        return self.schedule.rates(self.optimizer.learning_rate, np.arange(first, first + count), course)
