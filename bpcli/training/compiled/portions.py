"""Portions of the examples: how many are gathered at once for compiled code, and the arrays that take them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bpcli.data.sources import Examples
from bpcli.nn import Array, IndexArray
from bpcli.nn.network import Network
from bpcli.nn.workspace import OutputScratch, layer_scratch, output_scratch
from bpcli.training.compiled.gathering import gather
from bpcli.training.noise import Noise
from bpcli.training.state import TrainingState

PORTION = 1 << 17
"""Numbers gathered at once: few enough to stay in the processor's cache until they are used."""

WORK = 1 << 30
"""Multiplications done at once: few enough that a signal is soon heard."""


@dataclass(frozen=True)
class Portion:
    """Examples gathered at once: X by rows, Y as the loss wants it, and their weights where they have any.

    ``noise`` is by layer, (batches, n_l, m), None for a layer without any.
    ``outputs``, (n_L, n), and ``scratch`` are there where tallies are counted outside of the compiled code.
    """

    X: Array
    Y: Array
    weights: Array | None
    metric_weights: Array | None
    noise: list[Array | None]
    outputs: Array | None = None
    scratch: OutputScratch | None = None

    @property
    def given(self) -> list[Array]:
        """The arrays that the compiled code takes, in the order of its arguments."""
        every = self.X, self.Y, self.weights, self.metric_weights, *self.noise, self.outputs
        return [array for array in every if array is not None]


class Portions:
    """Portions of a training's examples, in arrays that are made once for each size.

    With ``handed_out`` they have room for outputs.
    """

    def __init__(
        self, network: Network, state: TrainingState, examples: Examples, noise: Noise, *, handed_out: bool
    ) -> None:
        self.network, self.state, self.examples, self.noise = network, state, examples, noise
        self.handed_out = handed_out
        self.known: dict[tuple[int, int], Portion] = {}

    def examples_at_once(self, batch_size: int) -> int:
        """How many examples are gathered at once."""
        drawn = sum(self.network.sizes[l] for l in self.network.noisy)
        widest = max(self.network.sizes[0], self.network.sizes[-1], drawn)
        return max(1, min(PORTION // widest, WORK // (3 * len(self.state.theta))) // batch_size) * batch_size

    def gathered(self, indices: IndexArray, m: int) -> Portion:
        """The examples ``indices`` in batches of m, with their noise and room for their outputs."""
        n, step = len(indices), self.state.optimizer.step
        if (n, m) not in self.known:
            self.known[n, m] = self._portion(n, m)
        portion = self.known[n, m]
        with np.errstate(all="ignore"):  # as on the reference's steps
            gather(self.examples, indices, portion.X.T, portion.Y, portion.weights, portion.metric_weights)
            if self.noise.exists:
                self.noise.fill(step, m, portion.noise)
                self.noise.perturb(step, m, portion.X.reshape(n // m, m, self.network.sizes[0]))
        return portion

    def _portion(self, n: int, m: int) -> Portion:
        """Room for n examples in batches of m."""
        dtype, examples, sizes = self.state.theta.dtype, self.examples, self.network.sizes
        portion = Portion(
            X=np.empty((n, sizes[0]), dtype),
            Y=self.network.targets(n, dtype),
            weights=None if examples.weights is None else np.empty(n, dtype),
            metric_weights=None if examples.metric_weights is None else np.empty(n, dtype),
            noise=[
                np.empty((n // m, units, m), dtype) if l in self.network.noisy else None
                for l, units in enumerate(sizes)
            ],
        )
        if not self.handed_out:
            return portion
        scratch = output_scratch(layer_scratch(sizes[-1], n, dtype))
        return replace(portion, outputs=np.empty((sizes[-1], n), dtype), scratch=scratch)
