"""The gradient that trains: on any batch of a source's examples, whole or in shards side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bpcli.data.sources import Examples
from bpcli.nn import Array, IndexArray
from bpcli.nn.transformations import early, finish
from bpcli.nn.workspace import Workspace
from bpcli.team import team_of
from bpcli.training.noise import Noise
from bpcli.training.recipe import Recipe
from bpcli.training.shards.adding import Sharing, depth_first, sharing
from bpcli.training.shards.cutting import block_of, pieces, slices
from bpcli.training.shards.passes import NumpyPasses, PassesOf, PassInputs, ShardPass, Views
from bpcli.training.shards.ranks import ALONE, Ranks
from bpcli.training.shards.results import Results, results_from_elsewhere, results_in, sum_in_order

WORTH_A_THREAD = 1e6
"""Multiplications of a shard from which on a thread of its own saves more than it costs."""

SERIAL = team_of(1)


@dataclass(frozen=True)
class Division:
    """How a batch is divided: into ``shards``, computed by ``threads`` of each of the ``ranks``."""

    shards: int = 1
    threads: int = 1
    ranks: Ranks = ALONE

    @property
    def divides(self) -> bool:
        """Whether there is anything to add up; a single shard is computed by every rank, without the others."""
        return self.shards > 1


WHOLE = Division()


@dataclass(frozen=True)
class Shard:
    """Some columns of a batch in a workspace, the pass over it, and room for its part of the gradient.

    The first shard of a process has no ``part``: its own is the vector in which the sum is wanted.
    """

    number: int
    columns: slice
    ws: Workspace
    compute: ShardPass
    part: Array | None


class Batch:
    """What batches of m examples are computed with: this process's ``shards``, and the ``results`` of all of them."""

    def __init__(self, gradients: Gradients, m: int, shards: list[Shard], results: list[Results]) -> None:
        self.gradients, self.m, self.shards, self.results = gradients, m, shards, results
        self.workspaces = [shard.ws for shard in shards]
        self.tree, self.sums = gradients.tree(len(results)), depth_first(len(results))
        self.levels = (len(results) - 1).bit_length()
        worth = any(gradients.size * ws.m >= WORTH_A_THREAD for ws in self.workspaces)
        self.team = gradients.team if worth and len(shards) > 1 else SERIAL
        self.unfinished = len(shards) > 1 and gradients.scratch is None and gradients.ranks.count == 1
        self.fixed = None if gradients.weighted else gradients.network.scale(m)
        self.divided = gradients.division.divides
        self.compute = self._compute if self.divided else shards[0].compute

    def weigh(self) -> Any:
        """The weight of the examples: m, or the sum of their weights."""
        return sum(one.weight for one in self.results) if self.gradients.weighted else self.m

    def draw(self, noise: Noise, update: int) -> None:
        """Draw the noise of an update, from 0, for the batch as a whole, whatever its shards."""
        for shard in self.shards:
            noise.apply(update, self.m, shard.ws, shard.columns)

    def gradient(self, theta: Array, out: Array, factor: Any) -> Any:
        """Write ``factor`` · ∂L/∂θ into ``out``; return what the chain adds to the loss."""
        added = self.begin(theta, out, factor)
        if self.unfinished:
            self._add_up(out)
        return added

    def begin(self, theta: Array, out: Array, factor: Any) -> Any:
        """Compute every shard; return what the chain adds to the loss.

        Where nothing needs the sum as a whole, it is left to :meth:`sum_in`, piece by piece.
        """
        gradients = self.gradients
        chain, network = gradients.recipe.chain, gradients.network
        scale = network.scale(self.weigh()) if self.fixed is None else self.fixed
        self.compute(theta, out, early(chain, factor) * scale)
        if self.unfinished:
            return 0.0
        if self.divided:
            self._add_up(out)
            gradients.ranks.total(self._nodes(out), self.tree.rest, out)
        if gradients.scratch is None:
            return 0.0
        parameters, gradient = gradients.views(theta), gradients.views(out)
        return finish(chain, parameters, gradient, gradients.scratch, self.weigh(), factor)

    def sum_in(self, buffers: Sequence[Array], out: Array, piece: slice) -> None:
        """Write the sum of the shards' entries ``piece`` into the first buffer; the shards' own stay as they are.

        So the sums stay in a core's cache. ``out`` is the vector that :meth:`begin` got.
        """
        vectors = self._vectors(out)
        for left, right, into in self.sums:
            one, other = (vectors[side][piece] if side >= 0 else buffers[-1 - side] for side in (left, right))
            np.add(one, other, buffers[into])

    def _add(self, out: Array, piece: slice) -> None:
        """Add up the shards' entries ``piece``, in the tree's order."""
        vectors = self._vectors(out)
        for into, of in self.tree.own:
            target = vectors[into][piece]
            np.add(target, vectors[of][piece], target)

    def _compute(self, theta: Array, out: Array, scale: Any) -> None:
        shards, network = self.shards, self.gradients.network

        def compute(number: int, _: int) -> None:
            shard = shards[number]
            shard.compute(theta, out if shard.part is None else shard.part, scale)
            self.results[shard.number].total[0] = np.add.reduce(network.terms(shard.ws))

        self.team.run(len(shards), compute)
        self.gradients.ranks.share([one.shared for one in self.results])

    def total(self) -> float:
        """The sum of the terms of the loss, each times its example's weight."""
        if not self.divided:
            return float(np.add.reduce(self.gradients.network.terms(self.workspaces[0])))
        return sum_in_order(self.results)

    def _add_up(self, out: Array) -> None:
        if self.tree.own:
            parts = pieces(out.size)
            self.team.run(len(parts), lambda number, _: self._add(out, parts[number]))

    def _vectors(self, out: Array) -> dict[int, Array]:
        return {shard.number: out if shard.part is None else shard.part for shard in self.shards}

    def _nodes(self, out: Array) -> dict[int, Array]:
        vectors = self._vectors(out)
        return {first: vectors[first] for first in self.tree.nodes}


class Gradients:
    """∂L/∂θ on any batch: each batch size has its workspaces, made once.

    Batches in other slots have workspaces that keep other outputs, so that several can be looked at together.
    """

    def __init__(
        self,
        recipe: Recipe,
        theta: Array,
        dtheta: Array,
        examples: Examples,
        division: Division = WHOLE,
        passes: PassesOf = NumpyPasses,
    ) -> None:
        self.recipe, self.network, self.examples = recipe, recipe.network, examples
        self.weighted, self.metrics_weighted = examples.weights is not None, examples.metric_weights is not None
        self.division, self.size = division, theta.size
        self.ranks = division.ranks if division.divides else ALONE
        own = len(block_of(self.ranks.index, self.ranks.count, division.shards))
        self.parts = [np.zeros_like(dtheta) for _ in range(own - 1)]
        self.views = Views(self.network, [theta, dtheta, *self.parts])
        self.parameters, self.gradient = self.views(theta), self.views(dtheta)
        self.scratch = self.network.parameters(np.zeros_like(dtheta)) if recipe.chain else None
        self.passes = passes(PassInputs(recipe, self.views, theta.dtype, self.weighted))
        self.team = team_of(division.threads)
        self.batches: dict[tuple[int, int], Batch] = {}

    def at(self, examples: IndexArray, slot: int = 0) -> Batch:
        """The batch of these examples, its workspaces filled."""
        batch = self.batches.get((len(examples), slot))
        if batch is None:
            batch = self.batches[len(examples), slot] = self._batch(len(examples), slot)
        shards = batch.shards

        def gather(number: int, _: int) -> None:
            ws = shards[number].ws
            self.examples.gather(examples[shards[number].columns], ws.X, ws.Y, ws.weights, ws.metric_weights)

        batch.team.run(len(shards), gather)
        if self.weighted:
            self.ranks.share([[one.weights] for one in batch.results if one.weights is not None])
        return batch

    def tree(self, shards: int) -> Sharing:
        """The tree over so many shards, and this process's part of it."""
        blocks = [block_of(rank, self.ranks.count, shards) for rank in range(self.ranks.count)]
        return sharing(shards, blocks, blocks[self.ranks.index])

    def _batch(self, m: int, slot: int) -> Batch:
        """Workspaces for batches of m examples, cut into the shards asked for, at most m."""
        cuts = slices(m, min(self.division.shards, m))
        own = block_of(self.ranks.index, self.ranks.count, len(cuts))
        shards = self._siblings(m) if slot else self._shards(own, cuts)
        given = {"weighted": self.weighted, "metrics_weighted": self.metrics_weighted}
        dtype = self.parameters.theta.dtype
        results = [
            results_in(shards[number - own.start].ws)
            if number in own
            else results_from_elsewhere(self.network, cut.stop - cut.start, dtype, **given)
            for number, cut in enumerate(cuts)
        ]
        return Batch(self, m, shards, results)

    def _shards(self, own: range, cuts: list[slice]) -> list[Shard]:
        given = {"weighted": self.weighted, "metrics_weighted": self.metrics_weighted, "noisy": True}
        dtype, shards = self.parameters.theta.dtype, []
        for number, part in zip(own, [None, *self.parts], strict=False):
            cut = cuts[number]
            ws = self.network.workspace(cut.stop - cut.start, dtype, **given)
            shards.append(Shard(number, cut, ws, self.passes.of(ws), part))
        return shards

    def _siblings(self, m: int) -> list[Shard]:
        beside = [(shard, shard.ws.sibling()) for shard in self.batches[m, 0].shards]
        return [replace(shard, ws=ws, compute=self.passes.of(ws)) for shard, ws in beside]
