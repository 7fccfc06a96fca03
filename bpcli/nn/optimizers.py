"""Update rules: θ and a gradient in, a new θ in the same memory out.

A rule's fields are its hyperparameters. It declares the arrays that it keeps from
step to step, its memory, by name, shape and first value; :func:`start` makes them, as
an :class:`OptimizerState`, so a checkpoint can save them without knowing the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple, Protocol

import numpy as np
from annotated_types import Ge, Gt, Lt

from bpcli.nn import Array
from bpcli.nn.markup import NEW_THETA, RuleEquation

Gradient = Callable[[Array, Array, Any], Any]
"""gradient(θ, out, factor): writes factor · ∂L/∂θ into ``out``; returns what the chain adds to the loss.

The rule returns this value. The factor costs nothing, because it is multiplied into
dZ_L together with the loss's own, and saves a pass over ``out``.
"""


class Memory(NamedTuple):
    """An array that a rule keeps from step to step: its shape, and the value of its entries before the first."""

    shape: tuple[int, ...]
    first: float = 0.0


@dataclass
class OptimizerState:
    """The arrays of a rule in training, and its number of updates, ``step``, which :func:`update` counts.

    ``memory`` holds the arrays that the next step reads; ``dtheta``, (P,), is the buffer
    of the gradient; a step fills the arrays of ``buffers`` before it reads them, so
    these need not be saved.
    """

    memory: dict[str, Array]
    buffers: dict[str, Array]
    dtheta: Array
    step: int = 0


class Optimizer(Protocol):
    """A choice of update rule.

    One that states its ``equations`` (:class:`~bpcli.nn.markup.RuleEquation`) is explained and
    checked by them. ``symbols`` then names the settings that they write as Greek letters, η
    excepted, and ``gradient_at`` the point at which the gradient is taken, where that is not θ.
    """

    @property
    def learning_rate(self) -> float:
        """η before a schedule changes it."""
        ...

    def memory(self, size: int) -> Mapping[str, Memory]:
        """The arrays that it keeps from step to step, by name, for θ of length ``size``."""
        ...

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """The shapes of the buffers, by name, that a step needs besides the gradient's."""
        ...

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Update ``theta`` in place by η = ``rate``; return what ``gradient`` returned.

        ``state.step`` is the number of the update, from 1. The loss and the metrics of the step are those at the θ
        of the last call of ``gradient``: a rule that looks ahead is judged where it looks.
        """
        ...


def start(rule: Optimizer, theta: Array) -> OptimizerState:
    """The state before the first step."""
    size, dtype = theta.size, theta.dtype
    memory = {name: np.full(shape, first, dtype) for name, (shape, first) in rule.memory(size).items()}
    buffers = {name: np.empty(shape, dtype) for name, shape in rule.buffers(size).items()}
    return OptimizerState(memory, buffers, np.zeros_like(theta))


def update(rule: Optimizer, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
    """Count an update and let the rule make it: ``state.step`` is its number, from 1, while the rule works."""
    state.step += 1
    return rule.step(theta, state, gradient, rate)


@dataclass(frozen=True)
class GradientDescent:
    """θ ← θ − η ∂L/∂θ: the update W − η ∇W."""

    learning_rate: Annotated[float, Gt(0)] = 0.1

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

    symbols: ClassVar[Mapping[str, str]] = {r"\beta_1": "beta1", r"\beta_2": "beta2", r"\varepsilon": "epsilon"}
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

    def memory(self, size: int) -> Mapping[str, Memory]:
        """m and v, 0 at first."""
        return {"mean": Memory((size,)), "square": Memory((size,))}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """One, for the update as it is computed."""
        return {"scratch": (size,)}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Update ``theta`` in place by η = ``rate``; return what ``gradient`` returned before the update."""
        dtheta, scratch = state.dtheta, state.buffers["scratch"]
        m, v = state.memory["mean"], state.memory["square"]
        added = gradient(theta, dtheta, 1.0)
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
        np.multiply(scratch, rate / (1 - self.beta1**state.step), scratch)
        np.subtract(theta, scratch, theta)
        return added


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "gradient_descent": GradientDescent,
    "momentum": Momentum,
    "adam": Adam,
}
