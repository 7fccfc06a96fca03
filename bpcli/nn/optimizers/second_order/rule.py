"""What a rule of second order is: it looks at the loss on all examples at any θ, and makes one iteration an epoch.

A rule that takes steps gets one gradient for each step. These rules compare losses before they move, or solve for
the step; they get the :class:`Objective` itself. Whether a class is one of them, its method ``iterate`` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np

from bpcli.nn import Array
from bpcli.nn.optimizers.rule import Memory, OptimizerState

TakenPenalties = Literal["smooth", "quadratic", "none"]
"""The penalties that a rule takes: those without kinks, those whose second derivatives are constant, or none."""


class Objective(Protocol):
    """L as a function of θ, (P,): the loss on all training examples, with what penalties add.

    Its numbers are sums in float64, taken in an order that depends on nothing but the sizes.
    """

    @property
    def rounding(self) -> float:
        """The relative rounding of the network's precision."""
        ...

    @property
    def residuals(self) -> float:
        """n, the number of residuals: Σ of the examples' weights times n_L."""
        ...

    @property
    def scale(self) -> float:
        """What multiplies each example's term, times its weight: L = scale · ½ Σ w e² for the half squared error."""
        ...

    def loss(self, theta: Array) -> float:
        """L at θ."""
        ...

    def gradient(self, theta: Array, out: Array) -> float:
        """Write ∂L/∂θ into ``out``; return L at θ."""
        ...

    def normal_equations(self, theta: Array) -> tuple[Array, Array]:
        """JᵀJ, (P, P), and Jᵀr, (P,), in float64, where L = ½ rᵀr; with the curvature and slope of what penalties add.

        r holds √(w · scale) (a − y) for every output of every example, J its derivatives by θ.
        """
        ...


@runtime_checkable
class SecondOrder(Protocol):
    """A rule that works from the objective; it declares its memory and buffers as every rule does.

    ``only_loss`` names the one loss that it minimises, None where it takes any; ``penalties`` says which penalties it
    takes, quadratic ones being those that state their ``curvature``. ``matrices`` is how many arrays of P × P numbers
    an iteration holds in memory.
    """

    only_loss: ClassVar[str | None]
    penalties: ClassVar[TakenPenalties]
    matrices: ClassVar[int]

    def iterate(self, theta: Array, state: OptimizerState, objective: Objective, loss: float) -> float:
        """Make one iteration from ``theta``, where L is ``loss``; return the learning rate to show.

        ``state.step`` is the number of the iteration, from 1.
        """
        ...

    def ended(self, state: OptimizerState) -> str:
        """Why nothing is left to do, in words; empty while there is something."""
        ...

    def figures(self, state: OptimizerState) -> dict[str, float]:
        """What is known besides θ, by name; for the run's record."""
        ...


def is_second_order(kind: type[Any]) -> bool:
    """Whether a class of rule is of second order; the others take steps."""
    return hasattr(kind, "iterate")


def figures_of(rule: Any, state: OptimizerState) -> dict[str, float]:
    """The figures of any rule; empty where it is not of second order."""
    return rule.figures(state) if isinstance(rule, SecondOrder) else {}


REASONS = {
    "at minimum": "converged: no entry of the gradient is larger than {tolerance:g}",
    "no decrease": "converged: no step lowers the loss any further",
}
"""Why a rule has nothing left to do."""

ENDED: Mapping[str, Memory] = {"ended": Memory((1,))}
"""The memory of :func:`end`: which of the reasons, counted from 1; 0 while there is none."""


def end(state: OptimizerState, reason: str) -> None:
    """Remember that nothing is left to do, so that a training taken up again knows it too."""
    state.memory["ended"][0] = 1 + list(REASONS).index(reason)


def reason_of(state: OptimizerState, tolerance: float) -> str:
    """The reason that :func:`end` was given, in words; empty where it was not called."""
    number = int(state.memory["ended"][0])
    return list(REASONS.values())[number - 1].format(tolerance=tolerance) if number else ""


def largest(vector: Array) -> float:
    """max |v_i|."""
    return float(np.maximum(np.max(vector), -np.min(vector)))


def dot(left: Array, right: Array) -> float:
    """The inner product, in the precision of its factors."""
    return float(np.dot(left, right))
