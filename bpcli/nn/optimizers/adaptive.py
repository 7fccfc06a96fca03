"""Steps divided by the size that each entry's gradients had: Adagrad, RMSprop, Adadelta."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Lt

from bpcli.nn import Array
from bpcli.nn.markup import NEW_THETA, RuleEquation
from bpcli.nn.optimizers.means import average, average_square, mean_equation, square_equation
from bpcli.nn.optimizers.rule import Gradient, Memory, OptimizerState


@dataclass(frozen=True)
class Adagrad:
    """v ← v + (∂L/∂θ)²; θ ← θ − η ∂L/∂θ / (√v + ε): steps that shorten as the gradients add up.

    Duchi, Hazan & Singer 2011, with a diagonal matrix; ε outside the root, as in PyTorch (Keras has it inside).
    """

    learning_rate: Annotated[float, Gt(0)] = 0.01
    epsilon: Annotated[float, Gt(0)] = 1e-10
    initial_sum: Annotated[float, Ge(0)] = 0.0

    batch_only: ClassVar[bool] = False
    elementwise: ClassVar[bool] = True
    symbols: ClassVar[Mapping[str, str]] = {r"\varepsilon": "epsilon"}
    equations: ClassVar[tuple[RuleEquation, ...]] = (
        RuleEquation("square", "Sum of squares", "v_{<theta>}", r"v_{<theta>} + \left( <gradient> \right)^2"),
        RuleEquation(
            NEW_THETA,
            "Update",
            "<theta>",
            r"<theta> <minus> \eta \cdot \frac{<gradient>}{\sqrt{v_{<theta>}} + \varepsilon}",
        ),
    )

    def memory(self, size: int) -> Mapping[str, Memory]:
        """v."""
        return {"square": Memory((size,), self.initial_sum)}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """One, for the update as it is computed."""
        return {"scratch": (size,)}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Update ``theta`` in place by η = ``rate``; return what ``gradient`` returned before the update."""
        dtheta, v, scratch = state.dtheta, state.memory["square"], state.buffers["scratch"]
        added = gradient(theta, dtheta, 1.0)
        np.multiply(dtheta, dtheta, scratch)
        np.add(v, scratch, v)
        np.sqrt(v, scratch)
        np.add(scratch, self.epsilon, scratch)
        np.divide(dtheta, scratch, scratch)
        np.multiply(scratch, rate, scratch)
        np.subtract(theta, scratch, theta)
        return added


ROOT = r"\sqrt{v_{<theta>}}"
CENTERED_ROOT = r"s_{<theta>}"
DEVIATION = RuleEquation(
    "deviation",
    "Standard deviation of the gradient",
    CENTERED_ROOT,
    r"\sqrt{v_{<theta>} - \left( m_{<theta>} \right)^2}"
    r" \text{ where } v_{<theta>} > \left( m_{<theta>} \right)^2 \text{, else } 0",
)


@dataclass(frozen=True)
class RMSprop:
    """v ← ρv + (1 − ρ)(∂L/∂θ)²; θ ← θ − η ∂L/∂θ / (√v + ε), ρ the setting ``decay``.

    Tieleman & Hinton 2012 (lecture 6e) in PyTorch's form, ε outside the root. ``centered`` takes v − m² for v, m the
    running mean of the gradient (Graves 2013, eq. 38–45, but ε as here). With ``momentum`` μ it is
    u ← μu + ∂L/∂θ / (√v + ε); θ ← θ − ηu.
    """

    learning_rate: Annotated[float, Gt(0)] = 0.001
    decay: Annotated[float, Ge(0), Lt(1)] = 0.99
    epsilon: Annotated[float, Gt(0)] = 1e-8
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.0
    centered: bool = False

    batch_only: ClassVar[bool] = False
    elementwise: ClassVar[bool] = True
    symbols: ClassVar[Mapping[str, str]] = {r"\rho": "decay", r"\varepsilon": "epsilon", r"\mu": "momentum"}

    @property
    def equations(self) -> tuple[RuleEquation, ...]:
        """v, with ``centered`` m, with ``momentum`` u, then θ."""
        means = [square_equation(r"\rho"), *([mean_equation(r"\rho"), DEVIATION] if self.centered else [])]
        divided = rf"\frac{{<gradient>}}{{{CENTERED_ROOT if self.centered else ROOT} + \varepsilon}}"
        if not self.momentum:
            return *means, RuleEquation(NEW_THETA, "Update", "<theta>", rf"<theta> <minus> \eta \cdot {divided}")
        velocity = RuleEquation("velocity", "Velocity", "u_{<theta>}", rf"\mu \cdot u_{{<theta>}} <plus> {divided}")
        return *means, velocity, RuleEquation(NEW_THETA, "Update", "<theta>", r"<theta> - \eta \cdot u_{<theta>}")

    def memory(self, size: int) -> Mapping[str, Memory]:
        """v; m and u where they are used; all 0 at first."""
        names = ["square", *["mean"] * self.centered, *["velocity"] * bool(self.momentum)]
        return {name: Memory((size,)) for name in names}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """One, for the update as it is computed."""
        return {"scratch": (size,)}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Update ``theta`` in place by η = ``rate``; return what ``gradient`` returned before the update."""
        dtheta, scratch, memory = state.dtheta, state.buffers["scratch"], state.memory
        added = gradient(theta, dtheta, 1.0)
        average_square(memory["square"], self.decay, dtheta, scratch)
        self._root(memory, dtheta, scratch)
        np.add(scratch, self.epsilon, scratch)
        np.divide(dtheta, scratch, scratch)
        if "velocity" in memory:
            u = memory["velocity"]
            np.multiply(u, self.momentum, u)
            np.add(u, scratch, u)
            np.multiply(u, rate, scratch)
        else:
            np.multiply(scratch, rate, scratch)
        np.subtract(theta, scratch, theta)
        return added

    def _root(self, memory: Mapping[str, Array], dtheta: Array, scratch: Array) -> None:
        """√v, or √(v − m²), which rounding may not make negative, into ``scratch``."""
        if self.centered:
            average(memory["mean"], self.decay, dtheta, scratch)
            np.multiply(memory["mean"], memory["mean"], scratch)
            np.subtract(memory["square"], scratch, scratch)
            np.maximum(scratch, 0.0, out=scratch)
            np.sqrt(scratch, scratch)
        else:
            np.sqrt(memory["square"], scratch)


@dataclass(frozen=True)
class Adadelta:
    """v ← ρv + (1 − ρ)(∂L/∂θ)²; c = ∂L/∂θ · √(u + ε)/√(v + ε); u ← ρu + (1 − ρ)c²; θ ← θ − ηc.

    Zeiler 2012, algorithm 1, where η is 1, as it is by default; ρ is the setting ``decay``.
    """

    learning_rate: Annotated[float, Gt(0)] = 1.0
    decay: Annotated[float, Ge(0), Lt(1)] = 0.9
    epsilon: Annotated[float, Gt(0)] = 1e-6

    batch_only: ClassVar[bool] = False
    elementwise: ClassVar[bool] = True
    symbols: ClassVar[Mapping[str, str]] = {r"\rho": "decay", r"\varepsilon": "epsilon"}
    equations: ClassVar[tuple[RuleEquation, ...]] = (
        square_equation(r"\rho"),
        RuleEquation(
            "change",
            "Change before the learning rate",
            "c_{<theta>}",
            r"\frac{\sqrt{u_{<theta>} + \varepsilon}}{\sqrt{v_{<theta>} + \varepsilon}} \odot (<sign> <gradient>)",
        ),
        RuleEquation(
            "changes",
            "Running mean of the squared change",
            "u_{<theta>}",
            r"\rho \cdot u_{<theta>} + (1 - \rho) \cdot \left( c_{<theta>} \right)^2",
        ),
        RuleEquation(NEW_THETA, "Update", "<theta>", r"<theta> - \eta \cdot c_{<theta>}"),
    )

    def memory(self, size: int) -> Mapping[str, Memory]:
        """v and u, 0 at first."""
        return {"square": Memory((size,)), "changes": Memory((size,))}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """Two, for c and for what is computed on the way to it."""
        return {"scratch": (size,), "change": (size,)}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Update ``theta`` in place by η = ``rate``; return what ``gradient`` returned before the update."""
        dtheta, scratch, change = state.dtheta, state.buffers["scratch"], state.buffers["change"]
        v, u = state.memory["square"], state.memory["changes"]
        added = gradient(theta, dtheta, 1.0)
        average_square(v, self.decay, dtheta, scratch)
        np.add(u, self.epsilon, change)
        np.sqrt(change, change)
        np.add(v, self.epsilon, scratch)
        np.sqrt(scratch, scratch)
        np.divide(change, scratch, change)
        np.multiply(change, dtheta, change)
        average_square(u, self.decay, change, scratch)
        np.multiply(change, rate, change)
        np.subtract(theta, change, theta)
        return added
