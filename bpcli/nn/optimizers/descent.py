"""Steps down the gradient: gradient descent and momentum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Lt

from bpcli.nn import Array
from bpcli.nn.markup import NEW_THETA, RuleEquation
from bpcli.nn.optimizers.rule import Gradient, Memory, OptimizerState


@dataclass(frozen=True)
class GradientDescent:
    """θ ← θ − η ∂L/∂θ: the update W − η ∇W."""

    learning_rate: Annotated[float, Gt(0)] = 0.1

    batch_only: ClassVar[bool] = False
    equations: ClassVar[tuple[RuleEquation, ...]] = (
        RuleEquation(NEW_THETA, "Update", "<theta>", r"<theta> <minus> \eta \cdot <gradient>"),
    )

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

    The other common form keeps η out of v; with a constant η both follow the same path.
    """

    learning_rate: Annotated[float, Gt(0)] = 0.01
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.9

    batch_only: ClassVar[bool] = False
    symbols: ClassVar[Mapping[str, str]] = {r"\mu": "momentum"}
    equations: ClassVar[tuple[RuleEquation, ...]] = (
        RuleEquation("velocity", "Velocity", "v_{<theta>}", r"\mu \cdot v_{<theta>} <minus> \eta \cdot <gradient>"),
        RuleEquation(NEW_THETA, "Update", "<theta>", "<theta> + v_{<theta>}"),
    )

    def memory(self, size: int) -> Mapping[str, Memory]:
        """v, 0 at first."""
        return {"velocity": Memory((size,))}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """No buffers."""
        return {}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Update ``theta`` in place by η = ``rate``; return what ``gradient`` returned before the update."""
        dtheta, v = state.dtheta, state.memory["velocity"]
        added = gradient(theta, dtheta, rate)
        np.multiply(v, self.momentum, v)
        np.subtract(v, dtheta, v)
        np.add(theta, v, theta)
        return added
