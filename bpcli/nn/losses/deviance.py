"""Losses of positive numbers: half the deviance of a Poisson or a gamma distribution with the mean a.

Each is 0 where a = y and differs from minus the log-likelihood by a number that depends on y alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.entrywise import at_least
from bpcli.nn.losses.forms import TINY, Reduction, TargetForm
from bpcli.nn.workspace import OutputScratch

SMALLEST = {kind: tiny ** (1 / 3) for kind, tiny in TINY.items()}
"""What the derivative of the gamma loss divides by at least: y/a² stays finite for every y up to its reciprocal."""


def poisson_terms(A: Array, log_A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
    """a − y + y (log y − log a), summed over the outputs; y log y is 0 where y is.

    ``log_A`` may be the matrix of ``scratch.layer``.
    """
    matrix, second = scratch.layer.matrix, scratch.second
    at_least(Y, TINY[A.dtype], second)
    np.log(second, second)
    np.subtract(second, log_A, second)
    np.multiply(second, Y, second)
    np.subtract(A, Y, matrix)
    np.add(matrix, second, matrix)
    np.add.reduce(matrix, axis=0, out=out)


@dataclass(frozen=True)
class Poisson:
    """a − y + y log(y/a) for counts y ≥ 0 with the mean a: half the Poisson deviance.

    As in scikit-learn. PyTorch's PoissonNLLLoss and Keras' Poisson leave y log y − y out, which no parameter changes.
    """

    outputs: Reduction = "mean"
    examples: Reduction = "mean"

    targets: ClassVar[TargetForm] = TargetForm("regression", low=0.0)
    domain: ClassVar[tuple[float, float]] = (0.0, np.inf)
    domain_open: ClassVar[bool] = True
    usual_output: ClassVar[str] = "exponential"
    sides: ClassVar[None] = None

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """a − y + y (log y − log a), summed over the outputs."""
        matrix = scratch.layer.matrix
        at_least(A, TINY[A.dtype], matrix)
        np.log(matrix, matrix)
        poisson_terms(A, matrix, Y, out, scratch)

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        """1 − y/a, written (a − y)/a."""
        matrix = scratch.layer.matrix
        at_least(A, TINY[A.dtype], matrix)
        np.subtract(A, Y, out)
        np.divide(out, matrix, out)
        np.multiply(out, scale, out)

    elementwise: ClassVar[bool] = True
    likelihood: ClassVar[bool] = False
    term: ClassVar[str] = (
        r"\left[ <a> - <y> + <y> (\log <y> - \log <a>) \text{ where } <y> > 0 \text{, else } <a> \right]"
    )
    term_derivative: ClassVar[str] = r"1 - \frac{<y>}{<a>}"


@dataclass(frozen=True)
class Gamma:
    """y/a − 1 − log(y/a) for numbers y > 0 with the mean a: half the gamma deviance.

    For sizes whose spread is proportional to their mean, such as costs and durations. As scikit-learn's HalfGammaLoss,
    but for a number that depends on y alone.
    """

    outputs: Reduction = "mean"
    examples: Reduction = "mean"

    targets: ClassVar[TargetForm] = TargetForm("regression", low=0.0, bounds_excluded=True)
    domain: ClassVar[tuple[float, float]] = (0.0, np.inf)
    domain_open: ClassVar[bool] = True
    usual_output: ClassVar[str] = "exponential"
    sides: ClassVar[None] = None

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """y/a − 1 − log(y/a), summed over the outputs."""
        matrix, second = scratch.layer.matrix, scratch.second
        at_least(A, TINY[A.dtype], matrix)
        np.divide(Y, matrix, matrix)
        np.log(matrix, second)
        np.subtract(matrix, 1, matrix)
        np.subtract(matrix, second, matrix)
        np.add.reduce(matrix, axis=0, out=out)

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        """1/a − y/a², written ((a − y)/a)/a."""
        matrix = scratch.layer.matrix
        at_least(A, SMALLEST[A.dtype], matrix)
        np.subtract(A, Y, out)
        np.divide(out, matrix, out)
        np.divide(out, matrix, out)
        np.multiply(out, scale, out)

    elementwise: ClassVar[bool] = True
    likelihood: ClassVar[bool] = False
    term: ClassVar[str] = r"\left[ \frac{<y>}{<a>} - 1 - \log <y> + \log <a> \right]"
    term_derivative: ClassVar[str] = r"\frac{<a> - <y>}{(<a>)^2}"
