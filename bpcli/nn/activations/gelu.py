"""The Gaussian error linear unit, exact and by tanh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from bpcli.nn import Array
from bpcli.nn.entrywise import is_complex, logistic, positive
from bpcli.nn.normal import ROOT_OF_TWO_PI, mills_and_exponential
from bpcli.nn.workspace import Scratch

ROOT = float(np.sqrt(2 / np.pi))
CUBIC = 0.044715
"""Of the argument of tanh, √(2/π)(z + 0.044715 z³)."""


_ARGUMENT = r"\sqrt{\frac{2}{\pi}} (<z> + 0.044715 (<z>)^3)"


def distribution(Z: Array, tail: Array, out: Array, spare: Array, flags: Array) -> None:
    """Φ(z) from Φ(−|z|), ``tail``: |1 − tail| above 0, |0 − tail| below."""
    if is_complex(Z):
        out[...] = np.where(Z.real > 0, 1 - tail, tail)
        return
    positive(Z, spare, flags)
    np.subtract(spare, tail, spare)
    np.absolute(spare, out)


def gelu(Z: Array, out: Array, scratch: Scratch) -> None:
    """z Φ(z)."""
    mills, exponential, spare = scratch.matrix, scratch.second, scratch.third
    mills_and_exponential(Z, mills, exponential, out, spare)
    np.multiply(mills, exponential, mills)
    distribution(Z, mills, out, spare, scratch.flags)
    np.multiply(out, Z, out)


def gelu_backward(dA: Array, Z: Array, out: Array, scratch: Scratch) -> None:
    """Write f′ ⊙ dA into ``out``, where f′ = Φ(z) + z e^(−z²/2)/√(2π)."""
    mills, exponential, spare = scratch.matrix, scratch.second, scratch.third
    mills_and_exponential(Z, mills, exponential, out, spare)
    np.multiply(mills, exponential, mills)
    distribution(Z, mills, out, spare, scratch.flags)
    np.multiply(exponential, Z, exponential)
    np.divide(exponential, ROOT_OF_TWO_PI, exponential)
    np.add(out, exponential, out)
    np.multiply(out, dA, out)


def gelu_by_tanh(Z: Array, out: Array, scratch: Scratch) -> None:
    """½ z (1 + tanh u) = z σ(2u)."""
    argument = scratch.matrix
    np.multiply(Z, Z, argument)
    np.multiply(argument, 2 * ROOT * CUBIC, argument)
    np.add(argument, 2 * ROOT, argument)
    np.multiply(argument, Z, argument)
    logistic(argument, out, scratch.second, scratch.flags)
    np.multiply(out, Z, out)


def gelu_by_tanh_backward(dA: Array, Z: Array, out: Array, scratch: Scratch) -> None:
    """Write f′ ⊙ dA into ``out``, where f′ = σ(w)(1 + z w′ σ(−w)), w = 2u."""
    squares, argument, spare = scratch.matrix, scratch.second, scratch.third
    np.multiply(Z, Z, squares)
    np.multiply(squares, 2 * ROOT * CUBIC, argument)
    np.add(argument, 2 * ROOT, argument)
    np.multiply(argument, Z, argument)
    np.multiply(squares, 6 * ROOT * CUBIC, squares)
    np.add(squares, 2 * ROOT, squares)
    np.multiply(squares, Z, squares)  # z w′
    np.negative(argument, argument)
    logistic(argument, out, spare, scratch.flags)  # σ(−w)
    np.multiply(squares, out, squares)
    np.add(squares, 1, squares)
    np.negative(argument, argument)
    logistic(argument, out, spare, scratch.flags)  # σ(w)
    np.multiply(out, squares, out)
    np.multiply(out, dA, out)


@dataclass(frozen=True)
class Gelu:
    """z Φ(z), Φ the standard normal distribution (Hendrycks & Gimpel 2016, §2); f′ = Φ(z) + z e^(−z²/2)/√(2π).

    ``approximate: tanh`` is their ½ z (1 + tanh(√(2/π)(z + 0.044715 z³))), which differs by up to 5e-4.
    """

    approximate: Literal["none", "tanh"] = "none"

    kinks: ClassVar[tuple[float, ...]] = ()
    usual_initializer: ClassVar[str] = "he"
    owned: ClassVar[Mapping[str, float]] = {}
    elementwise: ClassVar[bool] = True

    @property
    def range(self) -> tuple[float, float]:
        """From its minimum, at z = −0.75."""
        return (-0.16997120747990367 if self.approximate == "none" else -0.1700407505712541, np.inf)

    @property
    def formula(self) -> str:
        """By Φ, or by tanh."""
        if self.approximate == "none":
            return r"<z> \cdot \Phi(<z>)"
        return rf"\frac{{1}}{{2}} <z> (1 + \tanh({_ARGUMENT}))"

    @property
    def stable_formula(self) -> str:
        """By Φ, or by the exponential that tanh consists of."""
        return self.formula if self.approximate == "none" else rf"\frac{{<z>}}{{1 + e^{{-2 {_ARGUMENT}}}}}"

    @property
    def derivative(self) -> str:
        """By Φ and its density, or by tanh."""
        if self.approximate == "none":
            return r"\Phi(<z>) + <z> \odot \frac{e^{-\frac{1}{2} (<z>)^2}}{\sqrt{2 \pi}}"
        slope = r"\sqrt{\frac{2}{\pi}} (1 + 0.134145 (<z>)^2)"
        return (
            rf"\frac{{1}}{{2}} (1 + \tanh({_ARGUMENT}))"
            rf" + \frac{{1}}{{2}} <z> \odot (1 - (\tanh({_ARGUMENT}))^2) \odot {slope}"
        )

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """Write f(Z) into ``out``."""
        if self.approximate == "none":
            gelu(Z, out, scratch)
        else:
            gelu_by_tanh(Z, out, scratch)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``."""
        if self.approximate == "none":
            gelu_backward(dA, Z, out, scratch)
        else:
            gelu_by_tanh_backward(dA, Z, out, scratch)
