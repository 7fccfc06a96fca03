"""An update of θ by the rule: whole vectors at a time, or piece by piece where the rule's arithmetic is elementwise.

A rule of ten operations passes over its vectors ten times. Where they do not fit into the cache, each pass
reads them from memory; piece by piece they are read once, threads take pieces side by side, and
the gradients of shards are added up just before they are needed. No bit changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from bpcli.nn import Array
from bpcli.nn.markup import AT_THETA
from bpcli.nn.optimizers import Gradient, Optimizer, OptimizerState, update
from bpcli.nn.optimizers.rule import rule_statements
from bpcli.team import Team
from bpcli.training.recipe import Recipe
from bpcli.training.shards.aligned import aligned
from bpcli.training.shards.cutting import pieces
from bpcli.training.shards.gradients import Batch
from bpcli.training.shards.ranks import Ranks, Vectors


def elementwise(rule: Optimizer, size: int) -> bool:
    """Whether the rule may see θ of this size piece by piece.

    It says that each entry of a step follows from the same entry of θ, of the gradient at θ and of what it remembers.
    """
    stated = rule_statements(rule)
    shapes = [*(kept.shape for kept in rule.memory(size).values()), *rule.buffers(size).values()]
    return stated.elementwise and stated.gradient_at == AT_THETA and all(shape == (size,) for shape in shapes)


def shared_out(recipe: Recipe, size: int, ranks: Ranks) -> bool:
    """Whether each of several ranks updates its own entries of θ, which all of a host then have in common.

    A constraint on layers changes θ after an update, as a whole. What a rule remembers is whole on a host; between
    hosts it would be nowhere.
    """
    cut = elementwise(recipe.optimizer, size) and not recipe.network.constrained
    saved = ranks.hosts == 1 or not recipe.optimizer.memory(size)
    return ranks.count > 1 and size >= ranks.count and cut and saved


@dataclass(frozen=True)
class Piece:
    """Some entries of θ, and what the rule remembers of them; ``weights`` are where matrices W lie in the piece."""

    entries: slice
    theta: Array
    weights: list[slice]
    state: OptimizerState


class Updates:
    """Updates of θ, one after the other; of ``shared`` entries, where each of several ranks updates its own of them."""

    def __init__(
        self,
        rule: Optimizer,
        theta: Array,
        state: OptimizerState,
        weights: Iterable[slice],
        team: Team,
        shared: Vectors | None = None,
    ) -> None:
        self.rule, self.theta, self.state, self.team, self.shared = rule, theta, state, team, shared
        arrays = 2 + len(state.memory) + len(state.buffers)
        cut = pieces(slice(0, theta.size), arrays) if shared is None else pieces(shared.own)
        whole = (shared is None and len(cut) == 1) or not elementwise(rule, theta.size)
        self.pieces = [] if whole else [self._piece(entries, weights) for entries in cut]
        longest = max((piece.theta.size for piece in self.pieces), default=0)
        self.buffers = [_Buffers(state, longest) for _ in range(team.size)] if self.pieces else []

    def make(self, batch: Batch, rate: Any) -> Any:
        """Make an update on a batch by η = ``rate``; return what the chain adds to the loss."""
        if not self.pieces:
            return update(self.rule, self.theta, self.state, batch.gradient, rate)
        if self.shared is not None:
            self.shared.wait()  # another rank may still read what the rule remembers, such as to save it
        self.state.step += 1
        first = self.pieces[0]

        def begin(_: Array, __: Array, factor: Any) -> Any:
            added = batch.begin(self.theta, self.state.dtheta, factor)
            self._finish(batch, first, 0)
            return added

        def go_on(number: int, member: int) -> None:
            piece = self.pieces[number + 1]
            self._step(batch, piece, member, lambda *_: self._finish(batch, piece, member), rate)

        added = self._step(batch, first, 0, begin, rate)
        self.team.run(len(self.pieces) - 1, go_on)
        if self.shared is not None:
            self.shared.assemble(self.theta)
        return added

    def _step(self, batch: Batch, piece: Piece, member: int, gradient: Gradient, rate: Any) -> Any:
        """Let the rule change a piece of θ, in the buffers of a thread."""
        state, buffers = piece.state, self.buffers[member].of(piece, batch.levels)
        state.step, state.buffers = self.state.step, buffers.own
        state.dtheta = buffers.sums[0] if batch.leaves_sums else self.state.dtheta[piece.entries]
        if self.shared is None:
            return self.rule.step(piece.theta, state, gradient, rate)
        np.copyto(buffers.theta, piece.theta)
        state.weights = buffers.weights
        added = self.rule.step(buffers.theta, state, gradient, rate)
        np.copyto(piece.theta, buffers.theta)  # a copy does not wait for lines that other ranks have read
        return added

    def _finish(self, batch: Batch, piece: Piece, member: int) -> None:
        """Add up the shards' entries of a piece, where that is left to be done."""
        if batch.leaves_sums:
            batch.sum_in(self.buffers[member].of(piece, batch.levels).sums, piece.entries)

    def _piece(self, entries: slice, weights: Iterable[slice]) -> Piece:
        state, theta, start = self.state, self.theta[entries], entries.start
        memory = {name: kept[entries] for name, kept in state.memory.items()}
        within = [slice(max(start, W.start) - start, min(entries.stop, W.stop) - start) for W in weights]
        within = [part for part in within if part.start < part.stop]
        own = OptimizerState(memory, {}, state.dtheta[entries], tuple(theta[part] for part in within))
        return Piece(entries, theta, within, own)


class _BuffersOfPiece(NamedTuple):
    """What a piece is computed in: the rule's buffers, θ with its weights, and sums of gradients."""

    own: dict[str, Array]
    theta: Array
    weights: tuple[Array, ...]
    sums: list[Array]


class _Buffers:
    """The buffers of a thread, as long as the longest piece, and views of them for every piece."""

    def __init__(self, state: OptimizerState, longest: int) -> None:
        self._dtype, self._longest = state.dtheta.dtype, longest
        self._own = {name: aligned(longest, buffer.dtype) for name, buffer in state.buffers.items()}
        self._theta = aligned(longest, self._dtype)
        self._sums: list[Array] = []
        self._views: dict[tuple[int, int], _BuffersOfPiece] = {}

    def of(self, piece: Piece, levels: int) -> _BuffersOfPiece:
        """Those of a piece, for a batch whose sums take so many."""
        key = piece.entries.start, levels
        if key not in self._views:
            self._views[key] = self._of(piece, levels)
        return self._views[key]

    def _of(self, piece: Piece, levels: int) -> _BuffersOfPiece:
        while len(self._sums) < levels:
            self._sums.append(aligned(self._longest, self._dtype))
        size = piece.theta.size
        theta = self._theta[:size]
        own = {name: buffer[:size] for name, buffer in self._own.items()}
        return _BuffersOfPiece(
            own, theta, tuple(theta[W] for W in piece.weights), [sums[:size] for sums in self._sums[:levels]]
        )
