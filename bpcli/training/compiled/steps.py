"""Training by compiled code: many steps in one call, on examples gathered a portion at a time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import isfinite
from time import perf_counter
from typing import Any

import numpy as np

from bpcli.data.sources import Examples
from bpcli.nn import Array, IndexArray
from bpcli.training.compiled.ahead import Ahead
from bpcli.training.compiled.crew import Crew
from bpcli.training.compiled.kernels import Kernel, announcement, load_kernel, without_collection
from bpcli.training.compiled.portions import PORTION, Portion, Portions
from bpcli.training.compiled.recording import record
from bpcli.training.compiled.settings import settings_of
from bpcli.training.compiled.source import step_source
from bpcli.training.compiled.worth import helpful
from bpcli.training.noise import Noise
from bpcli.training.orders import Orders
from bpcli.training.recipe import Recipe
from bpcli.training.state import TrainingState, diverged


class CompiledSteps:
    """Steps on batches of whatever size; the same walk as the reference's."""

    def __init__(self, recipe: Recipe, state: TrainingState, examples: Examples, threads: int = 1) -> None:
        self.recipe, self.state, self.examples, self.size = recipe, state, examples, examples.size
        self.network = recipe.network
        self.sizes = np.array(self.network.sizes, np.int64)
        self.settings = np.array(list(settings_of(recipe).values()), np.float64)
        self.kernel: Kernel | None = None
        self.arrays: list[Array] = []
        self.widest = 0
        self.counted_outside = state.tallies.unrecorded()
        self.noise = Noise(recipe, state.theta.dtype)
        handed_out = bool(self.counted_outside.by_kind)
        self.portions = Portions(self.network, state, examples, self.noise, handed_out=handed_out)
        self.batch_size = min(recipe.plan.batch_size, self.size)
        self.crew = Crew(threads if helpful(self.network.sizes, self.batch_size) else 1)
        self.ahead = Ahead(state, self._room(), self.size, -(-self.size // self.batch_size))
        self.no_rows = self.ahead.rows(0)

    def _room(self) -> int:
        """How many epochs can be taken in one call: those of a portion, if all that they need is gathered at once."""
        if self.noise.exists or self.counted_outside.by_kind:
            return 0
        written = sum(array.size for array in self.state.tensors().values())
        return min(self.portions.examples_at_once(self.batch_size) // self.size, PORTION // written)

    def prepare(self, batch_size: int) -> Iterator[str]:
        """Load or compile the code, once; yield a message before it is compiled.

        Batches of one example have a program of their own.
        """
        if self.kernel is not None:
            return
        single, dtype = batch_size == 1, self.state.theta.dtype
        examples = self.examples
        program = record(
            self.recipe,
            self.state.tallies,
            dtype,
            single=single,
            weighted=examples.weights is not None,
            metrics_weighted=examples.metric_weights is not None,
        )
        self.kernel = load_kernel(program, step_source)
        if self.kernel.fresh:
            yield announcement(self.kernel, "the steps of this kind of network" + ", for single examples" * single)
        with without_collection():
            self.crew.prepare()
            self._take(np.arange(0), batch_size)

    def ended(self) -> str:
        """There is always another step."""
        return ""

    def follow(self, orders: Orders, deadline: float) -> float:
        """Step through the epoch that the state is in; several short ones are taken together."""
        state, ahead = self.state, self.ahead
        planned = orders.plan.epochs - state.epoch
        if state.position == 0 and ahead.take(planned, partial(self._take_epochs, orders)):
            ahead.hand_over()
            return ahead.share - ahead.seconds
        self.run(orders.of(state.epoch + 1), orders.plan.batch_size, deadline)
        return 0.0

    def along(self) -> Ahead | None:
        """The epochs that were taken together with the last one."""
        return self.ahead if len(self.ahead) else None

    def _take_epochs(self, orders: Orders, count: int, rows: list[Array]) -> tuple[int, list[float]]:
        """Take so many epochs, and write down what lasts after each."""
        for _ in self.prepare(orders.plan.batch_size):
            pass
        state, m, updates = self.state, self.batch_size, self.ahead.updates
        whole, last = divmod(self.size, m)
        different = count if orders.plan.shuffle else 1
        order = np.concatenate([orders.of(state.epoch + 1 + k) for k in range(different)])
        portion, step = self.portions.gathered(order, m), state.optimizer.step
        rates = self.recipe.rates(step, count * updates, self.recipe.course(self.size, state.plateau.reductions))
        taken, *_ = self.crew.run(lambda: self._call(rows, portion, rates, m, whole, last, count, step))
        return taken, rates[updates - 1 :: updates].tolist()

    def _call(self, rows: list[Array], portion: Portion, rates: Array, m: int, *counts: int) -> Any:
        """What the kernel returns for batches of m examples; the arrays for larger ones serve too."""
        kernel = self.kernel
        assert kernel is not None
        if m > self.widest:
            self.arrays, self.widest = kernel.arrays(*self.ahead.lasting, self.sizes, m, self.crew.room), m
        given = *self.arrays, *rows, *portion.given, rates, self.sizes, self.settings, m, *counts
        return kernel.run(*given)

    def run(self, order: IndexArray, batch_size: int, deadline: float) -> None:
        """Step through ``order`` from the state's position until it ends or time is up."""
        for _ in self.prepare(batch_size):
            pass
        self.crew.run(lambda: self._walk(order, batch_size, deadline))

    def _walk(self, order: IndexArray, batch_size: int, deadline: float) -> None:
        """A portion after the other."""
        state, size, portion = self.state, len(order), self.portions.examples_at_once(batch_size)
        while state.position < size:
            chosen = order[state.position : state.position + portion]
            whole = len(chosen) // batch_size * batch_size
            if whole:
                self._take(chosen[:whole], batch_size)
            else:
                self._take(chosen, len(chosen))
            if perf_counter() >= deadline:
                return

    def _take(self, indices: IndexArray, m: int) -> None:
        """One step after another on the examples ``indices``, in batches of m."""
        state = self.state
        portion = self.portions.gathered(indices, m)
        count, step = len(indices) // m, state.optimizer.step
        rates = self.recipe.rates(step, count, self.recipe.course(self.size, state.plateau.reductions))
        _, done, state.optimizer.step, loss = self._call(self.no_rows, portion, rates, m, count, 0, 1, step)
        state.position += done * m
        if done:
            state.learning_rate = float(rates[done - 1])
        if not isfinite(loss):
            raise diverged(f"the loss ({loss})", state.epoch + 1, state.optimizer.step)
        if count and portion.outputs is not None and portion.scratch is not None:
            with np.errstate(all="ignore"):  # as on the reference's steps
                self.counted_outside.update(portion.outputs, portion.Y, portion.scratch, portion.metric_weights)
