"""The law that each kind of choice must obey, checked when it is loaded; what breaks it is said in figures.

An activation and a loss: backward is the derivative of forward, by the complex step and by the
stated formula. A rule: its updates are its stated equations, and its declared memory is all that it
needs to continue. A schedule: a rate does not depend on how many are asked for at once, and is that
of its formula. A metric: parts that are counted apart give the value of the whole. A penalty: what it
adds to the gradient is the derivative of what it adds to the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bpcli.nn.activations import Activation
from bpcli.nn.losses import Loss
from bpcli.nn.metrics import Metric
from bpcli.nn.optimizers import Optimizer
from bpcli.nn.penalties import Penalty
from bpcli.nn.schedules import Schedule
from bpcli.plugins.checks.gradients import faults_of_activation, faults_of_loss, faults_of_penalty
from bpcli.plugins.checks.results import faults_of_metric
from bpcli.plugins.checks.updates import faults_of_rule, faults_of_schedule


@dataclass(frozen=True)
class Law:
    """What a kind of choice must have, and the ``faults`` of a class that has it, in words."""

    protocol: type[Any]
    faults: Callable[[type[Any]], Iterator[str]]


LAWS: Mapping[str, Law] = {
    "activations": Law(Activation, faults_of_activation),
    "losses": Law(Loss, faults_of_loss),
    "metrics": Law(Metric, faults_of_metric),
    "optimizers": Law(Optimizer, faults_of_rule),
    "schedules": Law(Schedule, faults_of_schedule),
    "penalties": Law(Penalty, faults_of_penalty),
}
"""The law of each kind of choice that a file may add."""
