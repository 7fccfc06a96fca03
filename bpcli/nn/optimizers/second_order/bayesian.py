"""Bayesian regularization: Levenberg–Marquardt with a penalty whose strength the data themselves decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
from annotated_types import Ge, Gt

from bpcli.nn import Array
from bpcli.nn.optimizers.rule import Memory, OptimizerState
from bpcli.nn.optimizers.second_order import cholesky
from bpcli.nn.optimizers.second_order.least_squares import DAMPING, EPSILON, MATRICES, QuadraticModel, take_step
from bpcli.nn.optimizers.second_order.levenberg_marquardt import FIRST_DAMPING
from bpcli.nn.optimizers.second_order.rule import ENDED, Objective, TakenPenalties, dot, end, largest, reason_of

SMALLEST = 1e-12
"""A sum of squares that is divided by is at least this, so that α and β stay finite in either precision."""

FIRST_ALPHA = 1e-3
"""α in the first iterations, where β is 1: next to no penalty, yet no direction is without one."""


class Strengths(NamedTuple):
    """α, β and γ, the number of parameters that the data determine."""

    alpha: float
    beta: float
    effective: float


@dataclass(frozen=True)
class BayesianRegularization:
    """levenberg_marquardt on βE_D + αE_W, α and β found from the data: for small regressions without a validation part.

    MacKay 1992; Foresee & Hagan 1997. E_D = Σ e², and E_W = Σ θ² over all weights and biases, as in MATLAB's trainbr.
    α = γ/2E_W and β = (n − γ)/2E_D, n the number of targets; γ = P − 2α tr H⁻¹, with Gauss and Newton's
    H = 2βJᵀJ + 2αI, is how many parameters the data determine. All three are found in every iteration after the
    first ``warm_up``, in which α is 0.001 and β 1: otherwise a network that has not learned yet can be taken for
    noise and held at 0. run.json has them at the end; the column loss is without E_W. Column learning_rate: 1/λ.
    """

    warm_up: Annotated[int, Ge(0)] = 10
    damping: Annotated[float, Gt(0)] = FIRST_DAMPING
    gradient_tolerance: Annotated[float, Ge(0)] = 1e-8

    batch_only: ClassVar[bool] = True
    takes_schedule: ClassVar[bool] = False
    only_loss: ClassVar[str | None] = "half_squared_error"
    penalties: ClassVar[TakenPenalties] = "none"
    matrices: ClassVar[int] = MATRICES
    learning_rate: ClassVar[float] = 1.0

    def memory(self, size: int) -> Mapping[str, Memory]:
        """α, β and γ; λ and how it grows; whether training has ended."""
        return {name: Memory((1,)) for name in Strengths._fields} | {**DAMPING, **ENDED}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """The θ that is looked at."""
        return {"trial": (size,)}

    def iterate(self, theta: Array, state: OptimizerState, objective: Objective, loss: float) -> float:
        """α, β and γ, then one iteration; returns 1/λ of the step taken, 0 where θ stays."""
        products, slope = objective.normal_equations(theta)
        ridge = self._strength(theta, state, objective, products, loss)
        data = QuadraticModel(products, slope, loss, objective.loss)
        model = penalised(data, theta, ridge)
        at_minimum = largest(model.slope) <= self.gradient_tolerance
        taken = 0.0 if at_minimum else take_step(model, self.damping, theta, state, objective.rounding)
        if not taken and state.step > self.warm_up:
            end(state, "at minimum" if at_minimum else "no decrease")
        return 1 / taken if taken else 0.0

    def ended(self, state: OptimizerState) -> str:
        """At a minimum, or no step lowers what is minimised."""
        return reason_of(state, self.gradient_tolerance)

    def figures(self, state: OptimizerState) -> dict[str, float]:
        """α, β and γ, as the last iteration found them."""
        found = {name: float(state.memory[name][0]) for name in Strengths._fields}
        return {"alpha": found["alpha"], "beta": found["beta"], "effective_parameters": found["effective"]}

    def _strength(
        self, theta: Array, state: OptimizerState, objective: Objective, products: Array, loss: float
    ) -> float:
        """Find α, β and γ at θ; return ρ with βE_D + αE_W in proportion to L + ½ ρ θᵀθ: ρ = α · scale / β."""
        known = Strengths(*(float(state.memory[name][0]) for name in Strengths._fields))
        found = Strengths(FIRST_ALPHA, 1.0, float(theta.size))
        if state.step > self.warm_up:
            squares, effective = 2 * loss / objective.scale, float(theta.size)
            if state.step > 1:
                effective = effective_parameters(products, known.alpha * objective.scale / known.beta)
            found = strengths(effective, objective.residuals, squares, dot(theta, theta))
        for name, value in found._asdict().items():
            state.memory[name][0] = value
        return found.alpha * objective.scale / found.beta


def strengths(effective: float, n: float, squares: float, weights: float) -> Strengths:
    """α and β from γ, the number of targets, E_D and E_W; β is 1 where there are no more targets than γ."""
    alpha = effective / (2 * max(weights, SMALLEST))
    beta = (n - effective) / (2 * max(squares, SMALLEST)) if n > effective else 1.0
    return Strengths(alpha, beta, effective)


def effective_parameters(products: Array, ridge: float) -> float:
    """γ = P − ρ tr (JᵀJ + ρI)⁻¹ = Σ λ_i / (λ_i + ρ), λ_i the eigenvalues of JᵀJ.

    The sum is taken where ρ is lost in the rounding of JᵀJ; eigenvalues that are rounding themselves count as 0 there.
    """
    P, diagonal = len(products), products.diagonal().copy()
    least = P * EPSILON * float(np.max(diagonal))
    if ridge > least:
        np.fill_diagonal(products, diagonal + ridge)
        L = cholesky.factor(products)
        np.fill_diagonal(products, diagonal)
        if L is not None:
            return P - ridge * cholesky.trace_of_inverse(L)
    values = np.linalg.eigvalsh(products)
    values = values[values > least]
    return float(np.sum(values / (values + ridge)))


def penalised(data: QuadraticModel, theta: Array, ridge: float) -> QuadraticModel:
    """F + ½ ρ θᵀθ; ``data.products`` is changed."""
    np.fill_diagonal(data.products, data.products.diagonal() + ridge)
    return replace(
        data,
        slope=data.slope + ridge * theta,
        value=data.value + 0.5 * ridge * dot(theta, theta),
        value_at=lambda at: data.value_at(at) + 0.5 * ridge * dot(at, at),
    )
