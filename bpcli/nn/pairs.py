"""Pairs of an output activation and a loss whose dZ and loss are computed in one, from Z.

The canonical pairs have dZ = (A − Y) · scale. In the others the composed
formulas would divide by 1 − a or by a after it was rounded to 0. From Z, no
logarithm meets a rounded 0, and nothing overflows but a that is too large itself.

``free`` names the settings of the loss that may have any value; a pair that leaves one out holds
for its default alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.activations import ExponentialOutput, Identity, Sigmoid, Softmax
from bpcli.nn.losses import (
    TINY,
    BinaryCrossEntropy,
    CategoricalFocal,
    CrossEntropy,
    Focal,
    Gamma,
    HalfSquaredError,
    KullbackLeibler,
    Poisson,
    pick,
)
from bpcli.nn.workspace import OutputScratch


@dataclass(frozen=True)
class SoftmaxCrossEntropy:
    """−log softmax(z)_y = log Σ e^z − z_y; with smoothed targets −Σ y′ log softmax(z)."""

    activation: Softmax
    loss: CrossEntropy

    free: ClassVar[frozenset[str]] = frozenset({"label_smoothing"})

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """The surprise of the true class, or the mean of all classes' by y′."""
        if self.loss.label_smoothing is None:
            surprise_of_softmax(Z, Y, out, scratch)
        else:
            soft_surprise_of_softmax(Z, self.loss.smoothed(Y, scratch), out, scratch)

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """(A − E) · scale, E the one-hot columns of Y: only a_y − 1 differs from A; smoothed (A − Y′) · scale."""
        if self.loss.label_smoothing is not None:
            np.subtract(A, self.loss.smoothed(Y, scratch), out)
            np.multiply(out, scale, out)
            return
        np.copyto(out, A)
        pick(A, Y, scratch.picked, scratch)
        np.subtract(scratch.picked, 1, scratch.picked)
        out.reshape(-1)[scratch.index] = scratch.picked
        np.multiply(out, scale, out)


@dataclass(frozen=True)
class SigmoidBinaryCrossEntropy:
    """−[y log σ(z) + (1 − y) log(1 − σ(z))] = log(1 + e^z) − y z."""

    activation: Sigmoid
    loss: BinaryCrossEntropy

    free: ClassVar[frozenset[str]] = frozenset({"label_smoothing"})

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """max(z, 0) − y z + log(1 + e^-|z|), summed over the outputs; |z| written max(z, −z)."""
        Y, first, second = self.loss.smoothed(Y, scratch), scratch.layer.matrix, scratch.second
        np.maximum(Z, 0, out=first)
        np.multiply(Z, Y, second)
        np.subtract(first, second, first)
        np.negative(Z, second)
        np.maximum(Z, second, out=second)
        np.negative(second, second)
        np.exp(second, second)
        np.log1p(second, second)
        np.add(first, second, first)
        np.add.reduce(first, axis=0, out=out)

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """(A − Y) · scale, for σ′ = a(1 − a) cancels the loss's denominator."""
        np.subtract(A, self.loss.smoothed(Y, scratch), out)
        np.multiply(out, scale, out)


@dataclass(frozen=True)
class IdentityHalfSquaredError:
    """½(z − y)²."""

    activation: Identity
    loss: HalfSquaredError

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """½(z − y)², summed over the outputs."""
        self.loss.terms(Z, Y, out, scratch)

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """(A − Y) · scale."""
        self.loss.backward(Z, Y, scale, out, scratch)


@dataclass(frozen=True)
class SigmoidCrossEntropy:
    """−log σ(z_y) = log(1 + e^-z_y): only the true class's unit counts; with smoothed targets each by its y′."""

    activation: Sigmoid
    loss: CrossEntropy

    free: ClassVar[frozenset[str]] = frozenset({"label_smoothing"})

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """max(−z_y, 0) + log(1 + e^-|z_y|); −|z| written min(z, −z)."""
        if self.loss.label_smoothing is not None:
            surprises_of_sigmoid(Z, scratch.layer.matrix, scratch.second)
            np.multiply(scratch.layer.matrix, self.loss.smoothed(Y, scratch), scratch.layer.matrix)
            np.add.reduce(scratch.layer.matrix, axis=0, out=out)
            return
        picked, row = scratch.picked, scratch.layer.row
        pick(Z, Y, picked, scratch)
        np.negative(picked, row)
        np.minimum(picked, row, out=picked)
        np.maximum(row, 0, out=row)
        np.exp(picked, picked)
        np.log1p(picked, picked)
        np.add(row, picked, out)

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """−(1 − a_y) · scale, 1 − σ(z) = 1/(1 + e^z); 0 for every other unit."""
        if self.loss.label_smoothing is not None:
            np.exp(Z, out)
            np.add(out, 1, out)
            np.divide(self.loss.smoothed(Y, scratch), out, out)
            np.multiply(out, -scale, out)
            return
        picked = scratch.picked
        pick(Z, Y, picked, scratch)
        np.exp(picked, picked)
        np.add(picked, 1, picked)
        np.divide(-scale, picked, picked)
        out.fill(0)
        out.reshape(-1)[scratch.index] = picked


@dataclass(frozen=True)
class SoftmaxBinaryCrossEntropy:
    """−Σ_k [y_k log a_k + (1 − y_k) log(1 − a_k)], a = softmax(z).

    1 − a loses its digits only where a > ½, which is so for at most one unit of an
    example, and then for the one with the largest z, M. For it

        1 − a_M = Σ_{j≠M} a_j,  log(1 − a_M) = log Σ_{j≠M} e^z_j − log Σ_j e^z_j,

    and a_k / (1 − a_M) = q_k, the softmax of z without M.
    """

    activation: Softmax
    loss: BinaryCrossEntropy

    free: ClassVar[frozenset[str]] = frozenset({"label_smoothing"})

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """log a_k = z_k − z_M − log(1 + S), S = Σ_{j≠M} e^(z_j − z_M); log S = z_N − z_M + log Σ_{j≠M} e^(z_j − z_N).

        N is the second largest z.
        """
        matrix, row, picked, second = scratch.layer.matrix, scratch.layer.row, scratch.picked, scratch.second
        Y = self.loss.smoothed(Y, scratch)
        find_largest(Z, scratch)
        _without_largest(Z, matrix, row, scratch)  # row: z_N
        np.add.reduce(matrix, axis=0, out=out)
        np.log(out, out)
        np.add(out, row, out)  # log Σ_{j≠M} e^z_j
        pick(Z, scratch.wanted, picked, scratch)  # z_M
        np.subtract(out, picked, out)  # log S
        np.copyto(second, picked)
        np.subtract(Z, second, second)
        np.exp(out, picked)
        np.log1p(picked, picked)  # log(1 + S)
        np.copyto(matrix, picked)
        np.subtract(second, matrix, second)  # log a_k, and log a_M = 0 − log(1 + S)
        np.multiply(second, Y, second)
        np.add.reduce(second, axis=0, out=row)
        np.subtract(out, picked, picked)  # log(1 − a_M)
        np.negative(A, matrix)
        matrix.reshape(-1)[scratch.index] = 0
        np.log1p(matrix, matrix)  # log(1 − a_k)
        matrix.reshape(-1)[scratch.index] = picked
        np.subtract(1, Y, second)
        np.multiply(matrix, second, matrix)
        np.add.reduce(matrix, axis=0, out=picked)
        np.add(row, picked, out)
        np.negative(out, out)

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """dz_k = u_k − a_k Σ_i u_i, where u_i = (1 − y_i) a_i / (1 − a_i) − y_i.

        Multiplied out where i or k is M:

        dz_k = u_k − a_k U + y_M a_k − (1 − y_M) a_M q_k,
        dz_M = (1 − y_M) a_M − a_M U − y_M (1 − a_M),  U = Σ_{i≠M} u_i.
        """
        matrix, second, picked = scratch.layer.matrix, scratch.second, scratch.picked
        row, index, flat = scratch.layer.row, scratch.index, out.reshape(-1)
        Y = self.loss.smoothed(Y, scratch)
        find_largest(Z, scratch)
        _without_largest(Z, dA, row, scratch)
        np.add.reduce(dA, axis=0, out=row)
        np.copyto(second, row)
        np.divide(dA, second, dA)  # q_k, 0 for M
        pick(Y, scratch.wanted, picked, scratch)  # y_M
        np.copyto(second, picked)
        np.copyto(matrix, A)
        matrix.reshape(-1)[index] = 0
        np.multiply(matrix, second, matrix)  # y_M a_k
        np.add.reduce(matrix, axis=0, out=scratch.terms)  # y_M (1 − a_M)
        pick(A, scratch.wanted, row, scratch)
        np.subtract(1, picked, picked)
        np.multiply(picked, row, picked)  # (1 − y_M) a_M
        np.copyto(second, picked)
        np.multiply(dA, second, dA)
        np.subtract(matrix, dA, matrix)  # y_M a_k − (1 − y_M) a_M q_k
        np.subtract(picked, scratch.terms, picked)  # dz_M + a_M U
        np.subtract(1, A, second)
        second.reshape(-1)[index] = 1
        np.divide(A, second, out)
        np.subtract(1, Y, second)
        np.multiply(out, second, out)
        np.subtract(out, Y, out)
        flat[index] = 0  # u_k
        np.add.reduce(out, axis=0, out=row)
        np.copyto(second, row)
        np.multiply(second, A, second)  # a_k U
        np.subtract(out, second, out)
        np.add(out, matrix, out)
        out.take(index, out=row, mode="clip")
        np.add(row, picked, row)
        flat[index] = row
        np.multiply(out, scale, out)


@dataclass(frozen=True)
class SoftmaxKullbackLeibler:
    """Σ y log(y/a), a = softmax(z)."""

    activation: Softmax
    loss: KullbackLeibler

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """Σ y log y − Σ y log a, the second as the smoothed cross-entropy; y log y is 0 where y is."""
        matrix, row = scratch.layer.matrix, scratch.layer.row
        soft_surprise_of_softmax(Z, Y, out, scratch)
        np.maximum(Y, TINY[A.dtype], out=matrix)
        np.log(matrix, matrix)
        np.multiply(matrix, Y, matrix)
        np.add.reduce(matrix, axis=0, out=row)
        np.add(out, row, out)

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """(a Σ y − y) · scale; Σ y is 1, but for its rounding."""
        np.add.reduce(Y, axis=0, out=scratch.layer.row)
        np.copyto(out, scratch.layer.row)
        np.multiply(out, A, out)
        np.subtract(out, Y, out)
        np.multiply(out, scale, out)


@dataclass(frozen=True)
class SigmoidFocal:
    """α y q^γ ζ(−z) + (1 − α) (1 − y) a^γ ζ(z), q = 1 − a; ζ(z) = log(1 + e^z) = −log q, ζ(−z) = −log a."""

    activation: Sigmoid
    loss: Focal

    free: ClassVar[frozenset[str]] = frozenset({"gamma", "alpha"})

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """Powers of q and a as e^-γζ; summed over the outputs."""
        yes, no, spare, loss = scratch.layer.matrix, scratch.second, scratch.third, self.loss
        surprises_of_sigmoid(Z, yes, spare)
        np.negative(Z, spare)
        surprises_of_sigmoid(spare, no, spare)
        np.multiply(no, -loss.gamma, spare)
        np.exp(spare, spare)
        np.multiply(spare, yes, spare)
        np.multiply(spare, Y, spare)
        np.multiply(spare, loss.alpha, spare)
        np.multiply(yes, -loss.gamma, yes)
        np.exp(yes, yes)
        np.multiply(no, yes, no)
        np.subtract(1, Y, yes)
        np.multiply(no, yes, no)
        np.multiply(no, 1 - loss.alpha, no)
        np.add(spare, no, no)
        np.add.reduce(no, axis=0, out=out)

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """(1 − α) (1 − y) a^γ (γ q ζ(z) + a) − α y q^γ (γ a ζ(−z) + q); no sum within the brackets cancels."""
        yes, no, spare, loss = scratch.layer.matrix, scratch.second, scratch.third, self.loss
        surprises_of_sigmoid(Z, yes, spare)
        np.negative(Z, dA)
        surprises_of_sigmoid(dA, no, spare)
        np.negative(no, dA)
        np.exp(dA, dA)  # q
        np.multiply(yes, A, spare)
        np.multiply(spare, loss.gamma, spare)
        np.add(spare, dA, spare)
        np.multiply(dA, no, dA)
        np.multiply(dA, loss.gamma, dA)
        np.add(dA, A, dA)
        np.multiply(no, -loss.gamma, no)
        np.exp(no, no)
        np.multiply(no, spare, no)
        np.multiply(no, Y, no)
        np.multiply(no, loss.alpha, no)
        np.multiply(yes, -loss.gamma, yes)
        np.exp(yes, yes)
        np.multiply(yes, dA, yes)
        np.subtract(1, Y, spare)
        np.multiply(yes, spare, yes)
        np.multiply(yes, 1 - loss.alpha, yes)
        np.subtract(yes, no, out)
        np.multiply(out, scale, out)


@dataclass(frozen=True)
class SoftmaxCategoricalFocal:
    """q^γ ℓ, where ℓ = −log softmax(z)_y and q = 1 − a_y = 1 − e^-ℓ."""

    activation: Softmax
    loss: CategoricalFocal

    free: ClassVar[frozenset[str]] = frozenset({"gamma"})

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """q has as many digits as ℓ."""
        q = scratch.picked
        surprise_of_softmax(Z, Y, out, scratch)
        np.negative(out, q)
        np.expm1(q, q)
        np.negative(q, q)
        np.power(q, self.loss.gamma, q)
        np.multiply(out, q, out)

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """c (A − E), c = q^γ (1 + γ a_y ℓ/q), E the one-hot columns of Y; a_y − 1 written −q."""
        row, a, q = scratch.layer.row, scratch.picked, scratch.terms
        surprise_of_softmax(Z, Y, q, scratch)
        pick(A, Y, a, scratch)
        np.multiply(a, q, a)
        np.negative(q, q)
        np.expm1(q, q)
        np.negative(q, q)
        np.maximum(q, TINY[A.dtype], out=row)
        np.divide(a, row, a)
        np.multiply(a, self.loss.gamma, a)
        np.add(a, 1, a)
        np.power(q, self.loss.gamma, row)
        np.multiply(a, row, a)
        np.multiply(a, scale, a)
        np.copyto(dA, a)
        np.multiply(A, dA, out)
        np.multiply(q, a, q)
        np.negative(q, q)
        out.reshape(-1)[scratch.index] = q


@dataclass(frozen=True)
class ExponentialPoisson:
    """e^z − y + y (log y − z)."""

    activation: ExponentialOutput
    loss: Poisson

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """a − y + y (log y − z), summed over the outputs; y log y is 0 where y is."""
        matrix, second = scratch.layer.matrix, scratch.second
        np.maximum(Y, TINY[A.dtype], out=second)
        np.log(second, second)
        np.subtract(second, Z, second)
        np.multiply(second, Y, second)
        np.subtract(A, Y, matrix)
        np.add(matrix, second, matrix)
        np.add.reduce(matrix, axis=0, out=out)

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


def surprise_of_softmax(Z: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
    """−log softmax(z)_y = max z − z_y + log(1 + Σ e^(z − max z)), the sum over all but the largest z; ``out`` is (m,).

    Leaving the largest out, whose exponential is 1, keeps every digit of a small loss.
    """
    matrix, row, picked = scratch.layer.matrix, scratch.layer.row, scratch.picked
    find_largest(Z, scratch)
    pick(Z, Y, picked, scratch)
    pick(Z, scratch.wanted, row, scratch)
    np.copyto(matrix, row)
    np.subtract(Z, matrix, matrix)
    np.exp(matrix, matrix)
    matrix.reshape(-1)[scratch.index] = 0
    np.subtract(row, picked, row)
    np.add.reduce(matrix, axis=0, out=picked)
    np.log1p(picked, picked)
    np.add(row, picked, out)


def soft_surprise_of_softmax(Z: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
    """−Σ y log softmax(z), Y (n, m), with −log softmax(z)_k = max z − z_k + log(1 + Σ e^(z − max z))."""
    matrix, second, row, picked = scratch.layer.matrix, scratch.second, scratch.layer.row, scratch.picked
    find_largest(Z, scratch)
    pick(Z, scratch.wanted, row, scratch)
    np.copyto(matrix, row)
    np.subtract(Z, matrix, second)
    np.exp(second, matrix)
    matrix.reshape(-1)[scratch.index] = 0
    np.add.reduce(matrix, axis=0, out=picked)
    np.log1p(picked, picked)
    np.copyto(matrix, picked)
    np.subtract(matrix, second, matrix)
    np.multiply(matrix, Y, matrix)
    np.add.reduce(matrix, axis=0, out=out)


def surprises_of_sigmoid(Z: Array, out: Array, spare: Array) -> None:
    """−log σ(z) = max(−z, 0) + log(1 + e^-|z|), entry by entry; −|z| written min(z, −z). ``spare`` may be Z."""
    np.negative(Z, out)
    np.minimum(Z, out, out=spare)
    np.exp(spare, spare)
    np.log1p(spare, spare)
    np.maximum(out, 0, out=out)
    np.add(out, spare, out)


def find_largest(Z: Array, scratch: OutputScratch) -> None:
    """Write the unit with each example's largest z, the first of equal ones, into ``scratch.wanted``."""
    np.copyto(scratch.turned, Z.T)
    scratch.turned.argmax(axis=1, out=scratch.wanted)


def _without_largest(Z: Array, out: Array, second_largest: Array, scratch: OutputScratch) -> None:
    """Write e^(z_k − z_N) into ``out``, 0 for M, and z_N into ``second_largest``; M stands in ``scratch.wanted``."""
    pick(Z, scratch.wanted, second_largest, scratch)
    np.copyto(out, Z)
    out.reshape(-1)[scratch.index] = LOWEST[Z.dtype]
    np.maximum.reduce(out, axis=0, out=second_largest)
    np.copyto(scratch.second, second_largest)
    np.subtract(out, scratch.second, out)
    np.exp(out, out)


LOWEST = {np.dtype(kind): float(np.finfo(kind).min) for kind in (np.float32, np.float64, np.complex128)}
"""A z whose exponential is 0 beside any other."""
