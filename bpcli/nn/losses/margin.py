"""Losses of margins: classes are written −1 and 1, and an output y a of 1 or more costs nothing.

One output for two classes; for more, one for each class against the rest, of which the largest decides.
The outputs are no probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.entrywise import above, nonzero
from bpcli.nn.losses.forms import Reduction, TargetForm
from bpcli.nn.workspace import OutputScratch

SIGNS = TargetForm("classification", low=-1.0, high=1.0, off=-1.0, on=1.0)
"""Classes as −1 and 1."""


def margin_shortfall(A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
    """max(0, 1 − y a); a complex one is compared by its real part."""
    rest = scratch.second
    np.multiply(A, Y, rest)
    np.subtract(1, rest, rest)
    above(rest, out)


@dataclass(frozen=True)
class Hinge:
    """max(0, 1 − y a), y = ±1: the loss of support vector machines; where y a = 1 the derivative counts as 0.

    With several outputs each is one class against the rest, as in scikit-learn's linear models; Keras' Hinge averages
    over the outputs (``outputs: mean``). The hinge of all classes together (Crammer and Singer 2001) is another loss.
    """

    outputs: Reduction = "sum"
    examples: Reduction = "mean"

    targets: ClassVar[TargetForm] = SIGNS
    domain: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    usual_output: ClassVar[str] = "identity"

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """max(0, 1 − y a), summed over the outputs."""
        matrix = scratch.layer.matrix
        margin_shortfall(A, Y, matrix, scratch)
        np.add.reduce(matrix, axis=0, out=out)

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        """−y where y a < 1, else 0."""
        margin_shortfall(A, Y, out, scratch)
        nonzero(out, out, scratch.flags)
        np.multiply(out, Y, out)
        np.multiply(out, -scale, out)

    def sides(self, A: Array, Y: Array) -> Array:
        """Whether y a < 1."""
        return np.asarray((A * Y).real < 1)

    elementwise: ClassVar[bool] = True
    likelihood: ClassVar[bool] = False
    term: ClassVar[str] = r"\left[ 1 - <y> <a> \text{ where } 1 > <y> <a> \text{, else } 0 \right]"
    term_derivative: ClassVar[str] = r"-<y> \text{ where } 1 > <y> <a> \text{, else } 0"


@dataclass(frozen=True)
class SquaredHinge:
    """max(0, 1 − y a)², y = ±1: the hinge squared, without a kink.

    As in scikit-learn's LinearSVC, and Keras' SquaredHinge, which averages over the outputs; several as for hinge.
    """

    outputs: Reduction = "sum"
    examples: Reduction = "mean"

    targets: ClassVar[TargetForm] = SIGNS
    domain: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    usual_output: ClassVar[str] = "identity"
    sides: ClassVar[None] = None

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """max(0, 1 − y a)², summed over the outputs."""
        matrix = scratch.layer.matrix
        margin_shortfall(A, Y, matrix, scratch)
        np.multiply(matrix, matrix, matrix)
        np.add.reduce(matrix, axis=0, out=out)

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        """−2 y max(0, 1 − y a)."""
        margin_shortfall(A, Y, out, scratch)
        np.multiply(out, Y, out)
        np.multiply(out, -2 * scale, out)

    elementwise: ClassVar[bool] = True
    likelihood: ClassVar[bool] = False
    term: ClassVar[str] = r"\left[ (1 - <y> <a>)^2 \text{ where } 1 > <y> <a> \text{, else } 0 \right]"
    term_derivative: ClassVar[str] = r"-2 <y> (1 - <y> <a>) \text{ where } 1 > <y> <a> \text{, else } 0"
