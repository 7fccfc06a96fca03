"""Stale buffers: what the batch before left is used or added to, which only a second batch can show."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.nn import Array, IndexArray
from bpcli.training.shards import Gradients

from .mechanism import Fault, Pass, PerUse, Pieces, Replaced, below, output, the_batch_before, weights
from .weights import dW

gradient_at = Gradients.at


def accumulated(at: Pass, l: int) -> None:
    before = at.gradient.W[l].copy()
    weights(at, l)
    at.gradient.W[l][...] += before


def stale_A() -> Pieces:
    before = the_batch_before()
    return Pieces(weights=dW(lambda at, l: at.ws.dZ[l] @ before(at.ws.A[l - 1]).T, layer=2))


def stale_dZ() -> Pieces:
    before = the_batch_before()
    return Pieces(weights=dW(lambda at, l: before(at.ws.dZ[l]) @ at.ws.A[l - 1].T, layer=2))


def kept_from_the_first_batch() -> Pieces:
    seen: list[Array] = []

    def wrong(at: Pass) -> None:
        seen.append(at.gradient.theta.copy())
        at.gradient.theta[...] = seen[0]

    return Pieces(ending=wrong)


def with_leftovers() -> Pieces:
    left: dict[int, Array] = {}

    def wrong(at: Pass, l: int) -> None:
        below(at, l)
        now = at.ws.dA[l - 1]
        if l in left:
            now += left[l][:, : at.ws.m]
        left[l] = now.copy()

    return Pieces(below=wrong)


def longer(self: Gradients, batch: IndexArray, slot: int = 0) -> Any:
    """The batch in front of what the longest one, examples 0, 1, 2, …, left behind it."""
    longest = max([m for m, _ in self.batches], default=0)
    longest = max(longest, len(batch))
    return gradient_at(self, np.concatenate([batch, np.arange(len(batch), longest)]))


def without_forward() -> Pieces:
    seen: list[list[Array]] = []

    def wrong(at: Pass, scale: float) -> None:
        ws = at.ws
        seen.append([Z.copy() for Z in ws.Z])
        for l, activation in enumerate(at.network.activations, start=1):
            ws.Z[l][...] = seen[0][l][:, : ws.m]
            activation.forward(ws.Z[l], at.parameters.own[l], ws.A[l], ws.scratch[l])
        output(at, scale)

    return Pieces(output=wrong)


SECOND = ("shorter",)

FAULTS: dict[str, Fault] = {
    "dW is accumulated, not overwritten": Fault(Pieces(weights=accumulated), kinds="W", batches=SECOND),
    "dW_2 is taken from A_1 of the batch before": Fault(
        PerUse(stale_A), layer=2, kinds="W", below=False, batches=SECOND
    ),
    "dW_2 is taken from dZ_2 of the batch before": Fault(
        PerUse(stale_dZ), layer=2, kinds="W", below=False, batches=SECOND
    ),
    "the gradient is kept from the first batch": Fault(PerUse(kept_from_the_first_batch), batches=SECOND),
    "dA is added to what the batch before left": Fault(PerUse(with_leftovers), layer=2, batches=SECOND),
    "the short batch leaves the longer one's last examples in the buffers": Fault(
        Replaced(Gradients, "at", longer), batches=SECOND
    ),
    "forward is not run again for a new batch in the same buffers": Fault(PerUse(without_forward), batches=SECOND),
}
