"""Pairs of the identity or the exponential and a loss of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.activations import ExponentialOutput, Identity
from bpcli.nn.losses import Gamma, HalfSquaredError, Poisson, poisson_terms
from bpcli.nn.workspace import OutputScratch


@dataclass(frozen=True)
class IdentityHalfSquaredError:
    """½(z − y)²."""

    activation: Identity
    loss: HalfSquaredError

    free: ClassVar[frozenset[str]] = frozenset()
    error: ClassVar[str] = "<a> - <y>"

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """½(z − y)², summed over the outputs."""
        self.loss.terms(Z, Y, out, scratch)

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """(A − Y) · scale."""
        self.loss.backward(Z, Y, scale, out, scratch)


@dataclass(frozen=True)
class ExponentialPoisson:
    """e^z − y + y (log y − z)."""

    activation: ExponentialOutput
    loss: Poisson

    free: ClassVar[frozenset[str]] = frozenset()
    error: ClassVar[str] = "<a> - <y>"

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """The terms summed over the outputs, log a being z."""
        poisson_terms(A, Z, Y, out, scratch)

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """(A − Y) · scale."""
        np.subtract(A, Y, out)
        np.multiply(out, scale, out)


@dataclass(frozen=True)
class ExponentialGamma:
    """y e^-z − 1 − log y + z."""

    activation: ExponentialOutput
    loss: Gamma

    free: ClassVar[frozenset[str]] = frozenset()
    error: ClassVar[str] = r"1 - \frac{<y>}{<a>}"

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """y e^-z − 1 − (log y − z), summed over the outputs."""
        matrix, second = scratch.layer.matrix, scratch.second
        np.negative(Z, matrix)
        np.exp(matrix, matrix)
        np.multiply(matrix, Y, matrix)
        np.subtract(matrix, 1, matrix)
        np.log(Y, second)
        np.subtract(second, Z, second)
        np.subtract(matrix, second, matrix)
        np.add.reduce(matrix, axis=0, out=out)

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """(1 − y e^-z) · scale."""
        np.negative(Z, out)
        np.exp(out, out)
        np.multiply(out, Y, out)
        np.subtract(1, out, out)
        np.multiply(out, scale, out)
