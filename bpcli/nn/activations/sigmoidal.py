"""Units that saturate on both sides: sigmoid, tanh and softsign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.entrywise import absolute
from bpcli.nn.workspace import Scratch


def sigmoid(Z: Array, out: Array) -> None:
    """σ(z) = 1 / (1 + e^-z), accurate to the last bits where σ is small.

    e^-z overflows to infinity for very negative z, and 1/∞ = 0 is the right
    limit, so callers switch the overflow warning off. A complex exponential has no
    such limit, so there −z is at most 700, where σ is 1e-304.
    """
    np.negative(Z, out)
    if out.dtype.kind == "c":
        np.minimum(out, 700, out=out)
    np.exp(out, out)
    np.add(out, 1, out)
    np.reciprocal(out, out)


def sigmoid_backward(dA: Array, A: Array, out: Array) -> None:
    """Write σ′ ⊙ dA into ``out``, where σ′ = a(1 − a)."""
    np.subtract(1, A, out)
    np.multiply(out, A, out)
    np.multiply(out, dA, out)


def tanh_backward(dA: Array, A: Array, out: Array) -> None:
    """Write tanh′ ⊙ dA into ``out``, where tanh′ = 1 − a²."""
    np.multiply(A, A, out)
    np.subtract(1, out, out)
    np.multiply(out, dA, out)


@dataclass(frozen=True)
class Sigmoid:
    """σ(z) = 1/(1 + e^-z), the logistic function; σ′ = a(1 − a)."""

    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    kinks: ClassVar[tuple[float, ...]] = ()
    usual_initializer: ClassVar[str] = "glorot"
    owned: ClassVar[Mapping[str, float]] = {}
    elementwise: ClassVar[bool] = True
    formula: ClassVar[str] = r"\frac{1}{1 + e^{-<z>}}"
    odds: ClassVar[str] = "e^{<z>}"
    derivative: ClassVar[str] = r"<a> \odot (1 - <a>)"

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """Write f(Z) into ``out``."""
        sigmoid(Z, out)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``."""
        sigmoid_backward(dA, A, out)


@dataclass(frozen=True)
class Tanh:
    """tanh z = (e^z − e^-z)/(e^z + e^-z); tanh′ = 1 − a²."""

    range: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    kinks: ClassVar[tuple[float, ...]] = ()
    usual_initializer: ClassVar[str] = "glorot"
    owned: ClassVar[Mapping[str, float]] = {}
    elementwise: ClassVar[bool] = True
    formula: ClassVar[str] = r"\frac{e^{<z>} - e^{-<z>}}{e^{<z>} + e^{-<z>}}"
    stable_formula: ClassVar[str] = r"1 - \frac{2}{1 + e^{2 <z>}}"
    derivative: ClassVar[str] = r"1 - <a> \odot <a>"

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """Write f(Z) into ``out``."""
        np.tanh(Z, out)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``."""
        tanh_backward(dA, A, out)


@dataclass(frozen=True)
class Softsign:
    """z / (1 + |z|), which nears −1 and 1 as 1/z does, where tanh does exponentially (Bergstra et al. 2009)."""

    range: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    kinks: ClassVar[tuple[float, ...]] = ()
    usual_initializer: ClassVar[str] = "glorot"
    owned: ClassVar[Mapping[str, float]] = {}
    elementwise: ClassVar[bool] = True
    formula: ClassVar[str] = r"\frac{<z>}{1 + |<z>|}"
    derivative: ClassVar[str] = r"\frac{1}{(1 + |<z>|)^2}"

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """Write f(Z) into ``out``."""
        absolute(Z, out)
        np.add(out, 1, out)
        np.divide(Z, out, out)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``."""
        absolute(Z, out)
        np.add(out, 1, out)
        np.multiply(out, out, out)
        np.divide(dA, out, out)
