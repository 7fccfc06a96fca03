"""Penalties: terms of the loss in the parameters themselves, with their derivatives.

All are over the weights W, never the biases. At 0, where |w| has no derivative, its slope counts
as 0, so a weight that is 0 stays there. ``per_example`` divides by the batch's number of examples, or by
the sum of their weights: scikit-learn's alpha is such a strength; elsewhere a strength is not divided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from annotated_types import Ge, Le

from bpcli.nn import Array
from bpcli.nn.parameters import Parameters
from bpcli.nn.transformations import Transformation


class Penalty(Transformation, Protocol):
    """A link of the gradient's chain that adds to the loss; see :class:`Quadratic` too."""

    @property
    def kinks(self) -> tuple[float, ...]:
        """The weights at which it has no derivative; the mean of its slopes on both sides counts there."""
        ...

    @property
    def term(self) -> str:
        """What each entry of each W adds, in markup, from ``<w>`` and ``<weight>``, the batch's m or Σ of weights."""
        ...


@runtime_checkable
class Quadratic(Penalty, Protocol):
    """A penalty whose second derivatives are constant: least squares need them."""

    def curvature(self, out: Parameters, weight: Any) -> None:
        """Write the second derivative by each weight into the W of ``out``."""
        ...


def is_quadratic(kind: type[Any]) -> bool:
    """Whether a class of penalty is quadratic."""
    return hasattr(kind, "curvature")


Strength = Annotated[float, Ge(0)]


def absolute(W: Array, out: Array) -> None:
    """Write |W| into ``out``; of complex numbers by the sign of the real part."""
    if W.dtype.kind == "c":
        np.multiply(W, np.sign(W.real), out)
    else:
        np.abs(W, out)


def add_slope_of_absolute(W: Array, strength: Any, dW: Array, spare: Array) -> None:
    """Add strength · sign(W) to dW, sign(0) = 0; ``spare`` is a buffer."""
    np.sign(W, spare)
    np.multiply(spare, strength, spare)
    np.add(dW, spare, dW)


def add_slope_of_square(W: Array, strength: Any, dW: Array, spare: Array) -> None:
    """Add strength · W, the derivative of ½ · strength · W², to dW; ``spare`` is a buffer."""
    np.multiply(W, strength, spare)
    np.add(dW, spare, dW)


def sum_of_absolutes(W: Array, spare: Array) -> Any:
    """Σ |W|; ``spare`` is a buffer."""
    absolute(W, spare)
    return np.add.reduce(spare, axis=None)


def sum_of_squares(W: Array) -> Any:
    """Σ W²."""
    return np.dot(W.reshape(-1), W.reshape(-1))


def divided(strength: float, weight: Any, *, per_example: bool) -> Any:
    """The strength, for each example if wanted: then 0 where all examples weigh 0."""
    return strength / (weight + (weight == 0)) * (weight > 0) if per_example else strength


def stated(term: str, *, per_example: bool) -> str:
    """The term in markup, divided by the batch's weight if wanted: then 0 where that is 0."""
    share = rf"\frac{{1}}{{<weight>}} \cdot \left( {term} \right)"
    return rf"\left[ {share} \text{{ where }} <weight> > 0 \text{{, else }} 0 \right]" if per_example else term


@dataclass(frozen=True)
class L1:
    """strength · Σ |W|."""

    strength: Strength = 1e-4
    per_example: bool = False

    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    @property
    def term(self) -> str:
        """strength · |w|."""
        return stated(r"<strength> \cdot |<w>|", per_example=self.per_example)

    def apply(self, parameters: Parameters, gradient: Parameters, scratch: Parameters, weight: Any) -> Any:
        """Add strength · sign(W) to each dW; return the penalty."""
        strength = divided(self.strength, weight, per_example=self.per_example)
        added: Any = 0.0
        for W, dW, spare in zip(parameters.W[1:], gradient.W[1:], scratch.W[1:], strict=True):
            added = added + sum_of_absolutes(W, spare) * strength
            add_slope_of_absolute(W, strength, dW, spare)
        return added


@dataclass(frozen=True)
class L2:
    """½ · strength · Σ W², whose derivative is strength · W: weight decay in the loss."""

    strength: Strength = 1e-4
    per_example: bool = False

    kinks: ClassVar[tuple[float, ...]] = ()

    @property
    def term(self) -> str:
        """½ · strength · w²."""
        return stated(r"\frac{1}{2} \cdot <strength> \cdot (<w>)^2", per_example=self.per_example)

    def apply(self, parameters: Parameters, gradient: Parameters, scratch: Parameters, weight: Any) -> Any:
        """Add strength · W to each dW; return the penalty."""
        strength = divided(self.strength, weight, per_example=self.per_example)
        added: Any = 0.0
        for W, dW, spare in zip(parameters.W[1:], gradient.W[1:], scratch.W[1:], strict=True):
            added = added + sum_of_squares(W) * (0.5 * strength)
            add_slope_of_square(W, strength, dW, spare)
        return added

    def curvature(self, out: Parameters, weight: Any) -> None:
        """Write the second derivative by each weight, which is the same everywhere, into the W of ``out``."""
        for W in out.W[1:]:
            W.fill(divided(self.strength, weight, per_example=self.per_example))


@dataclass(frozen=True)
class Elastic:
    """strength · (ratio · Σ |W| + ½ · (1 − ratio) · Σ W²).

    The convention of glmnet (Friedman et al. 2010, eq. 3; their λ and α) and of scikit-learn's ElasticNet (alpha and
    l1_ratio): ratio 1 is l1, ratio 0 is l2.
    """

    strength: Strength = 1e-4
    ratio: Annotated[float, Ge(0), Le(1)] = 0.5
    per_example: bool = False

    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    @property
    def term(self) -> str:
        """strength · (ratio · |w| + ½ · (1 − ratio) · w²)."""
        both = r"<ratio> \cdot |<w>| + \frac{1}{2} \cdot (1 - <ratio>) \cdot (<w>)^2"
        return stated(rf"<strength> \cdot \left( {both} \right)", per_example=self.per_example)

    def apply(self, parameters: Parameters, gradient: Parameters, scratch: Parameters, weight: Any) -> Any:
        """Add strength · (ratio · sign(W) + (1 − ratio) · W) to each dW; return the penalty."""
        strength = divided(self.strength, weight, per_example=self.per_example)
        of_absolutes, of_squares = strength * self.ratio, strength * (1 - self.ratio)
        added: Any = 0.0
        for W, dW, spare in zip(parameters.W[1:], gradient.W[1:], scratch.W[1:], strict=True):
            added = added + sum_of_absolutes(W, spare) * of_absolutes
            added = added + sum_of_squares(W) * (0.5 * of_squares)
            add_slope_of_absolute(W, of_absolutes, dW, spare)
            add_slope_of_square(W, of_squares, dW, spare)
        return added


PENALTIES: dict[str, type[Penalty]] = {"l1": L1, "l2": L2, "elastic": Elastic}
"""The penalties that a config may list."""
