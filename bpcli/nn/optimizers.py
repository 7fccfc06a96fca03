"""Update rules: θ and a gradient in, a new θ in the same memory out.

A rule is its hyperparameters; what it remembers between steps is an
:class:`OptimizerState`, arrays of θ's length by name, so that saving a run saves them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Protocol

import numpy as np
from annotated_types import Ge, Gt, Lt

from bpcli.nn import Array
from bpcli.nn.markup import NEW_THETA, RuleEquation

Gradient = Callable[[Array, Array, float], Any]
"""gradient(θ, out, factor): writes factor · ∂L/∂θ into ``out``; what it returns, L or nothing, the rule hands on.

The factor costs nothing, as it goes into dZ_L with the loss's own, and saves a pass over ``out``.
"""


@dataclass
class OptimizerState:
    """What a rule keeps between steps.

    ``step`` counts updates; ``memory`` holds arrays as long as θ that the next
    step reads; ``dtheta`` and ``scratch`` are room for the step itself.
    """

    memory: dict[str, Array]
    dtheta: Array
    scratch: Array
    step: int = field(default=0)


class Optimizer(Protocol):
    """A choice of update rule."""

    @property
    def learning_rate(self) -> float:
        """η."""
        ...

    def start(self, theta: Array) -> OptimizerState:
        """The state before the first step."""
        ...

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient) -> Any:
        """Update ``theta`` in place; return what ``gradient`` returned before the update."""
        ...


@dataclass(frozen=True)
class GradientDescent:
    """θ ← θ − η ∂L/∂θ: the update W − η ∇W."""

    learning_rate: Annotated[float, Gt(0)] = 0.1

    def start(self, theta: Array) -> OptimizerState:
        """No memory."""
        return OptimizerState({}, np.zeros_like(theta), theta[:0])

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient) -> Any:
        """Update ``theta`` in place; return what ``gradient`` returned before the update."""
        dtheta = state.dtheta
        loss = gradient(theta, dtheta, self.learning_rate)
        np.subtract(theta, dtheta, theta)
        state.step += 1
        return loss

    equations: ClassVar[tuple[RuleEquation, ...]] = (
        RuleEquation(NEW_THETA, "Update", "<theta>", r"<theta> <minus> \eta \cdot <gradient>"),
    )


@dataclass(frozen=True)
class Momentum:
    """v ← μv − η ∂L/∂θ; θ ← θ + v: the classical form (Polyak 1964; Sutskever et al. 2013, eq. 1–2).

    The other form in use keeps η out of v; under a constant η both take the same path.
    """

    learning_rate: Annotated[float, Gt(0)] = 0.01
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.9

    def start(self, theta: Array) -> OptimizerState:
        """v = 0."""
        return OptimizerState({"velocity": np.zeros_like(theta)}, np.zeros_like(theta), theta[:0])

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient) -> Any:
        """Update ``theta`` in place; return what ``gradient`` returned before the update."""
        dtheta, v = state.dtheta, state.memory["velocity"]
        loss = gradient(theta, dtheta, self.learning_rate)
        np.multiply(v, self.momentum, v)
        np.subtract(v, dtheta, v)
        np.add(theta, v, theta)
        state.step += 1
        return loss

    equations: ClassVar[tuple[RuleEquation, ...]] = (
        RuleEquation("velocity", "Velocity", "v_{<theta>}", r"\mu \cdot v_{<theta>} <minus> \eta \cdot <gradient>"),
        RuleEquation(NEW_THETA, "Update", "<theta>", "<theta> + v_{<theta>}"),
    )


@dataclass(frozen=True)
class Adam:
    """θ ← θ − η m̂ / (√v̂ + ε), m and v the running means of the gradient and its square.

    Kingma & Ba 2015, algorithm 1: m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ), and ε is
    added to the corrected root; the variant at the end of their §2 adds it before.
    """

    learning_rate: Annotated[float, Gt(0)] = 0.001
    beta1: Annotated[float, Ge(0), Lt(1)] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1)] = 0.999
    epsilon: Annotated[float, Gt(0)] = 1e-8

    def start(self, theta: Array) -> OptimizerState:
        """m = v = 0."""
        memory = {"mean": np.zeros_like(theta), "square": np.zeros_like(theta)}
        return OptimizerState(memory, np.zeros_like(theta), np.empty_like(theta))

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient) -> Any:
        """Update ``theta`` in place; return what ``gradient`` returned before the update."""
        dtheta, scratch = state.dtheta, state.scratch
        m, v = state.memory["mean"], state.memory["square"]
        loss = gradient(theta, dtheta, 1.0)
        state.step += 1
        np.multiply(m, self.beta1, m)
        np.multiply(dtheta, 1 - self.beta1, scratch)
        np.add(m, scratch, m)
        np.multiply(v, self.beta2, v)
        np.multiply(dtheta, dtheta, scratch)
        np.multiply(scratch, 1 - self.beta2, scratch)
        np.add(v, scratch, v)
        np.sqrt(v, scratch)
        np.multiply(scratch, (1 - self.beta2**state.step) ** -0.5, scratch)
        np.add(scratch, self.epsilon, scratch)
        np.divide(m, scratch, scratch)
        np.multiply(scratch, self.learning_rate / (1 - self.beta1**state.step), scratch)
        np.subtract(theta, scratch, theta)
        return loss

    equations: ClassVar[tuple[RuleEquation, ...]] = (
        RuleEquation(
            "mean",
            "Running mean of the gradient",
            "m_{<theta>}",
            r"\beta_1 \cdot m_{<theta>} <plus> (1 - \beta_1) \cdot <gradient>",
        ),
        RuleEquation(
            "square",
            "Running mean of its square",
            "v_{<theta>}",
            r"\beta_2 \cdot v_{<theta>} + (1 - \beta_2) \cdot \left( <gradient> \right)^2",
        ),
        RuleEquation(
            NEW_THETA,
            "Update",
            "<theta>",
            r"<theta> - \eta \cdot \frac{m_{<theta>} / (1 - \beta_1^{<step>})}"
            r"{\sqrt{v_{<theta>} / (1 - \beta_2^{<step>})} + \varepsilon}",
        ),
    )


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "gradient_descent": GradientDescent,
    "momentum": Momentum,
    "adam": Adam,
}
