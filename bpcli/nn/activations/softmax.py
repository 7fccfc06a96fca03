"""Softmax: outputs that are probabilities of classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.workspace import Scratch


def softmax(Z: Array, out: Array, scratch: Scratch) -> None:
    """a = e^z / Σ e^z, the sum down each column.

    e^(z − c) / Σ e^(z − c) = e^z / Σ e^z for any c. With c the column's largest z no
    exponential overflows.
    """
    broadcast, row = scratch.matrix, scratch.row
    np.maximum.reduce(Z, axis=0, out=row)
    np.copyto(broadcast, row)
    np.subtract(Z, broadcast, out)
    np.exp(out, out)
    np.add.reduce(out, axis=0, out=row)
    np.copyto(broadcast, row)
    np.divide(out, broadcast, out)


def softmax_backward(dA: Array, A: Array, out: Array, scratch: Scratch) -> None:
    """Write Jᵀ dA into ``out``: Jᵀ da = a ⊙ (da − ⟨da, a⟩), because J = diag(a) − a aᵀ, which is never formed."""
    np.multiply(dA, A, out)
    np.add.reduce(out, axis=0, out=scratch.row)
    np.copyto(out, scratch.row)
    np.subtract(dA, out, out)
    np.multiply(out, A, out)


@dataclass(frozen=True)
class Softmax:
    """e^z / Σ e^z over the layer's units: positive, and each column adds up to 1."""

    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    kinks: ClassVar[tuple[float, ...]] = ()
    usual_initializer: ClassVar[str] = "glorot"
    owned: ClassVar[Mapping[str, float]] = {}
    elementwise: ClassVar[bool] = False
    formula: ClassVar[str] = r"\frac{e^{<z>}}{\sum e^{<z>}}"
    stable_formula: ClassVar[str] = r"\frac{1}{1 + \frac{\sum_{j \neq i} e^{<z>}}{e^{<z>}}}"
    odds: ClassVar[str] = r"\frac{e^{<z>}}{\sum_{j \neq i} e^{<z>}}"
    derivative: ClassVar[str] = r"\mathrm{diag}(<a>) - <a> \cdot <a>^\top"

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """Write f(Z) into ``out``."""
        softmax(Z, out, scratch)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``."""
        softmax_backward(dA, A, out, scratch)
