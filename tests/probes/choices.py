"""The probes' own choices, one class each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Lt

from bpcli.nn import Array, IndexArray
from bpcli.nn.activations import Activation
from bpcli.nn.initializers import Glorot, Initializer
from bpcli.nn.losses import Reduction, TargetForm
from bpcli.nn.markup import NEW_THETA, RuleEquation
from bpcli.nn.optimizers import Gradient, Memory, OptimizerState
from bpcli.nn.parameters import Parameters
from bpcli.nn.schedules import Course
from bpcli.nn.tallies import Decisions, Judging
from bpcli.nn.workspace import OutputScratch, Scratch


@dataclass(frozen=True)
class LookAhead:
    """v ← μv − η ∂L/∂θ at θ + μv; θ ← θ + v (Nesterov 1983)."""

    learning_rate: Annotated[float, Gt(0)] = 0.05
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.9

    batch_only: ClassVar[bool] = False
    symbols: ClassVar[Mapping[str, str]] = {r"\mu": "momentum"}
    gradient_at: ClassVar[str] = r"<theta> + \mu \cdot v_{<theta>}"
    equations: ClassVar[tuple[RuleEquation, ...]] = (
        RuleEquation("velocity", "Velocity", "v_{<theta>}", r"\mu \cdot v_{<theta>} <minus> \eta \cdot <gradient>"),
        RuleEquation(NEW_THETA, "Update", "<theta>", "<theta> + v_{<theta>}"),
    )

    def memory(self, size: int) -> Mapping[str, Memory]:
        """v, 0 at first."""
        return {"velocity": Memory((size,))}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """One for θ + μv."""
        return {"ahead": (size,)}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Update ``theta``; the gradient is that of another vector."""
        v, ahead = state.memory["velocity"], state.buffers["ahead"]
        np.multiply(v, self.momentum, v)
        np.add(theta, v, ahead)
        added = gradient(ahead, state.dtheta, rate)
        np.subtract(v, state.dtheta, v)
        np.add(theta, v, theta)
        return added


@dataclass(frozen=True)
class Fading:
    """c ← decay · c; θ ← θ − c η ∂L/∂θ: a memory of one number."""

    learning_rate: Annotated[float, Gt(0)] = 0.2
    decay: Annotated[float, Gt(0), Lt(1)] = 0.75

    batch_only: ClassVar[bool] = False
    equations: ClassVar[tuple[RuleEquation, ...]] = (
        RuleEquation("strength", "Strength", "c", r"<decay> \cdot c"),
        RuleEquation(NEW_THETA, "Update", "<theta>", r"<theta> <minus> \eta \cdot c \cdot <gradient>"),
    )

    def memory(self, size: int) -> Mapping[str, Memory]:
        """c, 1 at first."""
        return {"strength": Memory((1,), 1.0)}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """None."""
        return {}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Update ``theta``."""
        strength, dtheta = state.memory["strength"], state.dtheta
        added = gradient(theta, dtheta, rate)
        np.multiply(strength, self.decay, strength)
        np.multiply(dtheta, strength, dtheta)
        np.subtract(theta, dtheta, theta)
        return added


@dataclass(frozen=True)
class Hinge:
    """max(0, 1 − y a), targets −1 and 1, with a kink where y a = 1; there the derivative is 0."""

    outputs: Reduction = "sum"
    examples: Reduction = "mean"

    targets: ClassVar[TargetForm] = TargetForm("classification", low=-1.0, high=1.0, off=-1.0, on=1.0)
    domain: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    usual_output: ClassVar[str] = "identity"
    elementwise: ClassVar[bool] = True
    likelihood: ClassVar[bool] = False
    term: ClassVar[str] = r"1 - <y> <a> \text{ where } 1 > <y> <a> \text{, else } 0"
    term_derivative: ClassVar[str] = r"-<y> \text{ where } 1 > <y> <a> \text{, else } 0"

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """Each example's term into ``out``."""
        margin = scratch.layer.matrix
        np.multiply(A, Y, margin)
        np.subtract(1, margin, margin)
        if A.dtype.kind == "c":
            np.multiply(margin, margin.real > 0, margin)
        else:
            np.maximum(margin, 0, out=margin)
        np.add.reduce(margin, axis=0, out=out)

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        """−y where y a < 1."""
        margin = scratch.layer.matrix
        np.multiply(A, Y, margin)
        np.subtract(1, margin, margin)
        np.maximum(margin, 0, out=margin)
        np.sign(margin, margin)
        np.multiply(margin, Y, out)
        np.multiply(out, -scale, out)

    def sides(self, A: Array, Y: Array) -> Array:
        """Whether y a < 1."""
        return np.asarray(A * Y < 1)


@dataclass(frozen=True)
class Ridge:
    """½ · strength · Σ W², over weights alone."""

    strength: Annotated[float, Ge(0)] = 0.1

    kinks: ClassVar[tuple[float, ...]] = ()
    term: ClassVar[str] = r"\frac{1}{2} \cdot <strength> \cdot (<w>)^2"

    def apply(self, parameters: Parameters, gradient: Parameters, scratch: Parameters, weight: Any) -> Any:
        """Add strength · W to each dW; return the penalty."""
        added: Any = 0.0
        for W, dW, spare in zip(parameters.W[1:], gradient.W[1:], scratch.W[1:], strict=True):
            np.multiply(W, self.strength, spare)
            np.add(dW, spare, dW)
            added = added + np.dot(W.reshape(-1), W.reshape(-1)) * (0.5 * self.strength)
        return added


@dataclass(frozen=True)
class NormLimit:
    """∂L/∂θ shortened to ``limit`` where it is longer."""

    limit: Annotated[float, Gt(0)] = 0.05

    formula: ClassVar[str] = (
        r"\frac{<limit>}{\sqrt{\sum (<gradient>)^2}} \cdot <gradient>"
        r" \text{ where } \sqrt{\sum (<gradient>)^2} > <limit> \text{, else } <gradient>"
    )

    def apply(self, parameters: Parameters, gradient: Parameters, scratch: Parameters, weight: Any) -> Any:
        """Shorten ``gradient``; nothing is added to the loss."""
        length = np.sqrt(np.dot(gradient.theta, gradient.theta))
        np.multiply(gradient.theta, np.minimum(1.0, self.limit / length), gradient.theta)
        return 0.0


@dataclass(frozen=True)
class Decaying:
    """η · factorᵗ, t counting updates from 0."""

    factor: Annotated[float, Gt(0), Lt(1)] = 0.8

    formula: ClassVar[str] = r"\eta \cdot <factor>^{<update>}"

    def rates(self, base: float, updates: IndexArray, course: Course) -> Array:
        """The learning rates of ``updates``."""
        return np.asarray(base * self.factor**updates)


@dataclass(frozen=True)
class Dropping:
    """f(Z) ⊙ M, M drawn for each step: 0 with probability ``rate``, else 1/(1 − rate)."""

    units: Annotated[int, Ge(1)]
    activation: Activation
    initializer: Initializer = field(default_factory=Glorot)
    rate: Annotated[float, Ge(0), Lt(1)] = 0.5

    noisy: ClassVar[bool] = True
    before: ClassVar[str] = "<z>"
    after: ClassVar[str] = r"<a> \odot <noise>"
    constraint: ClassVar[str] = ""

    def draw(self, noise: Array, rng: np.random.Generator) -> None:
        """Fill M, (n_l, m)."""
        noise[...] = (rng.random(noise.shape) >= self.rate) / (1 - self.rate)

    def constrain(self, W: Array, spare: Array, column: Array) -> None:
        """Nothing is changed."""

    def forward(self, Z: Array, own: Array, out: Array, noise: Array | None, scratch: Scratch) -> None:
        """f(Z), in training times M."""
        self.activation.forward(Z, own, out, scratch)
        if noise is not None:
            np.multiply(out, noise, out)

    def backward(
        self,
        dA: Array,
        Z: Array,
        A: Array,
        own: Array,
        noise: Array | None,
        out: Array,
        d_own: Array,
        scratch: Scratch,
    ) -> None:
        """Jᵀ (dA ⊙ M), f elementwise; where M is 0, so is dA ⊙ M, and f need not be known."""
        f = scratch.matrix
        np.multiply(A, 1 if noise is None else 1 - self.rate, f)
        if noise is not None:
            np.multiply(dA, noise, dA)
        self.activation.backward(dA, Z, f, own, out, d_own, scratch)


@dataclass(frozen=True)
class Doubled:
    """2 f(Z): a layer that is another than a dense one outside training too."""

    units: Annotated[int, Ge(1)]
    activation: Activation
    initializer: Initializer = field(default_factory=Glorot)
    factor: Annotated[float, Gt(0)] = 2.0

    noisy: ClassVar[bool] = False
    before: ClassVar[str] = "<z>"
    after: ClassVar[str] = r"<factor> \cdot <a>"
    constraint: ClassVar[str] = ""

    def draw(self, noise: Array, rng: np.random.Generator) -> None:
        """Nothing is drawn."""

    def constrain(self, W: Array, spare: Array, column: Array) -> None:
        """Nothing is changed."""

    def forward(self, Z: Array, own: Array, out: Array, noise: Array | None, scratch: Scratch) -> None:
        """``factor`` · f(Z)."""
        self.activation.forward(Z, own, out, scratch)
        np.multiply(out, self.factor, out)

    def backward(
        self,
        dA: Array,
        Z: Array,
        A: Array,
        own: Array,
        noise: Array | None,
        out: Array,
        d_own: Array,
        scratch: Scratch,
    ) -> None:
        """Jᵀ (``factor`` · dA), J of f at Z."""
        f = scratch.matrix
        np.divide(A, self.factor, f)
        np.multiply(dA, self.factor, dA)
        self.activation.backward(dA, Z, f, own, out, d_own, scratch)


@dataclass(frozen=True)
class ErrorRate:
    """The share of examples decided wrongly."""

    higher: ClassVar[bool] = False
    usual: ClassVar[bool] = False
    tally_kind: ClassVar[type[Any]] = Decisions

    def suits(self, judging: Judging) -> bool:
        """For classes."""
        return judging.scoring == "largest"

    def value(self, tally: Decisions) -> float:
        """Wrong examples ÷ examples."""
        return float(1 - tally.sums[1] / tally.sums[0])
