"""One damped step of least squares: the normal equations, solved with more damping until the sum of squares falls.

The damping λ follows Nielsen (1999, *Damping parameter in Marquardt's method*, eq. 2.21; Madsen, Nielsen & Tingleff
2004, algorithm 3.16): it shrinks by how well the quadratic model foretold the decrease, and grows 2, 4, 8 … times
as large where the step brought none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from bpcli.nn import Array
from bpcli.nn.optimizers.rule import Memory, OptimizerState
from bpcli.nn.optimizers.second_order import cholesky
from bpcli.nn.optimizers.second_order.rule import dot

MOST_SHRINKING = 3.0
"""A step that brings all it promised divides λ by this."""

FIRST_GROWTH = 2.0

NOISE = 10.0
"""Roundings of the loss, relative to it, below which a promised decrease is none."""

EPSILON = float(np.finfo(np.float64).eps)

TRIES = 100
"""The most damping tried: λ has left every range by then, so something is not finite."""

DAMPING: Mapping[str, Memory] = {"damping": Memory((1,)), "growth": Memory((1,), FIRST_GROWTH)}
"""The memory of the damping: λ, 0 before the first iteration, and how many times as large it is after a failed try."""

MATRICES = 4
"""Matrices of P × P in memory at once: JᵀJ, its factor and what a factorisation copies, or a product to be added."""


@dataclass(frozen=True)
class QuadraticModel:
    """What is known of a sum of squares F at θ: F, its slope Jᵀr, and JᵀJ, which is changed; ``value_at`` gives F."""

    products: Array
    slope: Array
    value: float
    value_at: Callable[[Array], float]


def take_step(model: QuadraticModel, first: float, theta: Array, state: OptimizerState, rounding: float) -> float:
    """θ ← θ − (JᵀJ + λI)⁻¹ Jᵀr with the first λ that lowers F; return it, 0 where none does.

    Before the first iteration λ is ``first`` times the largest entry on the diagonal of JᵀJ. A step that promises less
    than F's rounding is the last one: it is taken, unless F rises visibly, and 0 returned.
    """
    damping, growth, trial = state.memory["damping"], state.memory["growth"], state.buffers["trial"]
    diagonal, noise = model.products.diagonal().copy(), NOISE * rounding * model.value
    most = float(np.max(diagonal))
    if not damping[0]:
        damping[0] = first * most
    for _ in range(TRIES):
        tried = float(damping[0])
        step = _solution(model, diagonal + tried)
        if step is not None:
            promised = 0.5 * (tried * dot(step, step) - dot(step, model.slope))
            np.add(theta, step, trial, casting="same_kind")
            decrease = model.value - model.value_at(trial)
            if promised <= noise:
                np.copyto(theta, trial if abs(decrease) <= noise else theta)
                return 0.0
            if decrease > 0:
                damping[0] = max(tried * _shrinking(decrease / promised), EPSILON * most)
                growth[0] = FIRST_GROWTH
                np.copyto(theta, trial)
                return tried
        damping *= growth
        growth *= FIRST_GROWTH
    return 0.0


def _shrinking(gain: float) -> float:
    """What λ is multiplied by after a step that brought ``gain`` times what it promised; 2 at the most, for none."""
    return max(1 / MOST_SHRINKING, 1 - (2 * gain - 1) ** 3)


def _solution(model: QuadraticModel, diagonal: Array) -> Array | None:
    """−(JᵀJ + λI)⁻¹ Jᵀr, the matrix having this diagonal; None where it is not positive definite."""
    np.fill_diagonal(model.products, diagonal)
    L = cholesky.factor(model.products)
    return None if L is None else -cholesky.solve(L, model.slope)
