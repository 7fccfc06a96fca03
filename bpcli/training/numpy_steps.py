"""The steps of the NumPy engine, the reference."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from time import perf_counter

import numpy as np

from bpcli.data.sources import Examples
from bpcli.nn import IndexArray
from bpcli.nn.network import Network
from bpcli.nn.optimizers import Optimizer
from bpcli.nn.workspace import Workspace
from bpcli.training.batch_results import Count, count, together
from bpcli.training.shards import Gradients
from bpcli.training.state import TrainingState, diverged


class NumpySteps:
    """Steps on batches of whatever size, on NumPy; large batches may be computed in shards, see ``gradients``."""

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        state: TrainingState,
        examples: Examples,
        shards: int = 1,
        threads: int = 1,
    ) -> None:
        self.network, self.optimizer, self.state = network, optimizer, state
        self.gradients = Gradients(network, state.theta, state.optimizer.dtheta, examples, shards, threads)
        self.sharded = shards > 1
        self.counts: dict[tuple[int, int], Count] = {}

    def prepare(self, batch_size: int) -> Iterator[str]:
        """Nothing need be."""
        return iter(())

    def run(self, order: IndexArray, batch_size: int, deadline: float) -> None:
        """Step through ``order`` from the state's position until it ends or time is up."""
        state, size = self.state, len(order)
        with np.errstate(all="ignore"):
            while state.position < size:
                m = min(batch_size, size - state.position)
                batches = 1 if self.sharded else min(together(m), (size - state.position) // m)
                self._steps(order[state.position : state.position + batches * m], m)
                state.position += batches * m
                if perf_counter() >= deadline:
                    return

    def _steps(self, examples: IndexArray, m: int) -> None:
        """A step for every m examples; their losses and outputs are then counted together."""
        state, optimizer = self.state, self.optimizer
        done: list[list[Workspace]] = []
        for slot, start in enumerate(range(0, len(examples), m)):
            gradient, workspaces = self.gradients.at(examples[start : start + m], slot)
            optimizer.step(state.theta, state.optimizer, gradient)
            done.append(workspaces)
        scale = self.network.scale(m)
        total = self._counted(done, m)
        if not isfinite(total):  # of one batch, or of several together in their precision
            total = self._one_by_one(done, scale)
        state.loss_sum += total * scale * (m if self.network.head.loss.examples == "mean" else 1)

    def _counted(self, done: list[list[Workspace]], m: int) -> float:
        """The sum of the losses before any division; several batches have one workspace each."""
        if len(done) == 1:
            return sum(count(self.network, ws, self.state.tally) for ws in done[0])
        key = m, len(done)
        if key not in self.counts:
            self.counts[key] = Count(self.network, *key, self.state.theta.dtype)
        return self.counts[key].add([ws for (ws,) in done], self.state.tally)

    def _one_by_one(self, done: list[list[Workspace]], scale: float) -> float:
        """The sum of the losses before any division, each batch by itself.

        Raises:
            DivergedError: the loss of a step is not finite; the first one is told.
        """
        totals = [sum(float(self.network.total(ws)) for ws in batch) for batch in done]
        for later, total in zip(reversed(range(len(totals))), totals, strict=True):
            if not isfinite(total * scale):
                self.state.optimizer.step -= later
                raise diverged(f"the loss ({total * scale})", self.state.epoch + 1, self.state.optimizer.step)
        return sum(totals)
