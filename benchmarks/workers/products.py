"""Matrix products alone: what a step cannot do without, W A, dZ Aᵀ and Wᵀ dZ, and nothing else.

No batch is gathered, nothing is activated or updated. Arrays are made once, in
each layout that may be the fastest; dA_0 is not computed.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from benchmarks.workers.protocol import Task, Trainer, serve
from benchmarks.workloads import Array, Workload

Product = tuple[Callable[..., object], Array, Array, Array]
"""A function, its two operands, and where the result goes."""


class Products:
    """A list of products, done once for each step."""

    def __init__(self, products: list[Product], steps: int) -> None:
        self.products = products
        self.steps = steps

    def reset(self) -> None:
        """Nothing changes."""

    def run(self, measurement: int) -> list[float]:
        """Every product of every step; there is no loss."""
        for _ in range(self.steps):
            for product, left, right, out in self.products:
                product(left, right, out)
        return []


def columns(workload: Workload, *, fortran: bool) -> list[Product]:
    """Examples in columns; X, (n_0, m), by columns or by rows."""
    A, dZ, W = _arrays(workload)
    if fortran:
        A[0] = np.asfortranarray(A[0])
    forward = [(np.dot, w, a, np.empty_like(z)) for w, a, z in zip(W, A, dZ, strict=True)]
    weights = [(np.dot, z, a.T, np.empty_like(w)) for w, a, z in zip(W, A, dZ, strict=True)]
    back = [(np.dot, w.T, z, np.empty_like(a)) for w, a, z in list(zip(W, A, dZ, strict=True))[1:]]
    return [*forward, *weights, *back]


def rows(workload: Workload) -> list[Product]:
    """Examples in rows, W turned: the same products, transposed."""
    A, dZ, W = ([np.ascontiguousarray(array.T) for array in arrays] for arrays in _arrays(workload))
    forward = [(np.dot, a, w, np.empty_like(z)) for w, a, z in zip(W, A, dZ, strict=True)]
    weights = [(np.dot, a.T, z, np.empty_like(w)) for w, a, z in zip(W, A, dZ, strict=True)]
    back = [(np.dot, z, w.T, np.empty_like(a)) for w, a, z in list(zip(W, A, dZ, strict=True))[1:]]
    return [*forward, *weights, *back]


def vectors(workload: Workload) -> list[Product]:
    """A single example: vectors, and dW by a multiplication that spreads them."""
    A, dZ, W = _arrays(workload)
    layers = [(w, a[:, 0].copy(), z[:, 0].copy()) for w, a, z in zip(W, A, dZ, strict=True)]
    forward = [(np.dot, w, a, np.empty_like(z)) for w, a, z in layers]
    weights = [(np.multiply, z[:, None], a[None, :], np.empty_like(w)) for w, a, z in layers]
    back = [(np.dot, w.T, z, np.empty_like(a)) for w, a, z in layers[1:]]
    return [*forward, *weights, *back]


def _arrays(workload: Workload) -> tuple[list[Array], list[Array], list[Array]]:
    """A_0 … A_L-1, dZ_1 … dZ_L, W_1 … W_L of some numbers, in C order."""
    rng, m = np.random.default_rng(0), workload.batch_size
    A = [rng.standard_normal((n, m), dtype=np.float32) for n in workload.sizes[:-1]]
    dZ = [rng.standard_normal((n, m), dtype=np.float32) for n in workload.sizes[1:]]
    W = [rng.standard_normal((n, below), dtype=np.float32) for below, n in pairwise(workload.sizes)]
    return A, dZ, W


def build(task: Task) -> dict[str, Callable[[], Trainer]]:
    """Every layout."""
    workload = task.workload
    layouts: dict[str, Callable[[], list[Product]]] = {
        "examples in columns": lambda: columns(workload, fortran=False),
        "examples in columns, X by columns": lambda: columns(workload, fortran=True),
        "examples in rows": lambda: rows(workload),
    }
    if workload.batch_size == 1:
        layouts["vectors"] = lambda: vectors(workload)
    steps = workload.steps * workload.epochs
    return {name: lambda made=made: Products(made(), steps) for name, made in layouts.items()}  # type: ignore[misc]


if __name__ == "__main__":
    serve(build, {"numpy": np.__version__})
