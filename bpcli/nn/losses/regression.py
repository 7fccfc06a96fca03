"""Losses of numbers: how far a is from y."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Gt, Lt, Predicate

from bpcli.nn import Array
from bpcli.nn.entrywise import above, absolute, at_least, at_most, positive
from bpcli.nn.losses.forms import Reduction, TargetForm
from bpcli.nn.workspace import OutputScratch


@dataclass(frozen=True)
class HalfSquaredError:
    """½(a − y)², by default averaged over the outputs: C = (1/n_L) Σ ½(a − y)².

    Summed over outputs and averaged over examples it is Nielsen's quadratic cost.
    """

    outputs: Reduction = "mean"
    examples: Reduction = "mean"

    targets: ClassVar[TargetForm] = TargetForm()
    domain: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    usual_output: ClassVar[str] = "identity"
    sides: ClassVar[None] = None

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """½(a − y)², summed over the outputs."""
        matrix = scratch.layer.matrix
        np.subtract(A, Y, matrix)
        np.multiply(matrix, matrix, matrix)
        np.add.reduce(matrix, axis=0, out=out)
        np.multiply(out, 0.5, out)

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        """∂/∂a ½(a − y)² = a − y."""
        np.subtract(A, Y, out)
        np.multiply(out, scale, out)

    elementwise: ClassVar[bool] = True
    likelihood: ClassVar[bool] = False
    term: ClassVar[str] = r"\frac{1}{2} (<a> - <y>)^2"
    term_derivative: ClassVar[str] = "<a> - <y>"


NUMBERS = TargetForm("regression")
"""Targets of the losses that learn numbers and no classes."""


@dataclass(frozen=True)
class AbsoluteError:
    """|a − y|, least at the median; where a = y the derivative is the left one, −1.

    PyTorch's L1Loss and Keras' MeanAbsoluteError take 0 there.
    """

    outputs: Reduction = "mean"
    examples: Reduction = "mean"

    targets: ClassVar[TargetForm] = NUMBERS
    domain: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    usual_output: ClassVar[str] = "identity"

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """|a − y|, summed over the outputs."""
        matrix = scratch.layer.matrix
        np.subtract(A, Y, matrix)
        absolute(matrix, matrix)
        np.add.reduce(matrix, axis=0, out=out)

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        """1 where a > y, else −1, which is twice 1 or 0, less 1."""
        np.subtract(A, Y, out)
        positive(out, out, scratch.flags)
        np.multiply(out, 2 * scale, out)
        np.subtract(out, scale, out)

    def sides(self, A: Array, Y: Array) -> Array:
        """Whether a > y."""
        return np.asarray(A.real > Y)

    elementwise: ClassVar[bool] = True
    likelihood: ClassVar[bool] = False
    term: ClassVar[str] = "|<a> - <y>|"
    term_derivative: ClassVar[str] = r"1 \text{ where } <a> > <y> \text{, else } -1"


@dataclass(frozen=True)
class Huber:
    """½(a − y)² where |a − y| ≤ delta, else delta (|a − y| − ½ delta): few outliers count little (Huber 1964).

    ``delta`` is in training units: standard deviations of the target where targets are scaled. As PyTorch's HuberLoss
    and Keras' Huber.
    """

    outputs: Reduction = "mean"
    examples: Reduction = "mean"
    delta: Annotated[float, Gt(0)] = 1.0

    targets: ClassVar[TargetForm] = NUMBERS
    domain: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    usual_output: ClassVar[str] = "identity"
    sides: ClassVar[None] = None

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """c (d − ½c), d = a − y, c the nearest to d of −delta … delta; summed over the outputs."""
        matrix, second, third = scratch.layer.matrix, scratch.second, scratch.third
        np.subtract(A, Y, matrix)
        at_least(matrix, -self.delta, third)
        at_most(third, self.delta, second)
        np.multiply(second, -0.5, third)
        np.add(matrix, third, matrix)
        np.multiply(matrix, second, matrix)
        np.add.reduce(matrix, axis=0, out=out)

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        """c."""
        second, third = scratch.second, scratch.third
        np.subtract(A, Y, second)
        at_least(second, -self.delta, third)
        at_most(third, self.delta, out)
        np.multiply(out, scale, out)

    elementwise: ClassVar[bool] = True
    likelihood: ClassVar[bool] = False
    term: ClassVar[str] = (
        r"\left[ \frac{1}{2} (<a> - <y>)^2 \text{ where } <delta> > |<a> - <y>|"
        r" \text{, else } <delta> (|<a> - <y>| - \frac{1}{2} \cdot <delta>) \right]"
    )
    term_derivative: ClassVar[str] = (
        r"<a> - <y> \text{ where } <delta> > |<a> - <y>|"
        r" \text{, else } <delta> \text{ where } <a> > <y> \text{, else } -<delta>"
    )


@dataclass(frozen=True)
class LogCosh:
    """log cosh(a − y): ½(a − y)² near 0 and |a − y| − log 2 far from it, smooth throughout. As Keras' LogCosh."""

    FAR: ClassVar[float] = 20.0
    """Beyond it log cosh d is |d| − log 2 to the last bit of a float64, e^-40 below it."""

    outputs: Reduction = "mean"
    examples: Reduction = "mean"

    targets: ClassVar[TargetForm] = NUMBERS
    domain: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    usual_output: ClassVar[str] = "identity"
    sides: ClassVar[None] = None

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """log cosh x + (|d| − x), x = min(|d|, FAR), with all digits of a small d; summed over the outputs.

        cosh x = 1 + u²/(2 e^-x), u = e^-x − 1.
        """
        matrix, u, rest = scratch.layer.matrix, scratch.second, scratch.third
        np.subtract(A, Y, rest)
        absolute(rest, rest)
        at_most(rest, self.FAR, matrix)
        np.subtract(rest, matrix, rest)
        np.negative(matrix, u)
        np.exp(u, matrix)
        np.expm1(u, u)
        np.multiply(u, u, u)
        np.divide(u, matrix, u)
        np.multiply(u, 0.5, u)
        np.log1p(u, u)
        np.add(u, rest, u)
        np.add.reduce(u, axis=0, out=out)

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        """tanh(a − y)."""
        np.subtract(A, Y, out)
        np.tanh(out, out)
        np.multiply(out, scale, out)

    elementwise: ClassVar[bool] = True
    likelihood: ClassVar[bool] = False
    term: ClassVar[str] = r"\log \frac{e^{<a> - <y>} + e^{<y> - <a>}}{2}"
    term_derivative: ClassVar[str] = r"\frac{e^{<a> - <y>} - e^{<y> - <a>}}{e^{<a> - <y>} + e^{<y> - <a>}}"


def one_or_more_in_ascending_order(levels: tuple[float, ...]) -> bool:
    """Whether there are levels, each above the one before; the name is what a message says."""
    return bool(levels) and all(one < other for one, other in pairwise(levels))


@dataclass(frozen=True)
class Quantile:
    """max(τ (y − a), (τ − 1) (y − a)), least at the τ-quantile of y: the pinball loss (Koenker and Bassett 1978).

    With several ``levels`` τ every target has an output for each, learned together; nothing keeps them from crossing,
    and metrics say how often they do. Where a = y the derivative is the left one, −τ.
    """

    outputs: Reduction = "mean"
    examples: Reduction = "mean"
    levels: Annotated[tuple[Annotated[float, Gt(0), Lt(1)], ...], Predicate(one_or_more_in_ascending_order)] = (0.5,)

    domain: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    usual_output: ClassVar[str] = "identity"

    @property
    def targets(self) -> TargetForm:
        """Numbers, each with an output per level."""
        return TargetForm("regression", levels=self.levels)

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """τ d + max(0, −d), d = y − a, summed over the outputs; the outputs of a level are rows next to one another."""
        matrix, second = scratch.layer.matrix, scratch.second
        np.subtract(A, Y, second)
        above(second, matrix)
        for level, rows in zip(self.levels, second.reshape(len(self.levels), -1), strict=True):
            np.multiply(rows, level, rows)
        np.subtract(matrix, second, matrix)
        np.add.reduce(matrix, axis=0, out=out)

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        """1 − τ where a > y, else −τ."""
        np.subtract(A, Y, out)
        positive(out, out, scratch.flags)
        for level, rows in zip(self.levels, out.reshape(len(self.levels), -1), strict=True):
            np.subtract(rows, level, rows)
        np.multiply(out, scale, out)

    def sides(self, A: Array, Y: Array) -> Array:
        """Whether a > y."""
        return np.asarray(A.real > Y)

    def of_outputs(self, n: int) -> dict[str, Any]:
        """τ of each output, (n, 1)."""
        return {"level": np.repeat(np.asarray(self.levels), n // len(self.levels))[:, None]}

    @property
    def level(self) -> float:
        """The one level, for formulas; of several the first."""
        return self.levels[0]

    @property
    def elementwise(self) -> bool:
        """Whether all outputs have one formula, that of a single level."""
        return len(self.levels) == 1

    likelihood: ClassVar[bool] = False
    term: ClassVar[str] = (
        r"\left[ (1 - <level>) (<a> - <y>) \text{ where } <a> > <y> \text{, else } <level> \cdot (<y> - <a>) \right]"
    )
    term_derivative: ClassVar[str] = r"1 - <level> \text{ where } <a> > <y> \text{, else } -<level>"
