"""Units that are linear above 0, and 0 or another line below: relu and its kin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Le

from bpcli.nn import Array
from bpcli.nn.entrywise import above, at_least, at_most, below, clamp, is_complex, nonzero, positive, within
from bpcli.nn.workspace import Scratch


def relu_backward(dA: Array, A: Array, out: Array, scratch: Scratch) -> None:
    """Write relu′ ⊙ dA into ``out``, where relu′ = 1 if a > 0, else 0: if a is not 0, because a ≥ 0."""
    nonzero(A, out, scratch.flags)
    np.multiply(out, dA, out)


def leaky_relu(Z: Array, slope: float, out: Array) -> None:
    """max(z, slope·z): for 0 ≤ slope ≤ 1, z above 0 and slope·z below; a complex z is compared by its real part."""
    if is_complex(Z):
        np.multiply(Z, np.where(Z.real > 0, 1, slope), out)
        return
    np.multiply(Z, slope, out)
    np.maximum(Z, out, out=out)


def leaky_relu_backward(dA: Array, Z: Array, slope: float, out: Array, scratch: Scratch) -> None:
    """Write f′ ⊙ dA into ``out``, where f′ = 1 if z > 0, else slope: max(1 or 0, slope), because 0 ≤ slope ≤ 1."""
    positive(Z, scratch.matrix, scratch.flags)
    at_least(scratch.matrix, slope, out)
    np.multiply(out, dA, out)


def prelu(Z: Array, slope: Any, out: Array, scratch: Scratch) -> None:
    """max(z, 0) + slope · min(z, 0); a complex z is compared by its real part."""
    left = scratch.matrix
    if is_complex(Z):
        np.multiply(Z, np.where(Z.real > 0, 1, slope), out)
        return
    below(Z, left)
    np.multiply(left, slope, left)
    above(Z, out)
    np.add(out, left, out)


def prelu_backward(dA: Array, Z: Array, slope: Any, out: Array, scratch: Scratch) -> None:
    """Write f′ ⊙ dA into ``out``, where f′ = 1 if z > 0, else slope, which may be any number."""
    left = scratch.matrix
    positive(Z, out, scratch.flags)
    np.multiply(out, dA, out)
    np.subtract(dA, out, left)
    np.multiply(left, slope, left)
    np.add(out, left, out)


def prelu_slope_backward(dA: Array, Z: Array, scratch: Scratch) -> Any:
    """∂L/∂slope = Σ dA ⊙ min(Z, 0), over units and examples."""
    terms = scratch.matrix
    at_most(Z, 0, terms)
    np.multiply(terms, dA, terms)
    return np.add.reduce(terms, axis=None)


@dataclass(frozen=True)
class Relu:
    """max(z, 0), the rectified linear unit; its derivative at 0 is taken as 0."""

    range: ClassVar[tuple[float, float]] = (0.0, np.inf)
    kinks: ClassVar[tuple[float, ...]] = (0.0,)
    usual_initializer: ClassVar[str] = "he"
    owned: ClassVar[Mapping[str, float]] = {}
    elementwise: ClassVar[bool] = True
    formula: ClassVar[str] = r"<z> \text{ where } <z> > 0 \text{, else } 0"
    derivative: ClassVar[str] = r"1 \text{ where } <z> > 0 \text{, else } 0"

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """Write f(Z) into ``out``."""
        above(Z, out)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``."""
        relu_backward(dA, A, out, scratch)


@dataclass(frozen=True)
class LeakyRelu:
    """z above 0, slope·z below, so that no unit stops learning (Maas et al. 2013)."""

    slope: Annotated[float, Ge(0), Le(1)] = 0.01

    range: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    kinks: ClassVar[tuple[float, ...]] = (0.0,)
    usual_initializer: ClassVar[str] = "he"
    owned: ClassVar[Mapping[str, float]] = {}
    elementwise: ClassVar[bool] = True
    formula: ClassVar[str] = r"<z> \text{ where } <z> > 0 \text{, else } <slope> \cdot <z>"
    derivative: ClassVar[str] = r"1 \text{ where } <z> > 0 \text{, else } <slope>"

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """Write f(Z) into ``out``."""
        leaky_relu(Z, self.slope, out)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``."""
        leaky_relu_backward(dA, Z, self.slope, out, scratch)


@dataclass(frozen=True)
class PRelu:
    """max(z, 0) + slope · min(z, 0), the slope learned, one for each layer (He et al. 2015, eq. 1, channel-shared).

    ``initial_slope`` is its first value; the paper's own, which PyTorch's PReLU has too.
    """

    initial_slope: float = 0.25

    range: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    kinks: ClassVar[tuple[float, ...]] = (0.0,)
    usual_initializer: ClassVar[str] = "he"
    elementwise: ClassVar[bool] = True
    formula: ClassVar[str] = r"<z> \text{ where } <z> > 0 \text{, else } <slope> \cdot <z>"
    derivative: ClassVar[str] = r"1 \text{ where } <z> > 0 \text{, else } <slope>"

    @property
    def owned(self) -> Mapping[str, float]:
        """The slope."""
        return {"slope": self.initial_slope}

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """Write f(Z) into ``out``."""
        prelu(Z, own[0], out, scratch)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``, and ∂L/∂slope into ``d_own``."""
        d_own[0] = prelu_slope_backward(dA, Z, scratch)
        prelu_backward(dA, Z, own[0], out, scratch)


@dataclass(frozen=True)
class Relu6:
    """min(max(z, 0), 6), whose values fit few bits (Krizhevsky 2010); its derivative is 1 where 0 < z ≤ 6, else 0."""

    range: ClassVar[tuple[float, float]] = (0.0, 6.0)
    kinks: ClassVar[tuple[float, ...]] = (0.0, 6.0)
    usual_initializer: ClassVar[str] = "he"
    owned: ClassVar[Mapping[str, float]] = {}
    elementwise: ClassVar[bool] = True
    formula: ClassVar[str] = r"6 \text{ where } <z> > 6 \text{, else } <z> \text{ where } <z> > 0 \text{, else } 0"
    derivative: ClassVar[str] = r"0 \text{ where } <z> > 6 \text{, else } 1 \text{ where } <z> > 0 \text{, else } 0"

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """Write f(Z) into ``out``."""
        clamp(Z, 0, 6, out, scratch.matrix)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``."""
        within(Z, 0, 6, out, scratch.matrix, scratch.flags)
        np.multiply(out, dA, out)
