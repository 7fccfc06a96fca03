"""The arithmetic of this machine, measured: products of the shapes that training uses, a pass over memory, calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import accumulate, pairwise
from time import perf_counter
from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.nn.activations import Relu, Softmax
from bpcli.nn.heads import join
from bpcli.nn.losses import CrossEntropy
from bpcli.nn.network import dense
from bpcli.nn.noise import INPUT_NOISES, InputNoise
from bpcli.scaling.arithmetic import MEASURED_ITEMSIZE, Arithmetic, Rates
from bpcli.scaling.disturbance import watched
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


DRAWN = 1 << 16
"""Numbers that are drawn at once, to be measured."""

Best = Callable[[Callable[[], Any]], float]
"""The seconds of the quickest of many runs."""

Rate = Callable[[int, int, int, Any, Best], float]
"""Multiplications a second of a layer's products, by its units, its inputs, the columns and their dtype."""


def measure(
    units: tuple[int, ...] = UNITS,
    columns: tuple[int, ...] = COLUMNS,
    dtype: Any = np.float32,
    *,
    compiled: bool = False,
    kinds: Iterable[str] = INPUT_NOISES,
    processes: int = 1,
) -> Arithmetic:
    """Measure one core, some two seconds, and as long again for ``compiled`` products; a figure is of its best round.

    ``kinds`` are those of noise whose drawing is measured. So many ``processes`` of this host measure at once.
    """
    if compiled:
        compiled_rate(units[0], units[0], columns[-1], dtype, lambda run: run() or 1.0)  # compiles
    with watched(processes) as watch:

        def best(run: Callable[[], Any]) -> float:
            seconds = rounds_of(run)
            watch.rounds.append((seconds[0], seconds[len(seconds) // 2]))
            return seconds[0]

        def table(rate: Rate) -> Rates:
            measured = [[rate(n, max(n, LEAST_INPUTS), c, dtype, best) for c in columns] for n in units]
            return tuple(tuple(accumulate(of_units, max)) for of_units in measured)

        of_blas, of_compiled = table(blas_rate), table(compiled_rate) if compiled else None
        memory, call = _memory(dtype, best), _call(best)
        drawing = {kind: _drawing(INPUT_NOISES[kind](), dtype, best) for kind in kinds}
    return Arithmetic(units, columns, of_blas, memory, call, of_compiled, drawing, watch.found)


def measure_for(job: Job, shards: Iterable[int]) -> Arithmetic:
    """Measure one core on the shapes of a job cut into so many shards, and no others, by its engine's products."""
    units = {min(below, units, UNITS[-1]) for below, units in pairwise(job.sizes)}
    columns = {min(-(-job.batch_size // count), COLUMNS[-1]) for count in shards}
    dtype = {4: np.float32, 8: np.float64}[job.itemsize]
    grid, kinds = (tuple(sorted(units)), tuple(sorted(columns))), INPUT_NOISES if job.drawn else ()
    return measure(*grid, dtype, compiled=job.compiled, kinds=kinds).scaled(job.itemsize / MEASURED_ITEMSIZE)


def rounds_of(run: Callable[[], Any]) -> list[float]:
    """The seconds of many runs, the quickest first, after one that is not counted."""
    run()
    found: list[float] = []
    end = perf_counter() + SHORTEST
    while len(found) < ROUNDS or perf_counter() < end:
        start = perf_counter()
        run()
        found.append(perf_counter() - start)
    return sorted(found)


def blas_rate(units: int, inputs: int, columns: int, dtype: Any, best: Best) -> float:
    """Multiplications a second in the three products of a layer, together, by BLAS."""
    W, X, Z, dW, dA = _layer(units, inputs, columns, dtype)

    def products() -> None:
        W.dot(X, Z)
        Z.dot(X.T, dW)
        W.T.dot(Z, dA)

    return 3 * units * inputs * columns / best(products)


def compiled_rate(units: int, inputs: int, columns: int, dtype: Any, best: Best) -> float:
    """Multiplications a second in the three products of a layer, together, as the compiled engine computes them.

    One column is a vector to it, which takes it as long as BLAS.
    """
    if columns == 1:
        return blas_rate(units, inputs, columns, dtype, best)
    from bpcli.scaling.compiled_products import compiled, working_memory

    W, X, Z, dW, dA = _layer(units, inputs, columns, dtype)
    run, room, X = compiled(), working_memory(), np.asfortranarray(X)
    return 3 * units * inputs * columns / best(lambda: run(W, X, Z, dW, dA, room))


def _layer(units: int, inputs: int, columns: int, dtype: Any) -> list[Array]:
    """W, X, Z, dW and dA of a layer."""
    rng = np.random.default_rng(0)
    shapes = (units, inputs), (inputs, columns), (units, columns), (units, inputs), (inputs, columns)
    return [rng.random(shape).astype(dtype) for shape in shapes]


def _memory(dtype: Any, best: Best) -> float:
    theta, step = np.ones(LONG, dtype), np.ones(LONG, dtype)
    return 3 * theta.nbytes / best(lambda: np.subtract(theta, step, theta))


def _drawing(noise: InputNoise, dtype: Any, best: Best) -> float:
    """Seconds in which one number of a kind of noise is drawn."""
    numbers, rng = np.empty(DRAWN, dtype), np.random.default_rng(0)
    return best(lambda: noise.draw(numbers, rng)) / DRAWN


def _call(best: Best) -> float:
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
