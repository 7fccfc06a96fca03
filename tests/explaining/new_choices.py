"""Choices that bp does not have: two activations, two losses and two rules, each known from its class alone.

As a program it lists them under their names and is the command line then, because
a config's schema is made of the registries when it is first imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.losses import LOSSES, Reduction, TargetForm
from bpcli.nn.markup import NEW_THETA, RuleEquation
from bpcli.nn.optimizers import OPTIMIZERS, Gradient, Memory, OptimizerState
from bpcli.nn.workspace import OutputScratch, Scratch


@dataclass(frozen=True)
class ScaledArctan:
    """height · arctan z."""

    height: float = 2.0

    range: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    kinks: ClassVar[tuple[float, ...]] = ()
    usual_initializer: ClassVar[str] = "glorot"
    owned: ClassVar[Mapping[str, float]] = {}
    elementwise: ClassVar[bool] = True
    formula: ClassVar[str] = r"<height> \arctan(<z>)"
    derivative: ClassVar[str] = r"\frac{<height>}{1 + <z> \odot <z>}"

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        np.multiply(self.height, np.arctan(Z), out)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        np.multiply(dA, self.height / (1 + Z * Z), out)


@dataclass(frozen=True)
class Softplus:
    """log(1 + e^z)."""

    range: ClassVar[tuple[float, float]] = (0.0, np.inf)
    kinks: ClassVar[tuple[float, ...]] = ()
    usual_initializer: ClassVar[str] = "he"
    owned: ClassVar[Mapping[str, float]] = {}
    elementwise: ClassVar[bool] = True
    formula: ClassVar[str] = r"\log (1 + e^{<z>})"
    derivative: ClassVar[str] = "1 - e^{-<a>}"

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        np.log1p(np.exp(Z), out)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        np.multiply(dA, 1 - np.exp(-A), out)


@dataclass(frozen=True)
class LogCosh:
    """log cosh(a − y)."""

    outputs: Reduction = "sum"
    examples: Reduction = "mean"

    targets: ClassVar[TargetForm] = TargetForm()
    domain: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    usual_output: ClassVar[str] = "identity"
    elementwise: ClassVar[bool] = True
    likelihood: ClassVar[bool] = False
    sides: ClassVar[None] = None
    term: ClassVar[str] = r"\log \left( \frac{e^{<a> - <y>} + e^{<y> - <a>}}{2} \right)"
    term_derivative: ClassVar[str] = r"\frac{e^{<a> - <y>} - e^{<y> - <a>}}{e^{<a> - <y>} + e^{<y> - <a>}}"

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        out[...] = np.log(np.cosh(A - Y)).sum(axis=0)

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        np.multiply(np.tanh(A - Y), scale, out)


@dataclass(frozen=True)
class AbsoluteError:
    """|a − y|, targets −1 and 1; the left derivative at the kink."""

    outputs: Reduction = "sum"
    examples: Reduction = "mean"

    targets: ClassVar[TargetForm] = TargetForm(low=-1.0, high=1.0, off=-1.0)
    domain: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    usual_output: ClassVar[str] = "identity"
    elementwise: ClassVar[bool] = True
    likelihood: ClassVar[bool] = False
    term: ClassVar[str] = "|<a> - <y>|"
    term_derivative: ClassVar[str] = r"1 \text{ where } <a> > <y> \text{, else } -1"

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        out[...] = np.abs(A - Y).sum(axis=0)

    def sides(self, A: Array, Y: Array) -> Array:
        return np.asarray(A > Y)

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        np.multiply(np.where(A > Y, 1.0, -1.0), scale, out)


@dataclass(frozen=True)
class Adagrad:
    """s ← s + g²; θ ← θ − η g/√s."""

    learning_rate: float = 0.1
    first: float = 0.5

    batch_only: ClassVar[bool] = False
    equations: ClassVar[tuple[RuleEquation, ...]] = (
        RuleEquation("squares", "Sum of squares", "s_{<theta>}", r"s_{<theta>} + \left( <gradient> \right)^2"),
        RuleEquation(
            NEW_THETA, "Update", "<theta>", r"<theta> <minus> \frac{\eta}{\sqrt{s_{<theta>}}} \cdot <gradient>"
        ),
    )

    def memory(self, size: int) -> dict[str, Memory]:
        return {"squares": Memory((size,), self.first)}

    def buffers(self, size: int) -> dict[str, tuple[int, ...]]:
        return {}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        loss = gradient(theta, state.dtheta, 1.0)
        state.memory["squares"] += state.dtheta**2
        theta -= rate * state.dtheta / np.sqrt(state.memory["squares"])
        return loss


@dataclass(frozen=True)
class Fading:
    """c ← decay · c; θ ← θ − η c g: a memory of one number."""

    learning_rate: float = 0.1
    decay: float = 0.25

    batch_only: ClassVar[bool] = False
    equations: ClassVar[tuple[RuleEquation, ...]] = (
        RuleEquation("strength", "Strength", "c", r"<decay> \cdot c"),
        RuleEquation(NEW_THETA, "Update", "<theta>", r"<theta> <minus> \eta \cdot c \cdot <gradient>"),
    )

    def memory(self, size: int) -> dict[str, Memory]:
        return {"strength": Memory((1,), 1.0)}

    def buffers(self, size: int) -> dict[str, tuple[int, ...]]:
        return {}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        loss = gradient(theta, state.dtheta, 1.0)
        state.memory["strength"] *= self.decay
        theta -= rate * state.memory["strength"] * state.dtheta
        return loss


NEW_ACTIVATIONS: Mapping[str, type[Any]] = {"scaled_arctan": ScaledArctan, "softplus": Softplus}
NEW_LOSSES: Mapping[str, type[Any]] = {"catenary": LogCosh, "distance": AbsoluteError}
NEW_OPTIMIZERS: Mapping[str, type[Any]] = {"rooted": Adagrad, "fading": Fading}


if __name__ == "__main__":
    ACTIVATIONS.update(NEW_ACTIVATIONS)
    LOSSES.update(NEW_LOSSES)
    OPTIMIZERS.update(NEW_OPTIMIZERS)

    from bpcli.cli import main

    main()
