"""Activations f and their vector–Jacobian products: dA ↦ dZ = Jᵀ dA, column by column.

Each formula is a function of arrays; its backward stands right below it. An
elementwise activation has a diagonal J, so Jᵀ dA = f′(Z) ⊙ dA. The derivative at
a kink is the left one: relu′(0) = 0.

``Z``, ``A``, ``dA`` and ``out`` are (n, m); ``out`` shares no memory with the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Protocol

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import DTypeLike

from bpcli.nn import Array
from bpcli.nn.workspace import Scratch


class Activation(Protocol):
    """A choice of f, with its range, its kinks, the initializer that suits it, and its formulas."""

    @property
    def range(self) -> tuple[float, float]:
        """The smallest closed interval that holds every value of f."""
        ...

    @property
    def kinks(self) -> tuple[float, ...]:
        """The pre-activations at which f has no derivative."""
        ...

    @property
    def usual_initializer(self) -> str:
        """The name of the initializer that keeps the variance of signals through f."""
        ...

    @property
    def owned(self) -> Mapping[str, float]:
        """The numbers in θ that it owns in each layer: their names, and their first values; none for most.

        A name has letters alone and no setting's name. In the formulas ``<name>`` is the parameter.
        """
        ...

    @property
    def elementwise(self) -> bool:
        """Whether each unit's f depends on its own z alone, so that J is diagonal."""
        ...

    @property
    def formula(self) -> str:
        """f(z) in markup (:mod:`bpcli.nn.markup`), from ``<z>``.

        Two further statements are optional: ``stable_formula``, the same written so that nothing cancels in its
        derivative, and ``odds``, a/(1 − a), from which log a and log(1 − a) have all digits.
        """
        ...

    @property
    def derivative(self) -> str:
        """f′(z) in markup, from ``<z>`` and ``<a>``; where not elementwise, the Jacobian of one example."""
        ...

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """Write f(Z) into ``out``; ``own``, (k,), are the numbers that it owns, in the order of ``owned``."""
        ...

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``, and ∂L/∂own, (k,), into ``d_own``.

        ``A`` may lie in ``scratch.matrix``: it is read before that is written.
        """
        ...


def first_values(activation: Activation, dtype: DTypeLike) -> Array:
    """What an activation owns before training, (k,)."""
    return np.array(list(activation.owned.values()), dtype)


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


def relu(Z: Array, out: Array) -> None:
    """max(z, 0); a complex z is compared by its real part, and 0 lies left of the kink."""
    if Z.dtype.kind == "c":
        np.multiply(Z, Z.real > 0, out)
    else:
        np.maximum(Z, 0, out=out)


def relu_backward(dA: Array, A: Array, out: Array) -> None:
    """Write relu′ ⊙ dA into ``out``, where relu′ = 1 if a > 0, else 0: the sign of a, because a ≥ 0."""
    np.sign(A, out)
    np.multiply(out, dA, out)


def leaky_relu(Z: Array, slope: float, out: Array) -> None:
    """max(z, slope·z): for 0 ≤ slope ≤ 1, z above 0 and slope·z below; a complex z is compared by its real part."""
    if Z.dtype.kind == "c":
        np.multiply(Z, np.where(Z.real > 0, 1, slope), out)
        return
    np.multiply(Z, slope, out)
    np.maximum(Z, out, out=out)


def leaky_relu_backward(dA: Array, Z: Array, slope: float, out: Array) -> None:
    """Write f′ ⊙ dA into ``out``, where f′ = 1 if z > 0, else slope: max(sign z, slope), because 0 ≤ slope ≤ 1."""
    np.sign(Z, out)
    np.maximum(out, slope, out=out)
    np.multiply(out, dA, out)


def prelu(Z: Array, slope: Any, out: Array, scratch: Scratch) -> None:
    """max(z, 0) + slope · min(z, 0); a complex z is compared by its real part."""
    below = scratch.matrix
    if Z.dtype.kind == "c":
        np.multiply(Z, np.where(Z.real > 0, 1, slope), out)
        return
    np.minimum(Z, 0, out=below)
    np.multiply(below, slope, below)
    np.maximum(Z, 0, out=out)
    np.add(out, below, out)


def prelu_backward(dA: Array, Z: Array, slope: Any, out: Array, scratch: Scratch) -> None:
    """Write f′ ⊙ dA into ``out``, where f′ = 1 if z > 0, else slope, which may be any number."""
    below = scratch.matrix
    np.sign(Z, out)
    np.maximum(out, 0, out=out)
    np.multiply(out, dA, out)
    np.subtract(dA, out, below)
    np.multiply(below, slope, below)
    np.add(out, below, out)


def prelu_slope_backward(dA: Array, Z: Array, scratch: Scratch) -> Any:
    """∂L/∂slope = Σ dA ⊙ min(Z, 0), over units and examples."""
    terms = scratch.matrix
    np.minimum(Z, 0, out=terms)
    np.multiply(terms, dA, terms)
    return np.add.reduce(terms, axis=None)


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
        relu(Z, out)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``."""
        relu_backward(dA, A, out)


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
        leaky_relu_backward(dA, Z, self.slope, out)


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
class ExponentialOutput:
    """e^z, for means of counts and sizes: an output under poisson or gamma."""

    range: ClassVar[tuple[float, float]] = (0.0, np.inf)
    kinks: ClassVar[tuple[float, ...]] = ()
    usual_initializer: ClassVar[str] = "glorot"
    elementwise: ClassVar[bool] = True
    owned: ClassVar[Mapping[str, float]] = {}
    formula: ClassVar[str] = "e^{<z>}"
    derivative: ClassVar[str] = "<a>"

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """Write f(Z) into ``out``."""
        np.exp(Z, out)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``."""
        np.multiply(dA, A, out)


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


ACTIVATIONS: dict[str, type[Activation]] = {
    "identity": Identity,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "relu": Relu,
    "leaky_relu": LeakyRelu,
    "prelu": PRelu,
    "softmax": Softmax,
    "exponential": ExponentialOutput,
}
