"""Units for outputs that are any number, or any positive one: identity and exponential."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.workspace import Scratch


@dataclass(frozen=True)
class Identity:
    """f(z) = z: the linear unit."""

    range: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    kinks: ClassVar[tuple[float, ...]] = ()
    usual_initializer: ClassVar[str] = "glorot"
    owned: ClassVar[Mapping[str, float]] = {}
    elementwise: ClassVar[bool] = True
    formula: ClassVar[str] = "<z>"
    derivative: ClassVar[str] = "1"

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """Write f(Z) into ``out``."""
        np.copyto(out, Z)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``."""
        np.copyto(out, dA)


@dataclass(frozen=True)
class ExponentialOutput:
    """e^z: the usual output where a target is a count or a positive amount; beyond a precision's range it is ∞."""

    range: ClassVar[tuple[float, float]] = (0.0, np.inf)
    kinks: ClassVar[tuple[float, ...]] = ()
    usual_initializer: ClassVar[str] = "glorot"
    owned: ClassVar[Mapping[str, float]] = {}
    elementwise: ClassVar[bool] = True
    formula: ClassVar[str] = "e^{<z>}"
    derivative: ClassVar[str] = "<a>"

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """Write f(Z) into ``out``."""
        np.exp(Z, out)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``."""
        np.multiply(A, dA, out)
