"""A file of choices as a user writes it: one of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Gt

from bpcli.nn.losses import Reduction, TargetForm
from bpcli.nn.markup import NEW_THETA, RuleEquation
from bpcli.nn.optimizers import Memory
from bpcli.nn.tallies import Decisions


@dataclass(frozen=True)
class Bent:
    """z/(1 + z²)^½, between −1 and 1."""

    range: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    kinks: ClassVar[tuple[float, ...]] = ()
    usual_initializer: ClassVar[str] = "glorot"
    owned: ClassVar[Mapping[str, float]] = {}
    elementwise: ClassVar[bool] = True
    formula: ClassVar[str] = r"\frac{<z>}{\sqrt{1 + (<z>)^2}}"
    derivative: ClassVar[str] = r"\frac{1}{(1 + (<z>)^2) \cdot \sqrt{1 + (<z>)^2}}"

    def forward(self, Z: Any, own: Any, out: Any, scratch: Any) -> None:
        """z/√(1 + z²)."""
        np.multiply(Z, Z, out)
        np.add(out, 1, out)
        np.sqrt(out, out)
        np.divide(Z, out, out)

    def backward(self, dA: Any, Z: Any, A: Any, own: Any, out: Any, d_own: Any, scratch: Any) -> None:
        """dA (1 + z²)^(−3/2)."""
        matrix = scratch.matrix
        np.multiply(Z, Z, matrix)
        np.add(matrix, 1, matrix)
        np.sqrt(matrix, out)
        np.multiply(matrix, out, matrix)
        np.divide(dA, matrix, out)


@dataclass(frozen=True)
class FourthPower:
    """¼(a − y)⁴."""

    outputs: Reduction = "mean"
    examples: Reduction = "mean"

    targets: ClassVar[TargetForm] = TargetForm()
    domain: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    usual_output: ClassVar[str] = "identity"
    sides: ClassVar[None] = None
    elementwise: ClassVar[bool] = True
    likelihood: ClassVar[bool] = False
    term: ClassVar[str] = r"\frac{1}{4} (<a> - <y>)^4"
    term_derivative: ClassVar[str] = "(<a> - <y>)^3"

    def terms(self, A: Any, Y: Any, out: Any, scratch: Any) -> None:
        """¼(a − y)⁴, summed over the outputs."""
        matrix = scratch.layer.matrix
        np.subtract(A, Y, matrix)
        np.multiply(matrix, matrix, matrix)
        np.multiply(matrix, matrix, matrix)
        np.add.reduce(matrix, axis=0, out=out)
        np.multiply(out, 0.25, out)

    def backward(self, A: Any, Y: Any, scale: Any, out: Any, scratch: Any) -> None:
        """(a − y)³."""
        matrix = scratch.layer.matrix
        np.subtract(A, Y, matrix)
        np.multiply(matrix, matrix, out)
        np.multiply(out, matrix, out)
        np.multiply(out, scale, out)


@dataclass(frozen=True)
class Signed:
    """θ ← θ − η g/√(s + ε), s the sum of squares so far."""

    learning_rate: Annotated[float, Gt(0)] = 0.05
    epsilon: Annotated[float, Gt(0)] = 1e-3

    batch_only: ClassVar[bool] = False
    symbols: ClassVar[Mapping[str, str]] = {r"\varepsilon": "epsilon"}
    equations: ClassVar[tuple[RuleEquation, ...]] = (
        RuleEquation("squares", "Squares", "s_{<theta>}", r"s_{<theta>} + \left( <gradient> \right)^2"),
        RuleEquation(
            NEW_THETA,
            "Update",
            "<theta>",
            r"<theta> <minus> \frac{\eta \cdot <gradient>}{\sqrt{s_{<theta>} + \varepsilon}}",
        ),
    )

    def memory(self, size: Any) -> Mapping[str, Memory]:
        """s, 0 at first."""
        return {"squares": Memory((size,))}

    def buffers(self, size: Any) -> Mapping[str, tuple[int, ...]]:
        """One."""
        return {"root": (size,)}

    def step(self, theta: Any, state: Any, gradient: Any, rate: Any) -> Any:
        """Update θ."""
        s, root, g = state.memory["squares"], state.buffers["root"], state.dtheta
        added = gradient(theta, g, 1.0)
        np.multiply(g, g, root)
        np.add(s, root, s)
        np.add(s, self.epsilon, root)
        np.sqrt(root, root)
        np.divide(g, root, root)
        np.multiply(root, rate, root)
        np.subtract(theta, root, theta)
        return added


@dataclass(frozen=True)
class Halving:
    """η halved after every so many epochs."""

    epochs_each: Annotated[int, Ge(1)] = 2

    formula: ClassVar[str] = r"\eta \cdot <factor>"

    def quantities(self, updates: Any, course: Any) -> Any:
        """The factor of each update."""
        return {"factor": 0.5 ** (updates // course.per_epoch // self.epochs_each)}

    def rates(self, base: Any, updates: Any, course: Any) -> Any:
        """The learning rates of ``updates``."""
        return base * 0.5 ** (updates // course.per_epoch // self.epochs_each)


@dataclass(frozen=True)
class WrongShare:
    """The share of examples decided wrongly."""

    higher: ClassVar[bool] = False
    usual: ClassVar[bool] = False
    tally_kind: ClassVar[type[Any]] = Decisions

    def suits(self, judging: Any) -> bool:
        """For classes."""
        return bool(judging.scoring != "residuals")

    def value(self, tally: Any) -> float:
        """Wrong ÷ all."""
        return float(1 - tally.sums[1] / tally.sums[0])


@dataclass(frozen=True)
class RightShare:
    """The share of examples decided rightly."""

    higher: ClassVar[bool] = True
    usual: ClassVar[bool] = False
    tally_kind: ClassVar[type[Any]] = Decisions

    def suits(self, judging: Any) -> bool:
        """For classes."""
        return bool(judging.scoring != "residuals")

    def value(self, tally: Any) -> float:
        """Right ÷ all."""
        return float(tally.sums[1] / tally.sums[0])


@dataclass(frozen=True)
class Quartic:
    """¼ · strength · Σ w⁴."""

    strength: Annotated[float, Ge(0)] = 0.01

    kinks: ClassVar[tuple[float, ...]] = ()
    term: ClassVar[str] = r"\frac{1}{4} \cdot <strength> \cdot (<w>)^4"

    def apply(self, parameters: Any, gradient: Any, scratch: Any, weight: Any) -> Any:
        """Add strength · w³; return the penalty."""
        added: Any = 0.0
        for W, dW, spare in zip(parameters.W[1:], gradient.W[1:], scratch.W[1:], strict=True):
            np.multiply(W, W, spare)
            flat = spare.reshape(-1)
            added = added + np.dot(flat, flat) * (0.25 * self.strength)
            np.multiply(spare, W, spare)
            np.multiply(spare, self.strength, spare)
            np.add(dW, spare, dW)
        return added


ACTIVATIONS = {"bent": Bent}
LOSSES = {"fourth_power": FourthPower}
OPTIMIZERS = {"signed": Signed}
SCHEDULES = {"halving": Halving}
METRICS = {"wrong_share": WrongShare, "right_share": RightShare}
PENALTIES = {"quartic": Quartic}
