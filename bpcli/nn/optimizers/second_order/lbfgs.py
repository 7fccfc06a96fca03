"""L-BFGS: the quasi-Newton method with a few pairs of steps and changes of the gradient for its memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Le

from bpcli.nn import Array
from bpcli.nn.optimizers.rule import Memory, OptimizerState
from bpcli.nn.optimizers.second_order.line_search import Point, search
from bpcli.nn.optimizers.second_order.rule import ENDED, Objective, TakenPenalties, dot, end, largest, reason_of

NOISE = 10.0
"""Roundings of the loss, relative to it, within which two losses count as equal."""


@dataclass(frozen=True)
class Lbfgs:
    """θ ← θ − α H ∂L/∂θ, H from the last ``history`` steps: limited-memory BFGS, in mode batch, an iteration an epoch.

    Nocedal & Wright 2006, algorithms 7.4 and 7.5: s = the step of θ, y = the change of ∂L/∂θ, H begins as
    (sᵀy/yᵀy) I. α satisfies the strong Wolfe conditions, c₁ = 1e-4 and c₂ = 0.9. A pair is kept where sᵀy is
    positive; where H gives no descent, or no α is found, H begins as I again. Training ends where the largest
    |∂L/∂θ_i| is at most ``gradient_tolerance``, or no step lowers the loss any more. Column learning_rate: α.
    """

    history: Annotated[int, Ge(1), Le(10_000)] = 10
    gradient_tolerance: Annotated[float, Ge(0)] = 1e-8

    learning_rate: ClassVar[float] = 1.0
    batch_only: ClassVar[bool] = True
    takes_schedule: ClassVar[bool] = False
    only_loss: ClassVar[str | None] = None
    penalties: ClassVar[TakenPenalties] = "smooth"
    matrices: ClassVar[int] = 0

    def memory(self, size: int) -> Mapping[str, Memory]:
        """∂L/∂θ; s and y of each pair, a row each, with the number of pairs so far; whether training has ended."""
        pairs = Memory((self.history, size))
        return {"gradient": Memory((size,)), "steps": pairs, "changes": pairs, "pairs": Memory((1,)), **ENDED}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """The direction, and the θ that is looked at."""
        return {"direction": (size,), "trial": (size,)}

    def iterate(self, theta: Array, state: OptimizerState, objective: Objective, loss: float) -> float:
        """One iteration; returns α, 0 where θ stays."""
        g = state.memory["gradient"]
        if state.step == 1:
            objective.gradient(theta, g)
        if largest(g) <= self.gradient_tolerance:
            end(state, "at minimum")
            return 0.0
        found = self._search(theta, state, objective, loss)
        if found is None and _pairs(state):
            state.memory["pairs"].fill(0)
            found = self._search(theta, state, objective, loss)
        if found is None:
            end(state, "no decrease")
            return 0.0
        self._keep_pair(theta, state)
        np.copyto(theta, state.buffers["trial"])
        np.copyto(g, state.dtheta)
        return found.step

    def ended(self, state: OptimizerState) -> str:
        """At a minimum, or no step lowers the loss."""
        return reason_of(state, self.gradient_tolerance)

    def figures(self, state: OptimizerState) -> dict[str, float]:
        """The size of the gradient's largest entry."""
        return {"largest_gradient": largest(state.memory["gradient"])}

    def _search(self, theta: Array, state: OptimizerState, objective: Objective, loss: float) -> Point | None:
        """The step along −H ∂L/∂θ; ``trial`` is then the new θ and ``dtheta`` its gradient."""
        direction, g = state.buffers["direction"], state.memory["gradient"]
        trial, dtheta = state.buffers["trial"], state.dtheta
        self._direct(state)
        slope = dot(g, direction)
        if not slope < 0:
            state.memory["pairs"].fill(0)
            self._direct(state)
            slope = dot(g, direction)

        def at(step: float) -> Point:
            np.multiply(direction, step, trial)
            np.add(theta, trial, trial)
            value = objective.gradient(trial, dtheta)
            return Point(step, value, dot(dtheta, direction))

        first = 1.0 if _pairs(state) else min(1.0, 1 / float(np.sum(np.abs(g, trial))))
        return search(at, Point(0.0, loss, slope), first, NOISE * objective.rounding * abs(loss))

    def _direct(self, state: OptimizerState) -> None:
        """Write −H ∂L/∂θ into ``direction``: the two-loop recursion, algorithm 7.4."""
        d, spare = state.buffers["direction"], state.buffers["trial"]
        S, Y = state.memory["steps"], state.memory["changes"]
        np.negative(state.memory["gradient"], d)
        factors: dict[int, float] = {}
        for k in self._newest_first(state):
            factors[k] = dot(S[k], d) / dot(S[k], Y[k])
            np.multiply(Y[k], factors[k], spare)
            np.subtract(d, spare, d)
        if factors:
            newest = next(iter(factors))
            np.multiply(d, dot(S[newest], Y[newest]) / dot(Y[newest], Y[newest]), d)
        for k in reversed(factors):
            np.multiply(S[k], factors[k] - dot(Y[k], d) / dot(S[k], Y[k]), spare)
            np.add(d, spare, d)

    def _newest_first(self, state: OptimizerState) -> Iterator[int]:
        """The rows of the pairs that are kept."""
        pairs = _pairs(state)
        for back in range(min(pairs, self.history)):
            yield (pairs - 1 - back) % self.history

    def _keep_pair(self, theta: Array, state: OptimizerState) -> None:
        """Keep s and y of the step to ``trial``, over the oldest pair, where sᵀy is positive beyond rounding."""
        s, y = state.buffers["direction"], state.memory["gradient"]
        np.subtract(state.buffers["trial"], theta, s)
        np.subtract(state.dtheta, y, y)
        if dot(s, y) > np.finfo(y.dtype).eps * dot(y, y):
            row = _pairs(state) % self.history
            np.copyto(state.memory["steps"][row], s)
            np.copyto(state.memory["changes"][row], y)
            state.memory["pairs"] += 1


def _pairs(state: OptimizerState) -> int:
    """The number of pairs kept since H last began as I."""
    return int(state.memory["pairs"][0])
