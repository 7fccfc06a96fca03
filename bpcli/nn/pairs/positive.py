"""Pairs of an output above 0 and a loss of counts or sizes, both computed from log a.

Composed, poisson and gamma divide by an a that may have underflowed to 0. With log a, from Z, nothing does:
log(y/a) = log y − log a, and the activation's part of the backward pass is that of its logarithm, Jᵀ (E/a) for
E = a ∂L/∂a.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from bpcli.nn import Array
from bpcli.nn.activations import Activation, Sigmoid, Softmax, Softplus
from bpcli.nn.entrywise import at_least, below, logistic
from bpcli.nn.losses import TINY, Gamma, Poisson, poisson_terms
from bpcli.nn.pairs.sigmoid import surprises_of_sigmoid
from bpcli.nn.pairs.softmax import surprises_of_softmax
from bpcli.nn.workspace import OutputScratch


class Logarithm(Protocol):
    """The logarithm of an activation whose values are above 0."""

    def forward(self, Z: Array, A: Array, scratch: OutputScratch) -> None:
        """Write log f(Z) into ``scratch.layer.matrix``."""
        ...

    def backward(self, E: Array, Z: Array, A: Array, out: Array, scratch: OutputScratch) -> None:
        """Write Jᵀ (E/A) into ``out``, which may be E's memory."""
        ...


class OfSigmoid:
    """log σ(z), whose derivative is 1 − σ(z) = 1/(1 + e^z)."""

    def forward(self, Z: Array, A: Array, scratch: OutputScratch) -> None:
        """−log(1 + e^-z)."""
        matrix = scratch.layer.matrix
        surprises_of_sigmoid(Z, matrix, scratch.second)
        np.negative(matrix, matrix)

    def backward(self, E: Array, Z: Array, A: Array, out: Array, scratch: OutputScratch) -> None:
        """E/(1 + e^z)."""
        matrix = scratch.layer.matrix
        np.exp(Z, matrix)
        np.add(matrix, 1, matrix)
        np.divide(E, matrix, out)


class OfSoftmax:
    """log softmax(z)."""

    def forward(self, Z: Array, A: Array, scratch: OutputScratch) -> None:
        """z − log Σ e^z."""
        matrix = scratch.layer.matrix
        surprises_of_softmax(Z, matrix, scratch)
        np.negative(matrix, matrix)

    def backward(self, E: Array, Z: Array, A: Array, out: Array, scratch: OutputScratch) -> None:
        """E − a Σ E, the sum down each column; no number where that is −∞, as the loss is infinite then."""
        matrix, row = scratch.layer.matrix, scratch.layer.row
        np.add.reduce(E, axis=0, out=row)
        np.copyto(matrix, row)
        np.multiply(matrix, A, matrix)
        np.subtract(E, matrix, out)


class OfSoftplus:
    """log log(1 + e^z): z to the last digit where e^z is less than any normal number; its derivative is σ(z)/a."""

    def forward(self, Z: Array, A: Array, scratch: OutputScratch) -> None:
        """log max(a, tiny) + min(z − log tiny, 0)."""
        matrix, second, beyond, tiny = scratch.layer.matrix, scratch.second, scratch.third, TINY[A.dtype]
        at_least(A, tiny, matrix)
        np.log(matrix, matrix)
        np.subtract(Z, np.log(tiny), beyond)
        below(beyond, second)
        np.add(matrix, second, matrix)

    def backward(self, E: Array, Z: Array, A: Array, out: Array, scratch: OutputScratch) -> None:
        """E max(σ(z), tiny)/max(a, tiny): both are e^z where z is so small, and their quotient 1."""
        matrix, second, tiny = scratch.layer.matrix, scratch.second, TINY[A.dtype]
        logistic(Z, matrix, second, scratch.flags)
        at_least(matrix, tiny, second)
        at_least(A, tiny, matrix)
        np.divide(second, matrix, matrix)
        np.multiply(E, matrix, out)


LOGARITHMS: dict[type[Activation], Logarithm] = {Sigmoid: OfSigmoid(), Softmax: OfSoftmax(), Softplus: OfSoftplus()}
"""The activations that are above 0, but for the exponential, whose logarithm is z and which has pairs of its own."""


@dataclass(frozen=True)
class PositivePoisson:
    """a − y + y (log y − log a)."""

    activation: Activation
    loss: Poisson

    free: ClassVar[frozenset[str]] = frozenset()

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """The terms summed over the outputs."""
        LOGARITHMS[type(self.activation)].forward(Z, A, scratch)
        poisson_terms(A, scratch.layer.matrix, Y, out, scratch)

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """Of E = (a − y) · scale."""
        np.subtract(A, Y, dA)
        np.multiply(dA, scale, dA)
        LOGARITHMS[type(self.activation)].backward(dA, Z, A, out, scratch)


@dataclass(frozen=True)
class PositiveGamma:
    """e^r − 1 − r, r = log(y/a) = log y − log a."""

    activation: Activation
    loss: Gamma

    free: ClassVar[frozenset[str]] = frozenset()

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """The terms summed over the outputs; infinite where y/a is more than any float."""
        ratio, second = scratch.layer.matrix, scratch.second
        self._logarithm_of_ratio(Z, A, Y, scratch)
        np.expm1(ratio, second)
        np.subtract(second, ratio, second)
        np.add.reduce(second, axis=0, out=out)

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """Of E = (1 − e^r) · scale."""
        self._logarithm_of_ratio(Z, A, Y, scratch)
        np.expm1(scratch.layer.matrix, dA)
        np.multiply(dA, -scale, dA)
        LOGARITHMS[type(self.activation)].backward(dA, Z, A, out, scratch)

    def _logarithm_of_ratio(self, Z: Array, A: Array, Y: Array, scratch: OutputScratch) -> None:
        """Write r into ``scratch.layer.matrix``."""
        matrix, second = scratch.layer.matrix, scratch.second
        LOGARITHMS[type(self.activation)].forward(Z, A, scratch)
        np.log(Y, second)
        np.subtract(second, matrix, matrix)
