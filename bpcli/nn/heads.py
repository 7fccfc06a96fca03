"""Heads: the output activation and the loss, joined into one function of Z_L.

In general dZ_L comes from two steps: the loss gives dA, the activation's
vector–Jacobian product turns it into dZ. Some pairs have a head of their own
(:mod:`bpcli.nn.pairs`), which computes dZ and the loss from Z. :func:`join` picks
the pair where there is one, :func:`backward` goes its way or the general one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.nn.activations import Activation
from bpcli.nn.losses import Loss
from bpcli.nn.pairs import PAIRS, Pair
from bpcli.nn.workspace import OutputScratch


@dataclass(frozen=True)
class Composed:
    """Any activation under any loss, through the vector–Jacobian product."""

    activation: Activation
    loss: Loss

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """The loss's own, of A."""
        self.loss.terms(A, Y, out, scratch)


Head = Pair | Composed
"""An output activation and a loss."""


def backward(
    head: Head,
    Z: Array,
    A: Array,
    own: Array,
    Y: Array,
    weights: Array | None,
    scale: float,
    dA: Array,
    out: Array,
    d_own: Array,
    scratch: OutputScratch,
) -> None:
    """Write dZ_L into ``out``, and ∂L/∂own, of what f_L owns, into ``d_own``; ``dA`` may be used on the way.

    ``weights`` are those of the examples, (m,). f_L acts on each example by itself, so they are factors of dZ's
    columns as much as of dA's.
    """
    if isinstance(head, Composed):
        head.loss.backward(A, Y, scale, dA, scratch)
        if weights is not None:
            _weigh(dA, weights, out)
        head.activation.backward(dA, Z, A, own, out, d_own, scratch.layer)
    else:
        head.backward(Z, A, Y, scale, dA, out, scratch)
        if weights is not None:
            _weigh(out, weights, dA)


def _weigh(columns: Array, weights: Array, room: Array) -> None:
    """Multiply each example's column by its weight."""
    np.copyto(room, weights)
    np.multiply(columns, room, columns)


def join(activation: Activation, loss: Loss) -> Head:
    """The pair's own head where there is one, else the general one.

    A setting that the pair does not name ``free`` changes its formulas, so with another one than listed it is composed.
    """
    for (own_activation, own_loss), kind in PAIRS.items():
        if activation == own_activation and _settings(loss, kind.free) == _settings(own_loss, kind.free):
            pair: Pair = kind(activation, loss)
            return pair
    return Composed(activation, loss)


def _settings(loss: Loss, free: frozenset[str]) -> tuple[type[Loss], dict[str, Any]]:
    """The kind of a loss and its settings, but for its reductions and those that are free."""
    left_out = {"outputs", "examples", *free}
    return type(loss), {name: value for name, value in vars(loss).items() if name not in left_out}
