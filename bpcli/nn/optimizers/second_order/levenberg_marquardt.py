"""Levenberg–Marquardt: least squares by damped normal equations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt

from bpcli.nn import Array
from bpcli.nn.optimizers.rule import Memory, OptimizerState
from bpcli.nn.optimizers.second_order.least_squares import DAMPING, MATRICES, QuadraticModel, take_step
from bpcli.nn.optimizers.second_order.rule import ENDED, Objective, TakenPenalties, end, largest, reason_of

FIRST_DAMPING = 1e-3
"""Nielsen's τ for a start that may be far from the minimum."""


@dataclass(frozen=True)
class LevenbergMarquardt:
    """θ ← θ − (JᵀJ + λI)⁻¹ Jᵀr: damped least squares for half_squared_error, in mode batch, an iteration an epoch.

    Hagan & Menhaj 1994: r holds each output's error, scaled so that L = ½ rᵀr, J its derivatives. Within an iteration λ
    grows until L falls; how well JᵀJ foretold the fall sets the next λ (Nielsen 1999). The first λ is ``damping`` times
    the largest entry of JᵀJ. JᵀJ takes P² numbers: this is for small networks. Training ends where the largest
    |∂L/∂θ_i| is at most ``gradient_tolerance``, or no step lowers L any more. Column learning_rate: 1/λ.
    """

    damping: Annotated[float, Gt(0)] = FIRST_DAMPING
    gradient_tolerance: Annotated[float, Ge(0)] = 1e-8

    batch_only: ClassVar[bool] = True
    takes_schedule: ClassVar[bool] = False
    only_loss: ClassVar[str | None] = "half_squared_error"
    penalties: ClassVar[TakenPenalties] = "quadratic"
    matrices: ClassVar[int] = MATRICES
    learning_rate: ClassVar[float] = 1.0

    def memory(self, size: int) -> Mapping[str, Memory]:
        """λ and how it grows; whether training has ended."""
        return {**DAMPING, **ENDED}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """The θ that is looked at."""
        return {"trial": (size,)}

    def iterate(self, theta: Array, state: OptimizerState, objective: Objective, loss: float) -> float:
        """One iteration; returns 1/λ of the step taken, 0 where θ stays."""
        products, slope = objective.normal_equations(theta)
        if largest(slope) <= self.gradient_tolerance:
            end(state, "at minimum")
            return 0.0
        model = QuadraticModel(products, slope, loss, objective.loss)
        taken = take_step(model, self.damping, theta, state, objective.rounding)
        if not taken:
            end(state, "no decrease")
            return 0.0
        return 1 / taken

    def ended(self, state: OptimizerState) -> str:
        """At a minimum, or no step lowers the loss."""
        return reason_of(state, self.gradient_tolerance)

    def figures(self, state: OptimizerState) -> dict[str, float]:
        """λ for the next step."""
        return {"damping": float(state.memory["damping"][0])}
