"""Adam: steps of about the size of η, whatever that of the gradient; and what was made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Lt

from bpcli.nn import Array
from bpcli.nn.markup import NEW_THETA, RuleEquation
from bpcli.nn.optimizers.means import average, average_square, mean_equation, square_equation
from bpcli.nn.optimizers.rule import Gradient, Memory, OptimizerState, shrink

Rate = Annotated[float, Gt(0)]
Decay = Annotated[float, Ge(0), Lt(1)]
"""How much of a running mean each update keeps."""

SYMBOLS = {r"\beta_1": "beta1", r"\beta_2": "beta2", r"\varepsilon": "epsilon"}
MEANS = mean_equation(r"\beta_1"), square_equation(r"\beta_2")

STEP = (
    r"- \eta \cdot \frac{m_{<theta>} / (1 - \beta_1^{<step>})}"
    r"{\sqrt{v_{<theta>} / (1 - \beta_2^{<step>})} + \varepsilon}"
)
"""−η m̂ / (√v̂ + ε)."""


def _means(size: int) -> dict[str, Memory]:
    return {"mean": Memory((size,)), "square": Memory((size,))}


@dataclass(frozen=True)
class Adam:
    """θ ← θ − η m̂ / (√v̂ + ε), m and v the running means of the gradient and its square.

    Kingma & Ba 2015, algorithm 1: m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ), and ε is
    added to the corrected root; the variant at the end of their §2 adds it before.
    """

    learning_rate: Rate = 0.001
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    epsilon: Annotated[float, Gt(0)] = 1e-8

    batch_only: ClassVar[bool] = False
    symbols: ClassVar[Mapping[str, str]] = SYMBOLS
    equations: ClassVar[tuple[RuleEquation, ...]] = (
        *MEANS,
        RuleEquation(NEW_THETA, "Update", "<theta>", f"<theta> {STEP}"),
    )

    def memory(self, size: int) -> Mapping[str, Memory]:
        """m and v, 0 at first."""
        return _means(size)

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """One, for the update as it is computed."""
        return {"scratch": (size,)}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Update ``theta`` in place by η = ``rate``; return what ``gradient`` returned before the update."""
        dtheta, scratch = state.dtheta, state.buffers["scratch"]
        m, v = state.memory["mean"], state.memory["square"]
        added = gradient(theta, dtheta, 1.0)
        average(m, self.beta1, dtheta, scratch)
        average_square(v, self.beta2, dtheta, scratch)
        np.sqrt(v, scratch)
        np.multiply(scratch, (1 - self.beta2**state.step) ** -0.5, scratch)
        np.add(scratch, self.epsilon, scratch)
        np.divide(m, scratch, scratch)
        np.multiply(scratch, rate / (1 - self.beta1**state.step), scratch)
        np.subtract(theta, scratch, theta)
        return added


@dataclass(frozen=True)
class AdamW:
    """Adam, and each update takes ηλW from every W: a weight decay that is no part of the gradient.

    Loshchilov & Hutter 2019, algorithm 2, λ multiplied by η as in PyTorch. Biases, and parameters that activations
    own, do not decay; in PyTorch they do, unless they are in a parameter group of their own.
    """

    learning_rate: Rate = 0.001
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    epsilon: Annotated[float, Gt(0)] = 1e-8
    weight_decay: Annotated[float, Ge(0)] = 0.01

    batch_only: ClassVar[bool] = False
    symbols: ClassVar[Mapping[str, str]] = {**SYMBOLS, r"\lambda": "weight_decay"}
    weight_term: ClassVar[str] = r"- \eta \cdot \lambda \cdot <theta>"
    equations: ClassVar[tuple[RuleEquation, ...]] = (
        *MEANS,
        RuleEquation(NEW_THETA, "Update", "<theta>", f"<theta> {STEP} <weight_term>"),
    )

    def memory(self, size: int) -> Mapping[str, Memory]:
        """m and v, 0 at first."""
        return _means(size)

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """One, for the update as it is computed."""
        return {"scratch": (size,)}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Update ``theta`` in place by η = ``rate``; return what ``gradient`` returned before the update."""
        dtheta, scratch = state.dtheta, state.buffers["scratch"]
        m, v = state.memory["mean"], state.memory["square"]
        added = gradient(theta, dtheta, 1.0)
        average(m, self.beta1, dtheta, scratch)
        average_square(v, self.beta2, dtheta, scratch)
        np.sqrt(v, scratch)
        np.multiply(scratch, (1 - self.beta2**state.step) ** -0.5, scratch)
        np.add(scratch, self.epsilon, scratch)
        np.divide(m, scratch, scratch)
        np.multiply(scratch, rate / (1 - self.beta1**state.step), scratch)
        shrink(state.weights, 1 - rate * self.weight_decay)
        np.subtract(theta, scratch, theta)
        return added
