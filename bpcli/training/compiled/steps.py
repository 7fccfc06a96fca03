"""Training by compiled code: many steps in one call, on examples gathered a portion at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from math import isfinite
from time import perf_counter

import numpy as np

from bpcli.data.sources import Examples
from bpcli.nn import Array, IndexArray
from bpcli.nn.network import Network
from bpcli.nn.optimizers import Optimizer
from bpcli.training.compiled.kernels import Kernel, load
from bpcli.training.compiled.recording import numbers_of, record
from bpcli.training.state import TrainingState, diverged

PORTION = 1 << 17
"""Numbers gathered at once: few enough to stay in the processor's cache until they are used."""

WORK = 1 << 30
"""Multiplications done at once: few enough that a signal is soon heard."""


class CompiledSteps:
    """Steps on batches of whatever size; the same walk as the reference's."""

    def __init__(self, network: Network, optimizer: Optimizer, state: TrainingState, examples: Examples) -> None:
        self.network, self.optimizer, self.state, self.examples = network, optimizer, state, examples
        self.sizes = np.array(network.sizes, np.int64)
        self.settings = np.array(list(numbers_of(network, optimizer).values()), np.float64)
        self.kernel: Kernel | None = None
        self.arrays: dict[int, list[Array]] = {}
        self.portions: dict[int, tuple[Array, Array]] = {}

    def prepare(self, batch_size: int) -> Iterator[str]:
        """Load or compile the code; batches of one example have a program of their own."""
        if self.kernel is not None:
            return
        single = batch_size == 1
        program = record(self.network, self.optimizer, self.state.tally, self.state.theta.dtype, single=single)
        self.kernel = load(program)
        if not self.kernel.fresh:
            try:
                self._take(np.arange(0), batch_size)
            except Exception:  # noqa: BLE001 - what is kept is damaged, which shows in many ways
                self.arrays.clear()
                self.kernel = load(program, anew=True)
        if self.kernel.fresh:
            kind = "the steps of this kind of network" + ", for single examples" * single
            yield f"compiling {kind}; it is done once"
            with suppress(OSError):  # compiled, but there is no room to keep it
                self._take(np.arange(0), batch_size)

    def run(self, order: IndexArray, batch_size: int, deadline: float) -> None:
        """Step through ``order`` from the state's position until it ends or time is up."""
        deque(self.prepare(batch_size), maxlen=0)
        state, size = self.state, len(order)
        widest = max(self.network.sizes[0], self.network.sizes[-1])
        portion = max(1, min(PORTION // widest, WORK // (3 * len(state.theta))) // batch_size) * batch_size
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
        state, kernel = self.state, self.kernel
        assert kernel is not None
        if m not in self.arrays:
            memory = state.optimizer.memory.values()
            self.arrays[m] = kernel.arrays(state.theta, *memory, state.tally.sums, self.sizes, m)
        portion = self._gathered(indices)
        numbers = self.sizes, self.settings, m, len(indices) // m, state.optimizer.step, state.loss_sum
        done, state.optimizer.step, state.loss_sum, loss = kernel.run(*self.arrays[m], *portion, *numbers)
        state.position += done * m
        if not isfinite(loss):
            raise diverged(f"the loss ({loss})", state.epoch + 1, state.optimizer.step)

    def _gathered(self, indices: IndexArray) -> tuple[Array, Array]:
        """X by rows, and Y as the loss wants it."""
        n = len(indices)
        if n not in self.portions:
            dtype = self.state.theta.dtype
            self.portions[n] = np.empty((n, self.network.sizes[0]), dtype), self.network.targets(n, dtype)
        X, Y = self.portions[n]
        with np.errstate(all="ignore"):  # as on the reference's steps
            self.examples.gather(indices, X.T, Y)
        return X, Y
