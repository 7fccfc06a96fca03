"""An update of θ by the rule: whole vectors at a time, or piece by piece where the rule's arithmetic is elementwise.

A rule of ten operations passes over its vectors ten times. Where they do not fit into the cache, each pass
reads them from memory; piece by piece they are read once, threads take pieces side by side, and
the gradients of shards are added up just before they are needed. No bit changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.nn.markup import AT_THETA
from bpcli.nn.optimizers import Gradient, Optimizer, OptimizerState, update
from bpcli.nn.optimizers.rule import rule_statements
from bpcli.team import Team
from bpcli.training.recipe import Recipe
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
        cut = pieces(slice(0, theta.size) if shared is None else shared.own)
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
        state, size, buffers = piece.state, piece.theta.size, self.buffers[member]
        state.step = self.state.step
        state.buffers = {name: buffer[:size] for name, buffer in buffers.own.items()}
        state.dtheta = buffers.sums(batch, size)[0] if batch.leaves_sums else self.state.dtheta[piece.entries]
        theta = piece.theta if self.shared is None else buffers.theta[:size]
        if theta is piece.theta:
            return self.rule.step(theta, state, gradient, rate)
        np.copyto(theta, piece.theta)
        state.weights = tuple(theta[W] for W in piece.weights)
        added = self.rule.step(theta, state, gradient, rate)
        np.copyto(piece.theta, theta)  # a copy need not wait for memory that other ranks have read, as arithmetic does
        return added

    def _finish(self, batch: Batch, piece: Piece, member: int) -> None:
        """Add up the shards' entries of a piece, where that is left to be done."""
        if batch.leaves_sums:
            batch.sum_in(self.buffers[member].sums(batch, piece.theta.size), piece.entries)

    def _piece(self, entries: slice, weights: Iterable[slice]) -> Piece:
        state, theta, start = self.state, self.theta[entries], entries.start
        memory = {name: kept[entries] for name, kept in state.memory.items()}
        within = [slice(max(start, W.start) - start, min(entries.stop, W.stop) - start) for W in weights]
        within = [part for part in within if part.start < part.stop]
        own = OptimizerState(memory, {}, state.dtheta[entries], tuple(theta[part] for part in within))
        return Piece(entries, theta, within, own)


class _Buffers:
    """The buffers of a thread, as long as the longest piece: the rule's own, of θ, and those of sums of gradients."""

    def __init__(self, state: OptimizerState, longest: int) -> None:
        self.own = {name: np.empty(longest, buffer.dtype) for name, buffer in state.buffers.items()}
        self.theta = np.empty(longest, state.dtheta.dtype)
        self._sums: list[Array] = []
        self._longest, self._dtype = longest, state.dtheta.dtype

    def sums(self, batch: Batch, size: int) -> list[Array]:
        """Buffers for the sums of a batch's shards on a piece of this size."""
        while len(self._sums) < batch.levels:
            self._sums.append(np.empty(self._longest, self._dtype))
        return [buffer[:size] for buffer in self._sums]
