"""Pairs of an output activation and a loss whose dZ and loss are computed in one, from Z.

The canonical pairs have dZ = (A − Y) · scale. In the others the composed
formulas would divide by 1 − a or by a after it was rounded to 0. From Z, no
logarithm meets a rounded 0, and nothing overflows but a that is too large itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from bpcli.choices import optional_statements
from bpcli.nn import Array
from bpcli.nn.activations import Activation, ExponentialOutput, Identity, Sigmoid, Softmax, Softplus
from bpcli.nn.losses import (
    BinaryCrossEntropy,
    CategoricalFocal,
    CrossEntropy,
    Focal,
    Gamma,
    HalfSquaredError,
    KullbackLeibler,
    Loss,
    Poisson,
)
from bpcli.nn.pairs.positive import PositiveGamma, PositivePoisson
from bpcli.nn.pairs.sigmoid import SigmoidBinaryCrossEntropy, SigmoidCrossEntropy, SigmoidFocal
from bpcli.nn.pairs.softmax import SoftmaxCategoricalFocal, SoftmaxCrossEntropy, SoftmaxKullbackLeibler
from bpcli.nn.pairs.softmax_binary import SoftmaxBinaryCrossEntropy
from bpcli.nn.pairs.unbounded import ExponentialGamma, ExponentialPoisson, IdentityHalfSquaredError
from bpcli.nn.workspace import OutputScratch

__all__ = [
    "PAIRS",
    "ExponentialGamma",
    "ExponentialPoisson",
    "IdentityHalfSquaredError",
    "Pair",
    "PairStatements",
    "PositiveGamma",
    "PositivePoisson",
    "SigmoidBinaryCrossEntropy",
    "SigmoidCrossEntropy",
    "SigmoidFocal",
    "SoftmaxBinaryCrossEntropy",
    "SoftmaxCategoricalFocal",
    "SoftmaxCrossEntropy",
    "SoftmaxKullbackLeibler",
    "pair_statements",
]


class Pair(Protocol):
    """An output activation that owns nothing and a loss, with formulas of their own; arrays as in the two rooms.

    :class:`PairStatements` has what else it may say of itself.
    """

    free: ClassVar[frozenset[str]]
    """The loss's settings that may have any value besides its reductions; the others have the value listed."""

    @property
    def activation(self) -> Activation:
        """f_L."""
        ...

    @property
    def loss(self) -> Loss:
        """What is minimised."""
        ...

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """Write each example's term of the loss into ``out``, (m,), A being f_L(Z)."""
        ...

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """Write dZ into ``out``; ``dA`` may be used on the way."""
        ...


@dataclass(frozen=True)
class PairStatements:
    """What a pair may state: ``error``, dZ of one output in markup, from ``<y>`` and ``<a>``, without the scale.

    Empty where it is no simpler than the general way.
    """

    error: str = ""


def pair_statements(head: Any) -> PairStatements:
    """What a head states; nothing where it is no pair."""
    return optional_statements(PairStatements, head)


PAIRS: dict[tuple[Activation, Loss], type[Any]] = {
    (Softmax(), CrossEntropy()): SoftmaxCrossEntropy,
    (Sigmoid(), BinaryCrossEntropy()): SigmoidBinaryCrossEntropy,
    (Identity(), HalfSquaredError()): IdentityHalfSquaredError,
    (Sigmoid(), CrossEntropy()): SigmoidCrossEntropy,
    (Softmax(), BinaryCrossEntropy()): SoftmaxBinaryCrossEntropy,
    (Sigmoid(), Focal()): SigmoidFocal,
    (Softmax(), CategoricalFocal()): SoftmaxCategoricalFocal,
    (Softmax(), KullbackLeibler()): SoftmaxKullbackLeibler,
    (ExponentialOutput(), Poisson()): ExponentialPoisson,
    (ExponentialOutput(), Gamma()): ExponentialGamma,
    **{(output, Poisson()): PositivePoisson for output in (Sigmoid(), Softmax(), Softplus())},
    **{(output, Gamma()): PositiveGamma for output in (Sigmoid(), Softmax(), Softplus())},
}
"""The pairs, with the settings for which their formulas hold; the reductions and those that are ``free`` may be any."""
