"""The gradient that trains: on any batch of a source's examples, whole or in shards side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bpcli.data.sources import Examples
from bpcli.nn import Array, IndexArray
from bpcli.nn.transformations import early, finish
from bpcli.nn.workspace import Workspace
from bpcli.team import SERIAL, team_of
from bpcli.training.noise import Noise
from bpcli.training.recipe import Recipe
from bpcli.training.shards.buckets import Reports, buckets_of
from bpcli.training.shards.cutting import block_of, slices
from bpcli.training.shards.division import WHOLE, Division
from bpcli.training.shards.passes import NumpyPasses, PassesOf, PassInputs, ShardPass, Views
from bpcli.training.shards.results import Results, results_from_elsewhere, results_in, sum_in_order
from bpcli.training.shards.summing import Summing

WORTH_A_THREAD = 1e6
"""Multiplications of a shard from which on a thread of its own saves more than it costs."""


@dataclass(frozen=True)
class Shard:
    """Some columns of a batch in a workspace, the pass over it, and the vector of its gradient.

    A batch that is not divided has none: its only shard writes the gradient to where it is wanted.
    """

    number: int
    columns: slice
    ws: Workspace
    compute: ShardPass
    vector: Array | None


class Batch:
    """What batches of m examples are computed with: this process's ``shards``, and the ``results`` of all of them."""

    def __init__(self, gradients: Gradients, m: int, shards: list[Shard], results: list[Results]) -> None:
        self.gradients, self.m, self.shards, self.results = gradients, m, shards, results
        self.workspaces = [shard.ws for shard in shards]
        worth = any(gradients.size * ws.m >= WORTH_A_THREAD for ws in self.workspaces)
        self.team = gradients.team if worth and len(shards) > 1 else SERIAL
        self.summing = Summing(gradients.vectors, len(results), self.team)
        self.fixed = None if gradients.weighted else gradients.network.scale(m)
        self.divided = gradients.division.divides
        self.leaves_sums = (
            self.divided and gradients.scratch is None and (gradients.shared or gradients.ranks.count == 1)
        )
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
        gradients = self.gradients
        self._begin(theta, out, factor)
        if self.divided:
            self.summing.whole(out)
        if gradients.scratch is None:
            return 0.0
        parameters, gradient = gradients.views(theta), gradients.views(out)
        added = finish(gradients.recipe.chain, parameters, gradient, gradients.scratch, self.weigh(), factor)
        if gradients.shared:
            gradients.ranks.wait()  # penalties read all of θ, which others are about to change
        return added

    def begin(self, theta: Array, out: Array, factor: Any) -> Any:
        """The same, but where nothing needs the sum as a whole, it is left to ``summing``, piece by piece."""
        if not self.leaves_sums:
            return self.gradient(theta, out, factor)
        self._begin(theta, out, factor)
        return 0.0

    def collect(self, bucket: int) -> None:
        """Have a further bucket, where :meth:`begin` has left the sum; it has collected the first."""
        if self.leaves_sums:
            self.summing.collect(bucket)

    def _begin(self, theta: Array, out: Array, factor: Any) -> None:
        """Compute every shard."""
        gradients = self.gradients
        scale = gradients.network.scale(self.weigh()) if self.fixed is None else self.fixed
        scale = early(gradients.recipe.chain, factor) * scale
        if not self.divided:
            self.compute(theta, out, scale)
            return
        gradients.reports.clear()
        gradients.vectors.overlap(lambda: self.compute(theta, out, scale), len(self.results), self._done)
        self.summing.collect(0)

    def _done(self, bucket: int) -> bool:
        """Whether this process's shards are done with a bucket."""
        return self.gradients.reports.done(self.gradients.buckets[bucket], len(self.shards))

    def _compute(self, theta: Array, _: Array, scale: Any) -> None:
        shards, network = self.shards, self.gradients.network

        def compute(number: int, _: int) -> None:
            shard = shards[number]
            assert shard.vector is not None, "a divided batch has vectors"
            shard.compute(theta, shard.vector, scale)
            self.results[shard.number].total[0] = np.add.reduce(network.terms(shard.ws))

        self.team.run(len(shards), compute)
        self.gradients.ranks.share([one.shared for one in self.results])

    def total(self) -> float:
        """The sum of the terms of the loss, each times its example's weight."""
        if not self.divided:
            return float(np.add.reduce(self.gradients.network.terms(self.workspaces[0])))
        return sum_in_order(self.results)


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
        *,
        shared: bool = False,
    ) -> None:
        """``shared``: every rank updates its own entries of θ alone, so it needs the sum of no others."""
        self.recipe, self.network, self.examples = recipe, recipe.network, examples
        self.weighted, self.metrics_weighted = examples.weights is not None, examples.metric_weights is not None
        self.division, self.size, self.shared = division, theta.size, shared
        self.ranks = division.working
        layers, overlaps = self.network.layout.layers, self.ranks.overlaps
        self.buckets = buckets_of(layers, dtheta.itemsize, overlaps=overlaps)
        entries = [bucket.entries for bucket in self.buckets]
        self.vectors = self.ranks.vectors(division.shards if division.divides else 0, dtheta, entries)
        self.reports = Reports(max(1, len(self.vectors.gradients)), len(self.network.layers))
        self.views = Views(self.network, [theta, dtheta, *self.vectors.gradients])
        self.parameters, self.gradient = self.views(theta), self.views(dtheta)
        self.scratch = self.network.parameters(np.zeros_like(dtheta)) if recipe.chain else None
        self.team = team_of(division.threads)
        self.passes = passes(PassInputs(recipe, self.views, theta.dtype, self.weighted, division.shards, self.team))
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
        vectors: list[Array | None] = [*self.vectors.gradients] or [None]
        for number, vector in zip(own, vectors, strict=False):
            cut = cuts[number]
            ws = self.network.workspace(cut.stop - cut.start, dtype, **given)
            report = self.reports.of_shard[number - own.start] if len(self.buckets) > 1 else None
            shards.append(Shard(number, cut, ws, self.passes.of(ws, report), vector))
        return shards

    def _siblings(self, m: int) -> list[Shard]:
        beside = [(shard, shard.ws.sibling()) for shard in self.batches[m, 0].shards]
        return [replace(shard, ws=ws, compute=self.passes.of(ws)) for shard, ws in beside]
