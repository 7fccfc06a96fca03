"""Steps by the signs of gradients alone: Lion, Rprop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Lt

from bpcli.nn import Array
from bpcli.nn.markup import NEW_THETA, RuleEquation
from bpcli.nn.optimizers.means import average, mean_equation
from bpcli.nn.optimizers.rule import Gradient, Memory, OptimizerState, shrink


def _sign_of(symbol: str) -> str:
    return rf"1 \text{{ where }} {symbol} > 0 \text{{, else }} -1 \text{{ where }} 0 > {symbol} \text{{, else }} 0"


@dataclass(frozen=True)
class Lion:
    """θ ← θ − η(sign(β₁m + (1 − β₁) ∂L/∂θ) + λθ); m ← β₂m + (1 − β₂) ∂L/∂θ: every entry moves by η.

    Chen et al. 2023, algorithm 2. λ, the setting ``weight_decay``, acts on weights alone. The steps get no shorter at a
    minimum, so η must, by a schedule; the paper's η is 3 to 10 times smaller than AdamW's, its λ as much larger.
    """

    learning_rate: Annotated[float, Gt(0)] = 0.0001
    beta1: Annotated[float, Ge(0), Lt(1)] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1)] = 0.99
    weight_decay: Annotated[float, Ge(0)] = 0.0

    batch_only: ClassVar[bool] = False
    elementwise: ClassVar[bool] = True
    symbols: ClassVar[Mapping[str, str]] = {
        r"\beta_1": "beta1",
        r"\beta_2": "beta2",
        r"\lambda": "weight_decay",
    }
    weight_term: ClassVar[str] = r"- \eta \cdot \lambda \cdot <theta>"
    equations: ClassVar[tuple[RuleEquation, ...]] = (
        RuleEquation(
            "blend",
            "Gradient and mean together",
            "c_{<theta>}",
            r"\beta_1 \cdot m_{<theta>} <plus> (1 - \beta_1) \cdot <gradient>",
        ),
        RuleEquation("direction", "Direction", "s_{<theta>}", _sign_of("c_{<theta>}")),
        mean_equation(r"\beta_2"),
        RuleEquation(NEW_THETA, "Update", "<theta>", r"<theta> - \eta \cdot s_{<theta>} <weight_term>"),
    )

    def memory(self, size: int) -> Mapping[str, Memory]:
        """m, 0 at first."""
        return {"mean": Memory((size,))}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """Two, for the direction and for what is computed on the way to it."""
        return {"scratch": (size,), "direction": (size,)}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Update ``theta`` in place by η = ``rate``; return what ``gradient`` returned before the update."""
        dtheta, m = state.dtheta, state.memory["mean"]
        scratch, direction = state.buffers["scratch"], state.buffers["direction"]
        added = gradient(theta, dtheta, 1.0)
        np.copyto(direction, m)
        average(direction, self.beta1, dtheta, scratch)
        np.sign(direction, direction)
        average(m, self.beta2, dtheta, scratch)
        np.multiply(direction, rate, direction)
        shrink(state.weights, 1 - rate * self.weight_decay)
        np.subtract(theta, direction, theta)
        return added


@dataclass(frozen=True)
class Rprop:
    """Each entry moves against the sign of its gradient, by a step that grows until the sign turns, and then shrinks.

    Riedmiller & Braun 1993 in PyTorch's form, iRprop− of Igel & Hüsken 2003: an entry whose sign has turned does not
    move, and counts as having had the gradient 0. η is the first step and changes nothing later, so no schedule goes
    with it.
    """

    learning_rate: Annotated[float, Gt(0)] = 0.01
    increase: Annotated[float, Gt(1)] = 1.2
    decrease: Annotated[float, Gt(0), Lt(1)] = 0.5
    min_step: Annotated[float, Gt(0)] = 1e-6
    max_step: Annotated[float, Gt(0)] = 50.0

    batch_only: ClassVar[bool] = True
    elementwise: ClassVar[bool] = True
    takes_schedule: ClassVar[bool] = False
    ordered: ClassVar[tuple[tuple[str, str], ...]] = (("min_step", "max_step"),)
    equations: ClassVar[tuple[RuleEquation, ...]] = (
        RuleEquation("turn", "Sign of both gradients", "q_{<theta>}", r"p_{<theta>} \odot (<sign> <gradient>)"),
        RuleEquation(
            "unlimited",
            "Step without limits",
            "u_{<theta>}",
            r"<increase> \cdot s_{<theta>} \text{ where } q_{<theta>} > 0 \text{, else } <decrease> \cdot s_{<theta>}"
            r" \text{ where } 0 > q_{<theta>} \text{, else } s_{<theta>}",
        ),
        RuleEquation(
            "steps",
            "Step",
            "s_{<theta>}",
            r"<max_step> \text{ where } u_{<theta>} > <max_step> \text{, else } <min_step> \text{ where } <min_step> >"
            r" u_{<theta>} \text{, else } u_{<theta>}",
        ),
        RuleEquation(
            "previous",
            "Gradient that counts",
            "p_{<theta>}",
            r"0 \text{ where } 0 > q_{<theta>} \text{, else } (<sign> <gradient>)",
        ),
        RuleEquation(
            NEW_THETA,
            "Update",
            "<theta>",
            r"<theta> - s_{<theta>} \text{ where } p_{<theta>} > 0 \text{, else } <theta> + s_{<theta>}"
            r" \text{ where } 0 > p_{<theta>} \text{, else } <theta>",
        ),
    )

    def memory(self, size: int) -> Mapping[str, Memory]:
        """The gradient before, 0 at first; the steps, η at first."""
        return {"previous": Memory((size,)), "steps": Memory((size,), self.learning_rate)}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """Two, for signs."""
        return {"turn": (size,), "scratch": (size,)}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Update ``theta`` in place; return what ``gradient`` returned before the update."""
        dtheta, turn, scratch = state.dtheta, state.buffers["turn"], state.buffers["scratch"]
        previous, steps = state.memory["previous"], state.memory["steps"]
        added = gradient(theta, dtheta, 1.0)
        np.sign(previous, turn)
        np.sign(dtheta, scratch)
        np.multiply(turn, scratch, turn)
        np.add(turn, 1.0, scratch)
        np.minimum(scratch, 1.0, out=scratch)  # 0 where the sign turned, else 1
        np.multiply(dtheta, scratch, previous)
        np.multiply(turn, self.increase, turn)
        np.maximum(turn, scratch, out=turn)
        np.maximum(turn, self.decrease, out=turn)  # increase, 1 or decrease
        np.multiply(steps, turn, steps)
        np.maximum(steps, self.min_step, out=steps)
        np.minimum(steps, self.max_step, out=steps)
        np.sign(previous, turn)
        np.multiply(turn, steps, turn)
        np.subtract(theta, turn, theta)
        return added
