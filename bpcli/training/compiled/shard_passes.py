"""The gradient of a shard by compiled code, which threads run side by side; the rest of a step is the reference's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.nn.workspace import Workspace
from bpcli.training.compiled.blocks import ROOM
from bpcli.training.compiled.kernels import Kernel, announcement, load_kernel, without_collection
from bpcli.training.compiled.recording import record_gradient
from bpcli.training.compiled.settings import settings_of_network
from bpcli.training.compiled.source import gradient_source
from bpcli.training.shards.buckets import Report
from bpcli.training.shards.passes import PassInputs, ShardPass


class CompiledPasses:
    """Forward and backward of the recipe's network, recorded once for shards of any size."""

    def __init__(self, inputs: PassInputs) -> None:
        self.inputs, self.network = inputs, inputs.recipe.network
        self.sizes = np.array(self.network.sizes, np.int64)
        self.settings = np.array(list(settings_of_network(self.network).values()), np.float64)
        self.kernel: Kernel | None = None

    def prepare(self) -> Iterator[str]:
        """Load or compile the code, once; yield a message before it is compiled."""
        if self.kernel is not None:
            return
        dtype, weighted = self.inputs.dtype, self.inputs.weighted
        program = record_gradient(self.network, dtype, weighted=weighted)
        self.kernel = load_kernel(program, gradient_source)
        if self.kernel.fresh:
            yield announcement(self.kernel, "the gradient of this kind of network")
        ws = self.network.workspace(1, dtype, weighted=weighted, noisy=True)
        theta = np.zeros(self.network.layout.count, dtype)
        arguments = self._arguments(self.kernel, ws, theta, theta, self._nowhere())
        with without_collection():
            self.kernel.run(*arguments, 1.0, self.sizes, self.settings, 1, 0)

    def of(self, ws: Workspace, report: Report | None = None) -> ShardPass:
        """The compiled function on the arrays of a workspace, with buffers of its own for each θ and each gradient."""
        reports = self._nowhere() if report is None else report
        known: dict[tuple[int, int], tuple[Array, Array, list[Array]]] = {}

        def compute(theta: Array, out: Array, scale: Any) -> None:
            kernel = self._loaded()
            key = id(theta), id(out)
            if key not in known:
                known[key] = theta, out, self._arguments(kernel, ws, theta, out, reports)
            kernel.run(*known[key][2], float(scale), self.sizes, self.settings, ws.m, 1)

        return compute

    def _loaded(self) -> Kernel:
        for _ in self.prepare():
            pass
        assert self.kernel is not None
        return self.kernel

    def _nowhere(self) -> Report:
        """Room for reports that nobody reads."""
        return np.zeros(len(self.network.sizes), np.int64)

    def _arguments(self, kernel: Kernel, ws: Workspace, theta: Array, out: Array, report: Report) -> list[Array]:
        """The arrays that the compiled code takes: views of θ and dθ, its buffers, the shard, and where outputs go."""
        noise = [None if one is None else one[None] for one in ws.noise]
        given = ws.X.T, ws.Y, ws.weights, *noise, ws.Z[-1], ws.A[-1]
        buffers = kernel.arrays(theta, out, report, self.sizes, ws.m, np.empty(ROOM, np.uint8))
        return [*buffers, *(array for array in given if array is not None)]
