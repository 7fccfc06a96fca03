"""Units that are linear above 0 and near a bound as e^z does below: elu and selu."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge

from bpcli.nn import Array
from bpcli.nn.entrywise import above, below, positive
from bpcli.nn.workspace import Scratch


def elu(Z: Array, alpha: Any, out: Array, spare: Array) -> None:
    """z above 0, α(e^z − 1) below."""
    below(Z, out)
    np.expm1(out, out)
    np.multiply(out, alpha, out)
    above(Z, spare)
    np.add(out, spare, out)


def elu_slope(Z: Array, alpha: Any, out: Array, scratch: Scratch) -> None:
    """1 above 0, α e^z below and at 0."""
    right, left = scratch.matrix, scratch.second
    below(Z, out)
    np.exp(out, out)
    np.multiply(out, alpha, out)
    positive(Z, right, scratch.flags)
    np.subtract(1, right, left)
    np.multiply(out, left, out)
    np.add(out, right, out)


@dataclass(frozen=True)
class Elu:
    """z above 0, α(e^z − 1) below (Clevert et al. 2016, eq. 15); for α ≠ 1 with a kink at 0."""

    alpha: Annotated[float, Ge(0)] = 1.0

    usual_initializer: ClassVar[str] = "he"
    owned: ClassVar[Mapping[str, float]] = {}
    elementwise: ClassVar[bool] = True
    formula: ClassVar[str] = r"<z> \text{ where } <z> > 0 \text{, else } <alpha> \cdot (e^{<z>} - 1)"
    derivative: ClassVar[str] = r"1 \text{ where } <z> > 0 \text{, else } <alpha> \cdot e^{<z>}"

    @property
    def range(self) -> tuple[float, float]:
        """From −α."""
        return (-self.alpha, np.inf)

    @property
    def kinks(self) -> tuple[float, ...]:
        """0, unless α = 1, for which the slopes on both sides agree."""
        return () if self.alpha == 1 else (0.0,)

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """Write f(Z) into ``out``."""
        elu(Z, self.alpha, out, scratch.matrix)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``."""
        elu_slope(Z, self.alpha, out, scratch)
        np.multiply(out, dA, out)


@dataclass(frozen=True)
class Selu:
    """λ z above 0, λ α(e^z − 1) below: zero mean and unit variance are its fixed point (Klambauer et al. 2017, eq. 2).

    λ and α are the paper's constants, for weights drawn by lecun.
    """

    SCALE: ClassVar[float] = 1.0507009873554805
    ALPHA: ClassVar[float] = 1.6732632423543772

    range: ClassVar[tuple[float, float]] = (-SCALE * ALPHA, np.inf)
    kinks: ClassVar[tuple[float, ...]] = (0.0,)
    usual_initializer: ClassVar[str] = "lecun"
    owned: ClassVar[Mapping[str, float]] = {}
    elementwise: ClassVar[bool] = True
    formula: ClassVar[str] = (
        r"<SCALE> \cdot <z> \text{ where } <z> > 0 \text{, else } <SCALE> \cdot <ALPHA> \cdot (e^{<z>} - 1)"
    )
    derivative: ClassVar[str] = r"<SCALE> \text{ where } <z> > 0 \text{, else } <SCALE> \cdot <ALPHA> \cdot e^{<z>}"

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """Write f(Z) into ``out``."""
        elu(Z, self.ALPHA, out, scratch.matrix)
        np.multiply(out, self.SCALE, out)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``."""
        elu_slope(Z, self.ALPHA, out, scratch)
        np.multiply(out, self.SCALE, out)
        np.multiply(out, dA, out)
