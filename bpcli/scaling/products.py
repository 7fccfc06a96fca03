"""The arithmetic of this machine, measured: products of the shapes that training uses, a pass over memory, calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import accumulate, pairwise
from time import perf_counter
from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.nn.activations import Relu, Softmax
from bpcli.nn.heads import join
from bpcli.nn.losses import CrossEntropy
from bpcli.nn.network import dense
from bpcli.scaling.arithmetic import MEASURED_ITEMSIZE, Arithmetic
from bpcli.scaling.job import Job

UNITS = (8, 32, 128, 512, 2048)
"""Of the narrower side of layers: from an output of some classes to the widest layer of usual networks."""

COLUMNS = (1, 8, 16, 32, 64, 128, 256, 512)
"""Of shards."""

LEAST_INPUTS = 256
"""Of the layers measured: the other side of a narrow layer is usually wider."""

SHORTEST, ROUNDS = 0.015, 3
"""Seconds that a shape is measured for at least, and how often."""

LONG = 1 << 23
"""Entries of the arrays of a pass over memory: more than caches hold."""

SMALL = (4, 4, 4, 4)
"""Units of the network whose steps consist of calls."""


Rate = Callable[[int, int, int, Any], float]
"""Multiplications a second of a layer's products, by its units, its inputs, the columns and their dtype."""


def measure(
    units: tuple[int, ...] = UNITS,
    columns: tuple[int, ...] = COLUMNS,
    dtype: Any = np.float32,
    *,
    compiled: bool = False,
) -> Arithmetic:
    """Measure one core, some two seconds, by BLAS or by compiled products; each figure is of the best round.

    More columns are never slower, so a rate below that of fewer columns was disturbed, and is that.
    """
    rate: Rate = compiled_rate if compiled else blas_rate
    measured = [[rate(n, max(n, LEAST_INPUTS), c, dtype) for c in columns] for n in units]
    rates = tuple(tuple(accumulate(of_units, max)) for of_units in measured)
    return Arithmetic(units, columns, rates, _memory(dtype), _call())


def measure_for(job: Job, shards: Iterable[int]) -> Arithmetic:
    """Measure one core on the shapes of a job cut into so many shards, and no others, by its engine's products."""
    units = {min(below, units, UNITS[-1]) for below, units in pairwise(job.sizes)}
    columns = {min(-(-job.batch_size // count), COLUMNS[-1]) for count in shards}
    dtype = {4: np.float32, 8: np.float64}[job.itemsize]
    found = measure(tuple(sorted(units)), tuple(sorted(columns)), dtype, compiled=job.compiled)
    in_float32 = job.itemsize / MEASURED_ITEMSIZE
    return replace(found, rates=tuple(tuple(rate * in_float32 for rate in row) for row in found.rates))


def best(run: Callable[[], Any]) -> float:
    """The seconds of the quickest of many runs, after one that is not counted."""
    run()
    found: list[float] = []
    end = perf_counter() + SHORTEST
    while len(found) < ROUNDS or perf_counter() < end:
        start = perf_counter()
        run()
        found.append(perf_counter() - start)
    return min(found)


def blas_rate(units: int, inputs: int, columns: int, dtype: Any) -> float:
    """Multiplications a second in the three products of a layer, together, by BLAS."""
    W, X, Z, dW, dA = _layer(units, inputs, columns, dtype)

    def products() -> None:
        W.dot(X, Z)
        Z.dot(X.T, dW)
        W.T.dot(Z, dA)

    return 3 * units * inputs * columns / best(products)


def compiled_rate(units: int, inputs: int, columns: int, dtype: Any) -> float:
    """Multiplications a second in the three products of a layer, together, as the compiled engine computes them.

    One column is a vector to it, which takes it as long as BLAS.
    """
    if columns == 1:
        return blas_rate(units, inputs, columns, dtype)
    from bpcli.scaling.compiled_products import compiled, working_memory

    W, X, Z, dW, dA = _layer(units, inputs, columns, dtype)
    run, room, X = compiled(), working_memory(), np.asfortranarray(X)
    return 3 * units * inputs * columns / best(lambda: run(W, X, Z, dW, dA, room))


def _layer(units: int, inputs: int, columns: int, dtype: Any) -> list[Array]:
    """W, X, Z, dW and dA of a layer."""
    rng = np.random.default_rng(0)
    shapes = (units, inputs), (inputs, columns), (units, columns), (units, inputs), (inputs, columns)
    return [rng.random(shape).astype(dtype) for shape in shapes]


def _memory(dtype: Any) -> float:
    theta, step = np.ones(LONG, dtype), np.ones(LONG, dtype)
    return 3 * theta.nbytes / best(lambda: np.subtract(theta, step, theta))


def _call() -> float:
    """Seconds of a layer forward and backward where there is next to nothing to compute."""
    loss = CrossEntropy()
    network = dense(SMALL, tuple(Relu() for _ in SMALL[1:-1]), join(Softmax(), loss))
    theta, dtheta = (network.parameters(np.zeros(network.layout.count, np.float32)) for _ in range(2))
    ws = network.workspace(1, np.float32)
    ws.X[...], ws.Y[...] = 1, 0

    def step() -> None:
        network.forward(theta, ws)
        network.backward(theta, dtheta, ws, 1.0)

    return best(step) / len(network.layers)
