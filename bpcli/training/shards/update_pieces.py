"""Pieces of θ that a rule changes one by one, and the buffers in which a thread does so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bpcli.nn import Array
from bpcli.nn.optimizers import OptimizerState
from bpcli.training.shards.aligned import aligned


@dataclass(frozen=True)
class Piece:
    """Some entries of θ, and what the rule remembers of them; ``weights`` are where matrices W lie in the piece."""

    entries: slice
    theta: Array
    weights: list[slice]
    state: OptimizerState


def piece_of(theta: Array, state: OptimizerState, weights: Sequence[slice], entries: slice) -> Piece:
    """The piece of some entries; ``weights`` are where the matrices W lie in θ."""
    start = entries.start
    memory = {name: kept[entries] for name, kept in state.memory.items()}
    within = [slice(max(start, W.start) - start, min(entries.stop, W.stop) - start) for W in weights]
    within = [part for part in within if part.start < part.stop]
    own = theta[entries]
    return Piece(
        entries, own, within, OptimizerState(memory, {}, state.dtheta[entries], tuple(own[part] for part in within))
    )


class PieceBuffers(NamedTuple):
    """What a piece is computed in: the rule's buffers, θ with its weights, and sums of gradients."""

    own: dict[str, Array]
    theta: Array
    weights: tuple[Array, ...]
    sums: list[Array]


class Buffers:
    """The buffers of a thread, as long as the longest piece, and views of them for every piece."""

    def __init__(self, state: OptimizerState, longest: int) -> None:
        self._dtype, self._longest = state.dtheta.dtype, longest
        self._own = {name: aligned(longest, buffer.dtype) for name, buffer in state.buffers.items()}
        self._theta = aligned(longest, self._dtype)
        self._sums: list[Array] = []
        self._views: dict[tuple[int, int], PieceBuffers] = {}

    def of(self, piece: Piece, levels: int) -> PieceBuffers:
        """Those of a piece, for a batch whose sums take so many."""
        key = piece.entries.start, levels
        if key not in self._views:
            self._views[key] = self._of(piece, levels)
        return self._views[key]

    def _of(self, piece: Piece, levels: int) -> PieceBuffers:
        while len(self._sums) < levels:
            self._sums.append(aligned(self._longest, self._dtype))
        size = piece.theta.size
        theta = self._theta[:size]
        own = {name: buffer[:size] for name, buffer in self._own.items()}
        return PieceBuffers(
            own, theta, tuple(theta[W] for W in piece.weights), [sums[:size] for sums in self._sums[:levels]]
        )
