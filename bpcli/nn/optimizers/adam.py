"""Adam: steps of about the size of η, whatever that of the gradient; with AMSGrad's maximum, with AdamW's decay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, Lt

from bpcli.nn import Array
from bpcli.nn.markup import NEW_THETA, RuleEquation
from bpcli.nn.optimizers.means import MEANS, SYMBOLS, average, average_square, means_memory, over_corrected_root
from bpcli.nn.optimizers.rule import Gradient, Memory, OptimizerState, shrink

EpsilonAt = Literal["corrected", "uncorrected"]
"""Where ε is added: to √v̂, or to √v."""


def _update(square: str, epsilon_at: EpsilonAt = "corrected", more: str = "") -> RuleEquation:
    """θ ← θ − η m̂ / (√v̂ + ε), v the array of the symbol ``square``."""
    corrected = rf"\sqrt{{{square} / (1 - \beta_2^{{<step>}})}} + \varepsilon"
    uncorrected = rf"\left( \sqrt{{{square}}} + \varepsilon \right) / \sqrt{{1 - \beta_2^{{<step>}}}}"
    below = {"corrected": corrected, "uncorrected": uncorrected}[epsilon_at]
    step = rf"\eta \cdot \frac{{m_{{<theta>}} / (1 - \beta_1^{{<step>}})}}{{{below}}}"
    return RuleEquation(NEW_THETA, "Update", "<theta>", f"<theta> - {step}{more}")


@dataclass(frozen=True)
class Adam:
    """θ ← θ − η m̂ / (√v̂ + ε), m and v the running means of the gradient and its square.

    Kingma & Ba 2015, algorithm 1, and PyTorch: m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ), and ε is added to the corrected
    root. ``epsilon_at: uncorrected`` adds it to √v, so to √v̂ is added ε/√(1 − β₂ᵗ): the variant at the end of their §2,
    and that of scikit-learn and Keras.
    """

    learning_rate: Annotated[float, Gt(0)] = 0.001
    beta1: Annotated[float, Ge(0), Lt(1)] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1)] = 0.999
    epsilon: Annotated[float, Gt(0)] = 1e-8
    epsilon_at: EpsilonAt = "corrected"

    batch_only: ClassVar[bool] = False
    elementwise: ClassVar[bool] = True
    symbols: ClassVar[Mapping[str, str]] = SYMBOLS

    @property
    def equations(self) -> tuple[RuleEquation, ...]:
        """m, v, then θ."""
        return *MEANS, _update("v_{<theta>}", self.epsilon_at)

    def memory(self, size: int) -> Mapping[str, Memory]:
        """m and v, 0 at first."""
        return means_memory(size)

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
        if self.epsilon_at == "corrected":
            over_corrected_root(m, v, self.beta2, self.epsilon, state.step, scratch)
        else:
            np.sqrt(v, scratch)
            np.add(scratch, self.epsilon, scratch)
            np.multiply(scratch, (1 - self.beta2**state.step) ** -0.5, scratch)
            np.divide(m, scratch, scratch)
        np.multiply(scratch, rate / (1 - self.beta1**state.step), scratch)
        np.subtract(theta, scratch, theta)
        return added


@dataclass(frozen=True)
class AMSGrad:
    """Adam with the largest v so far in place of v, so that no entry's steps grow again.

    Reddi, Kale & Kumar 2018, algorithm 2, in PyTorch's form: the largest v before its correction, then corrected; the
    paper corrects nothing.
    """

    learning_rate: Annotated[float, Gt(0)] = 0.001
    beta1: Annotated[float, Ge(0), Lt(1)] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1)] = 0.999
    epsilon: Annotated[float, Gt(0)] = 1e-8

    batch_only: ClassVar[bool] = False
    elementwise: ClassVar[bool] = True
    symbols: ClassVar[Mapping[str, str]] = SYMBOLS
    equations: ClassVar[tuple[RuleEquation, ...]] = (
        *MEANS,
        RuleEquation(
            "largest",
            "Largest running mean of the square",
            "u_{<theta>}",
            r"v_{<theta>} \text{ where } v_{<theta>} > u_{<theta>} \text{, else } u_{<theta>}",
        ),
        _update("u_{<theta>}"),
    )

    def memory(self, size: int) -> Mapping[str, Memory]:
        """m, v and the largest v, 0 at first."""
        return {**means_memory(size), "largest": Memory((size,))}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """One, for the update as it is computed."""
        return {"scratch": (size,)}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Update ``theta`` in place by η = ``rate``; return what ``gradient`` returned before the update."""
        dtheta, scratch = state.dtheta, state.buffers["scratch"]
        m, v, u = (state.memory[name] for name in ("mean", "square", "largest"))
        added = gradient(theta, dtheta, 1.0)
        average(m, self.beta1, dtheta, scratch)
        average_square(v, self.beta2, dtheta, scratch)
        np.maximum(u, v, out=u)
        over_corrected_root(m, u, self.beta2, self.epsilon, state.step, scratch)
        np.multiply(scratch, rate / (1 - self.beta1**state.step), scratch)
        np.subtract(theta, scratch, theta)
        return added


@dataclass(frozen=True)
class AdamW:
    """Adam, and each update takes ηλW from every W: a weight decay that is no part of the gradient.

    Loshchilov & Hutter 2019, algorithm 2, λ multiplied by η as in PyTorch. Biases, and parameters that activations
    own, do not decay; in PyTorch they do, unless they are in a parameter group of their own.
    """

    learning_rate: Annotated[float, Gt(0)] = 0.001
    beta1: Annotated[float, Ge(0), Lt(1)] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1)] = 0.999
    epsilon: Annotated[float, Gt(0)] = 1e-8
    weight_decay: Annotated[float, Ge(0)] = 0.01

    batch_only: ClassVar[bool] = False
    elementwise: ClassVar[bool] = True
    symbols: ClassVar[Mapping[str, str]] = {**SYMBOLS, r"\lambda": "weight_decay"}
    weight_term: ClassVar[str] = r"- \eta \cdot \lambda \cdot <theta>"
    equations: ClassVar[tuple[RuleEquation, ...]] = (*MEANS, _update("v_{<theta>}", more=" <weight_term>"))

    def memory(self, size: int) -> Mapping[str, Memory]:
        """m and v, 0 at first."""
        return means_memory(size)

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
        over_corrected_root(m, v, self.beta2, self.epsilon, state.step, scratch)
        np.multiply(scratch, rate / (1 - self.beta1**state.step), scratch)
        shrink(state.weights, 1 - rate * self.weight_decay)
        np.subtract(theta, scratch, theta)
        return added
