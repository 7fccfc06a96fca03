"""Pairs of softmax and a loss of the true class, or of all classes by their shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.activations import Softmax
from bpcli.nn.entrywise import at_least
from bpcli.nn.losses import TINY, CategoricalFocal, CrossEntropy, KullbackLeibler, pick
from bpcli.nn.pairs.largest import find_largest
from bpcli.nn.workspace import OutputScratch


@dataclass(frozen=True)
class SoftmaxCrossEntropy:
    """−log softmax(z)_y = log Σ e^z − z_y; with smoothed targets −Σ y′ log softmax(z)."""

    activation: Softmax
    loss: CrossEntropy

    free: ClassVar[frozenset[str]] = frozenset({"label_smoothing"})

    @property
    def error(self) -> str:
        """a − y."""
        return f"<a> - {self.loss.target}"

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
class SoftmaxKullbackLeibler:
    """Σ y log(y/a), a = softmax(z)."""

    activation: Softmax
    loss: KullbackLeibler

    free: ClassVar[frozenset[str]] = frozenset()
    error: ClassVar[str] = "<a> - <y>"

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """Σ y log y − Σ y log a, the second as the smoothed cross-entropy; y log y is 0 where y is."""
        matrix, row = scratch.layer.matrix, scratch.layer.row
        soft_surprise_of_softmax(Z, Y, out, scratch)
        at_least(Y, TINY[A.dtype], matrix)
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
        at_least(q, TINY[A.dtype], row)
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
    """−Σ y log softmax(z), Y (n, m); ``out`` is (m,)."""
    matrix = scratch.layer.matrix
    surprises_of_softmax(Z, matrix, scratch)
    np.multiply(matrix, Y, matrix)
    np.add.reduce(matrix, axis=0, out=out)


def surprises_of_softmax(Z: Array, out: Array, scratch: OutputScratch) -> None:
    """−log softmax(z)_k = max z − z_k + log(1 + Σ e^(z − max z)) of every unit; ``out`` may lie in ``layer.matrix``."""
    second, row, picked = scratch.second, scratch.layer.row, scratch.picked
    find_largest(Z, scratch)
    pick(Z, scratch.wanted, row, scratch)
    np.copyto(out, row)
    np.subtract(Z, out, second)
    np.exp(second, out)
    out.reshape(-1)[scratch.index] = 0
    np.add.reduce(out, axis=0, out=picked)
    np.log1p(picked, picked)
    np.copyto(out, picked)
    np.subtract(out, second, out)
