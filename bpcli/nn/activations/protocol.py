"""What an activation says of itself: f, Jᵀ dA, its range, its kinks, and the parameters that it owns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import DTypeLike

from bpcli.choices import optional_statements
from bpcli.nn import Array
from bpcli.nn.workspace import Scratch


class Activation(Protocol):
    """A choice of f, with its range, its kinks, the initializer that suits it, and its formulas.

    :class:`ActivationStatements` has what else it may say of itself.
    """

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
        """f(z) in markup (:mod:`bpcli.nn.markup`), from ``<z>``."""
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


@dataclass(frozen=True)
class ActivationStatements:
    """What an activation may state; nothing where it does not.

    ``stable_formula`` is its formula written so that nothing cancels in the derivative; ``odds`` is a/(1 − a), from
    which log a and log(1 − a) have all digits.
    """

    stable_formula: str = ""
    odds: str = ""


def activation_statements(activation: Activation) -> ActivationStatements:
    """What an activation states."""
    return optional_statements(ActivationStatements, activation)


def first_values(activation: Activation, dtype: DTypeLike) -> Array:
    """What an activation owns before training, (k,)."""
    return np.array(list(activation.owned.values()), dtype)
