"""An update of θ by the rule: whole vectors at a time, or piece by piece where the rule's arithmetic is elementwise.

A rule of ten operations passes over its vectors ten times. Where they do not fit into the cache, each pass
reads them from memory; piece by piece they are read once, threads take pieces side by side, and
the gradients of shards are added up just before they are needed. No bit changes.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from bpcli.training.shards.update_pieces import Buffers, Piece, piece_of


def elementwise(rule: Optimizer, size: int) -> bool:
    """Whether the rule may see θ of this size piece by piece.

    It says that each entry of a step follows from the same entry of θ, of the gradient at θ and of what it remembers.
    """
    stated = rule_statements(rule)
    shapes = [*(kept.shape for kept in rule.memory(size).values()), *rule.buffers(size).values()]
    return stated.elementwise and stated.gradient_at == AT_THETA and all(shape == (size,) for shape in shapes)


def each_its_own(*, by_entry: bool, constrained: bool, remembers: bool, one_host: bool) -> bool:
    """Whether ranks may each update their own entries of θ, which all of a host then have in common.

    ``by_entry``: the rule may, as :func:`elementwise` says. A constraint on layers changes θ after an update, as a
    whole. What a rule remembers is whole on a host; between hosts it would be nowhere.
    """
    return by_entry and not constrained and (one_host or not remembers)


def shared_out(recipe: Recipe, size: int, ranks: Ranks) -> bool:
    """Whether each of several ranks updates its own entries of θ."""
    may = each_its_own(
        by_entry=elementwise(recipe.optimizer, size),
        constrained=bool(recipe.network.constrained),
        remembers=bool(recipe.optimizer.memory(size)),
        one_host=ranks.hosts == 1,
    )
    return may and ranks.count > 1 and size >= ranks.count


class Updates:
    """Updates of θ, one after the other; of ``shared`` entries, where each of several ranks updates its own of them."""

    def __init__(
        self,
        rule: Optimizer,
        theta: Array,
        state: OptimizerState,
        weights: Sequence[slice],
        team: Team,
        shared: Vectors | None = None,
        order: Sequence[slice] = (),
    ) -> None:
        """``order``: all of θ's entries, in the order in which threads share them out; by default as they lie."""
        self.rule, self.theta, self.state, self.team, self.shared = rule, theta, state, team, shared
        arrays = 2 + len(state.memory) + len(state.buffers)
        parts = order or [slice(0, theta.size)]
        alone = [piece for part in parts for piece in pieces(part, arrays)]
        cut = [alone] if shared is None else [pieces(own) for own in shared.own]
        whole = (shared is None and len(cut[0]) == 1) or not elementwise(rule, theta.size)
        self.buckets = [] if whole else [[piece_of(theta, state, weights, one) for one in of] for of in cut]
        longest = max((piece.theta.size for of in self.buckets for piece in of), default=0)
        self.buffers = [Buffers(state, longest) for _ in range(team.size)] if self.buckets else []

    def make(self, batch: Batch, rate: Any) -> Any:
        """Make an update on a batch by η = ``rate``; return what the chain adds to the loss."""
        if not self.buckets:
            return update(self.rule, self.theta, self.state, batch.gradient, rate)
        if self.shared is not None:
            batch.gradients.ranks.wait()  # another rank may still read what the rule remembers, such as to save it
        self.state.step += 1
        first, *rest = self.buckets[0]

        def begin(_: Array, __: Array, factor: Any) -> Any:
            added = batch.begin(self.theta, self.state.dtheta, factor)
            self._finish(batch, first, 0)
            return added

        added = self._step(batch, first, 0, begin, rate)
        self._go_on(batch, 0, rest, rate)
        for bucket, of in enumerate(self.buckets[1:], start=1):
            batch.collect(bucket)
            self._go_on(batch, bucket, of, rate)
        if self.shared is not None:
            self.shared.assemble()
        return added

    def _go_on(self, batch: Batch, bucket: int, left: list[Piece], rate: Any) -> None:
        """Change the pieces that are left of a bucket, and show it."""

        def change(number: int, member: int) -> None:
            piece = left[number]
            self._step(batch, piece, member, lambda *_: self._finish(batch, piece, member), rate)

        self.team.run(len(left), change)
        if self.shared is not None:
            self.shared.show(self.theta, bucket)

    def _step(self, batch: Batch, piece: Piece, member: int, gradient: Gradient, rate: Any) -> Any:
        """Let the rule change a piece of θ, in the buffers of a thread."""
        state, buffers = piece.state, self.buffers[member].of(piece, batch.summing.levels)
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
            batch.summing.piece(self.buffers[member].of(piece, batch.summing.levels).sums, piece.entries)
