"""Smooth units that near 0 below and z above: softplus, silu and mish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.entrywise import above, decay, is_complex, log1p, logistic, positive
from bpcli.nn.workspace import Scratch


@dataclass(frozen=True)
class Softplus:
    """log(1 + e^z) = max(z, 0) + log(1 + e^-|z|), a smooth relu (Dugas et al. 2001); its derivative is σ(z)."""

    range: ClassVar[tuple[float, float]] = (0.0, np.inf)
    kinks: ClassVar[tuple[float, ...]] = ()
    usual_initializer: ClassVar[str] = "he"
    owned: ClassVar[Mapping[str, float]] = {}
    elementwise: ClassVar[bool] = True
    formula: ClassVar[str] = r"\ln(1 + e^{<z>})"
    derivative: ClassVar[str] = r"\frac{1}{1 + e^{-<z>}}"

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """Write f(Z) into ``out``."""
        decay(Z, out)
        log1p(out, out)
        above(Z, scratch.matrix)
        np.add(out, scratch.matrix, out)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``."""
        logistic(Z, out, scratch.matrix, scratch.flags)
        np.multiply(out, dA, out)


@dataclass(frozen=True)
class Silu:
    """z σ(z), also called swish (Elfwing et al. 2018; Ramachandran et al. 2017); f′ = σ(z)(1 + z σ(−z))."""

    LOWEST: ClassVar[float] = -0.2784645427610738

    range: ClassVar[tuple[float, float]] = (LOWEST, np.inf)
    kinks: ClassVar[tuple[float, ...]] = ()
    usual_initializer: ClassVar[str] = "he"
    owned: ClassVar[Mapping[str, float]] = {}
    elementwise: ClassVar[bool] = True
    formula: ClassVar[str] = r"\frac{<z>}{1 + e^{-<z>}}"
    derivative: ClassVar[str] = r"\frac{1}{1 + e^{-<z>}} \odot (1 + \frac{<z>}{1 + e^{<z>}})"

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """Write f(Z) into ``out``."""
        logistic(Z, out, scratch.matrix, scratch.flags)
        np.multiply(out, Z, out)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``."""
        turned, other, spare = scratch.matrix, scratch.second, scratch.third
        logistic(Z, out, spare, scratch.flags)
        np.negative(Z, turned)
        logistic(turned, other, spare, scratch.flags)
        np.multiply(other, Z, other)
        np.add(other, 1, other)
        np.multiply(out, other, out)
        np.multiply(out, dA, out)


def mish_parts(Z: Array, decayed: Array, n: Array, w: Array, spare: Array, flags: Array) -> None:
    """tanh(log(1 + e^z)) = n/(n + 2w), from e = e^-|z|, which goes into ``decayed``.

    For z > 0 n = 1 + 2e and w = e², else n = e² + 2e and w = 1: ((1 + e^z)² − 1) / ((1 + e^z)² + 1), its fraction
    reduced by e^2z above 0.
    """
    decay(Z, decayed)
    np.multiply(decayed, decayed, w)
    if is_complex(Z):
        n[...], w[...] = np.where(Z.real > 0, 1, w), np.where(Z.real > 0, w, 1)
    else:
        positive(Z, spare, flags)
        np.maximum(w, spare, out=n)
        np.subtract(1, spare, spare)
        np.maximum(w, spare, out=w)
    np.multiply(decayed, 2, spare)
    np.add(n, spare, n)


@dataclass(frozen=True)
class Mish:
    """z tanh(log(1 + e^z)) (Misra 2019, eq. 1)."""

    LOWEST: ClassVar[float] = -0.30884341301725043

    range: ClassVar[tuple[float, float]] = (LOWEST, np.inf)
    kinks: ClassVar[tuple[float, ...]] = ()
    usual_initializer: ClassVar[str] = "he"
    owned: ClassVar[Mapping[str, float]] = {}
    elementwise: ClassVar[bool] = True
    formula: ClassVar[str] = r"<z> \cdot \tanh(\ln(1 + e^{<z>}))"
    stable_formula: ClassVar[str] = r"<z> \cdot \frac{e^{<z>} (e^{<z>} + 2)}{e^{<z>} (e^{<z>} + 2) + 2}"
    derivative: ClassVar[str] = (
        r"\tanh(\ln(1 + e^{<z>})) + <z> \odot \frac{1 - (\tanh(\ln(1 + e^{<z>})))^2}{1 + e^{-<z>}}"
    )

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """Write f(Z) into ``out``."""
        n, w, spare = scratch.matrix, scratch.second, scratch.third
        mish_parts(Z, out, n, w, spare, scratch.flags)
        np.multiply(w, 2, w)
        np.add(w, n, w)
        np.divide(n, w, out)
        np.multiply(out, Z, out)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``."""
        n, w, spare = scratch.matrix, scratch.second, scratch.third
        mish_parts(Z, out, n, w, spare, scratch.flags)
        np.multiply(w, 2, w)
        np.add(n, w, spare)
        np.divide(n, spare, n)  # t = tanh(log(1 + e^z))
        np.divide(w, spare, w)  # 1 − t
        np.add(n, 1, spare)
        np.multiply(w, spare, w)  # 1 − t²
        positive(Z, spare, scratch.flags)
        np.maximum(out, spare, out=spare)
        np.add(out, 1, out)
        np.divide(spare, out, out)  # σ(z)
        np.multiply(out, w, out)
        np.multiply(out, Z, out)
        np.add(out, n, out)  # t + z (1 − t²) σ(z)
        np.multiply(out, dA, out)
