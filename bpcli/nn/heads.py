"""Heads: the output activation and the loss, joined into one function of Z_L.

In general dZ_L comes from two steps: the loss gives dA, the activation's
vector–Jacobian product turns it into dZ. Some pairs have a head of their own
(:mod:`bpcli.nn.pairs`), which computes dZ and the loss from Z. :func:`join` picks
the pair where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from bpcli.nn import Array
from bpcli.nn.activations import Activation, Identity, Sigmoid, Softmax
from bpcli.nn.losses import BinaryCrossEntropy, CrossEntropy, HalfSquaredError, Loss
from bpcli.nn.pairs import (
    IdentityHalfSquaredError,
    SigmoidBinaryCrossEntropy,
    SigmoidCrossEntropy,
    SoftmaxBinaryCrossEntropy,
    SoftmaxCrossEntropy,
)
from bpcli.nn.workspace import OutputScratch


class Head(Protocol):
    """An output activation and a loss; arrays as in the two rooms they come from."""

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
class Composed:
    """Any activation under any loss, through the vector–Jacobian product."""

    activation: Activation
    loss: Loss

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """The loss's own, of A."""
        self.loss.terms(A, Y, out, scratch)

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """dA from the loss, then dZ = Jᵀ dA."""
        self.loss.backward(A, Y, scale, dA, scratch)
        self.activation.backward(dA, Z, A, out, scratch.layer)


PAIRS: dict[tuple[Activation, Loss], Callable[[Any, Any], Head]] = {
    (Softmax(), CrossEntropy()): SoftmaxCrossEntropy,
    (Sigmoid(), BinaryCrossEntropy()): SigmoidBinaryCrossEntropy,
    (Identity(), HalfSquaredError()): IdentityHalfSquaredError,
    (Sigmoid(), CrossEntropy()): SigmoidCrossEntropy,
    (Softmax(), BinaryCrossEntropy()): SoftmaxBinaryCrossEntropy,
}
"""The pairs, with the settings for which their formulas hold; the reductions may be any."""


def join(activation: Activation, loss: Loss) -> Head:
    """The pair's own head where there is one, else the general one.

    A setting changes the pair's formulas, so a pair with another one than listed is composed.
    """
    for (own_activation, own_loss), head in PAIRS.items():
        if activation == own_activation and _settings(loss) == _settings(own_loss):
            return head(activation, loss)
    return Composed(activation, loss)


def _settings(loss: Loss) -> tuple[type[Loss], dict[str, Any]]:
    """The kind of a loss and its settings, but for its reductions."""
    return type(loss), {name: value for name, value in vars(loss).items() if name not in ("outputs", "examples")}
