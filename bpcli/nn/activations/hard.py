"""Units that are made of straight lines or a parabola where others are curved: hard_tanh, hard_sigmoid, hard_swish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.entrywise import beyond, clamp, within
from bpcli.nn.workspace import Scratch


def hard_sigmoid(Z: Array, out: Array, spare: Array) -> None:
    """(max(−3, min(z, 3)) + 3)/6."""
    clamp(Z, -3, 3, out, spare)
    np.add(out, 3, out)
    np.divide(out, 6, out)


@dataclass(frozen=True)
class HardTanh:
    """max(−1, min(z, 1)) (Collobert 2004); its derivative is 1 where −1 < z ≤ 1, else 0."""

    range: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    kinks: ClassVar[tuple[float, ...]] = (-1.0, 1.0)
    usual_initializer: ClassVar[str] = "glorot"
    owned: ClassVar[Mapping[str, float]] = {}
    elementwise: ClassVar[bool] = True
    formula: ClassVar[str] = r"1 \text{ where } <z> > 1 \text{, else } <z> \text{ where } <z> > -1 \text{, else } -1"
    derivative: ClassVar[str] = r"0 \text{ where } <z> > 1 \text{, else } 1 \text{ where } <z> > -1 \text{, else } 0"

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """Write f(Z) into ``out``."""
        clamp(Z, -1, 1, out, scratch.matrix)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``."""
        within(Z, -1, 1, out, scratch.matrix, scratch.flags)
        np.multiply(out, dA, out)


@dataclass(frozen=True)
class HardSigmoid:
    """max(0, min(z/6 + ½, 1)), PyTorch's and today's Keras's; Keras 2 had 0.2 z + ½. f′ = 1/6 where −3 < z ≤ 3."""

    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    kinks: ClassVar[tuple[float, ...]] = (-3.0, 3.0)
    usual_initializer: ClassVar[str] = "glorot"
    owned: ClassVar[Mapping[str, float]] = {}
    elementwise: ClassVar[bool] = True
    formula: ClassVar[str] = (
        r"1 \text{ where } <z> > 3 \text{, else } \frac{<z> + 3}{6} \text{ where } <z> > -3 \text{, else } 0"
    )
    derivative: ClassVar[str] = (
        r"0 \text{ where } <z> > 3 \text{, else } \frac{1}{6} \text{ where } <z> > -3 \text{, else } 0"
    )

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """Write f(Z) into ``out``."""
        hard_sigmoid(Z, out, scratch.matrix)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``."""
        within(Z, -3, 3, out, scratch.matrix, scratch.flags)
        np.multiply(out, dA, out)
        np.divide(out, 6, out)


@dataclass(frozen=True)
class HardSwish:
    """z · hard_sigmoid(z): 0 up to −3, z(z + 3)/6 up to 3, then z (Howard et al. 2019, §5.2)."""

    range: ClassVar[tuple[float, float]] = (-0.375, np.inf)
    kinks: ClassVar[tuple[float, ...]] = (-3.0, 3.0)
    usual_initializer: ClassVar[str] = "he"
    owned: ClassVar[Mapping[str, float]] = {}
    elementwise: ClassVar[bool] = True
    formula: ClassVar[str] = (
        r"<z> \text{ where } <z> > 3 \text{, else } \frac{<z> (<z> + 3)}{6} \text{ where } <z> > -3 \text{, else } 0"
    )
    derivative: ClassVar[str] = (
        r"1 \text{ where } <z> > 3 \text{, else } \frac{2 <z> + 3}{6} \text{ where } <z> > -3 \text{, else } 0"
    )

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """Write f(Z) into ``out``."""
        hard_sigmoid(Z, out, scratch.matrix)
        np.multiply(out, Z, out)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``."""
        parabola, spare = scratch.matrix, scratch.second
        within(Z, -3, 3, out, spare, scratch.flags)
        np.multiply(Z, 2, parabola)
        np.add(parabola, 3, parabola)
        np.divide(parabola, 6, parabola)
        np.multiply(out, parabola, out)
        beyond(Z, 3, spare, scratch.flags)
        np.add(out, spare, out)
        np.multiply(out, dA, out)
