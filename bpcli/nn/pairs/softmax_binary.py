"""Softmax and binary cross-entropy, each class against all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.activations import Softmax
from bpcli.nn.losses import BinaryCrossEntropy, pick
from bpcli.nn.pairs.largest import find_largest
from bpcli.nn.workspace import OutputScratch


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
