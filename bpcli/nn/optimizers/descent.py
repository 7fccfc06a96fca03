"""Steps down the gradient: gradient descent, and with a velocity momentum and Nesterov's momentum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, Lt

from bpcli.nn import Array
from bpcli.nn.markup import NEW_THETA, RuleEquation
from bpcli.nn.optimizers.rule import Gradient, Memory, OptimizerState

RateIn = Literal["velocity", "step"]
"""Where η is: in v, or in the step that θ takes by v. With a constant η both lead along the same path."""

VELOCITIES = {
    "velocity": r"\mu \cdot v_{<theta>} <minus> \eta \cdot <gradient>",
    "step": r"\mu \cdot v_{<theta>} <minus> <gradient>",
}


def _velocity(rate_in: RateIn) -> RuleEquation:
    return RuleEquation("velocity", "Velocity", "v_{<theta>}", VELOCITIES[rate_in])


def _update(formula: str) -> RuleEquation:
    return RuleEquation(NEW_THETA, "Update", "<theta>", formula)


@dataclass(frozen=True)
class GradientDescent:
    """θ ← θ − η ∂L/∂θ: the update W − η ∇W."""

    learning_rate: Annotated[float, Gt(0)] = 0.1

    batch_only: ClassVar[bool] = False
    elementwise: ClassVar[bool] = True
    equations: ClassVar[tuple[RuleEquation, ...]] = (_update(r"<theta> <minus> \eta \cdot <gradient>"),)

    def memory(self, size: int) -> Mapping[str, Memory]:
        """No memory."""
        return {}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """No buffers."""
        return {}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Update ``theta`` in place by η = ``rate``; return what ``gradient`` returned before the update."""
        dtheta = state.dtheta
        added = gradient(theta, dtheta, rate)
        np.subtract(theta, dtheta, theta)
        return added


@dataclass(frozen=True)
class Momentum:
    """v ← μv − η ∂L/∂θ; θ ← θ + v: the classical form (Polyak 1964; Sutskever et al. 2013, eq. 1–2).

    That is with η in the velocity, as in scikit-learn and Keras. ``rate_in: step`` keeps it out, as PyTorch does:
    v ← μv − ∂L/∂θ; θ ← θ + ηv. Where a schedule changes η, the two differ.
    """

    learning_rate: Annotated[float, Gt(0)] = 0.01
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.9
    rate_in: RateIn = "velocity"

    batch_only: ClassVar[bool] = False
    elementwise: ClassVar[bool] = True
    symbols: ClassVar[Mapping[str, str]] = {r"\mu": "momentum"}

    @property
    def equations(self) -> tuple[RuleEquation, ...]:
        """v, then θ."""
        step = {"velocity": "v_{<theta>}", "step": r"\eta \cdot v_{<theta>}"}[self.rate_in]
        return _velocity(self.rate_in), _update(f"<theta> + {step}")

    def memory(self, size: int) -> Mapping[str, Memory]:
        """v, 0 at first."""
        return {"velocity": Memory((size,))}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """One for ηv, where v is without η."""
        return {} if self.rate_in == "velocity" else {"scratch": (size,)}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Update ``theta`` in place by η = ``rate``; return what ``gradient`` returned before the update."""
        dtheta, v = state.dtheta, state.memory["velocity"]
        in_velocity = self.rate_in == "velocity"
        added = gradient(theta, dtheta, rate if in_velocity else 1.0)
        np.multiply(v, self.momentum, v)
        np.subtract(v, dtheta, v)
        if in_velocity:
            np.add(theta, v, theta)
        else:
            np.multiply(v, rate, state.buffers["scratch"])
            np.add(theta, state.buffers["scratch"], theta)
        return added


@dataclass(frozen=True)
class Nesterov:
    """v ← μv − η ∂L/∂θ; θ ← θ + μv − η ∂L/∂θ: momentum that goes on from where the velocity leads.

    With the gradient at θ, as in scikit-learn and Keras, θ here being the point θ + μv of the original (Bengio et al.
    2013, eq. 6–7); ``rate_in: step`` is PyTorch's: v ← μv − ∂L/∂θ; θ ← θ + η(μv − ∂L/∂θ). ``look_ahead: true`` is
    the original, with the gradient at θ + μv (Nesterov 1983; Sutskever et al. 2013, eq. 3–4); it is judged there.
    """

    learning_rate: Annotated[float, Gt(0)] = 0.01
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.9
    rate_in: RateIn = "velocity"
    look_ahead: bool = False

    batch_only: ClassVar[bool] = False
    elementwise: ClassVar[bool] = True
    symbols: ClassVar[Mapping[str, str]] = {r"\mu": "momentum"}

    @property
    def gradient_at(self) -> str:
        """θ, or θ as the velocity alone would move it."""
        if not self.look_ahead:
            return "<theta>"
        return "<theta> + " + {"velocity": "", "step": r"\eta \cdot "}[self.rate_in] + r"\mu \cdot v_{<theta>}"

    @property
    def equations(self) -> tuple[RuleEquation, ...]:
        """v, then θ."""
        moved = "v_{<theta>}" if self.look_ahead else VELOCITIES[self.rate_in]
        step = {"velocity": moved, "step": rf"\eta \cdot ({moved})"}[self.rate_in]
        return _velocity(self.rate_in), _update(f"<theta> + {step}")

    def memory(self, size: int) -> Mapping[str, Memory]:
        """v, 0 at first."""
        return {"velocity": Memory((size,))}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """One, for the point ahead and for the step."""
        return {"scratch": (size,)}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Update ``theta`` in place by η = ``rate``; return what ``gradient`` returned."""
        dtheta, v, scratch = state.dtheta, state.memory["velocity"], state.buffers["scratch"]
        within, without = (rate, 1.0) if self.rate_in == "velocity" else (1.0, rate)
        if self.look_ahead:
            np.multiply(v, self.momentum, v)
            np.multiply(v, without, scratch)
            np.add(theta, scratch, scratch)
            added = gradient(scratch, dtheta, within)
            np.subtract(v, dtheta, v)
            np.multiply(v, without, scratch)
        else:
            added = gradient(theta, dtheta, within)
            np.multiply(v, self.momentum, v)
            np.subtract(v, dtheta, v)
            np.multiply(v, self.momentum, scratch)
            np.subtract(scratch, dtheta, scratch)
            np.multiply(scratch, without, scratch)
        np.add(theta, scratch, theta)
        return added
