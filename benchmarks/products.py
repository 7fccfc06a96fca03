"""Matrix products of the compiled engine beside NumPy's BLAS, one core: ``python -m benchmarks.products``.

Of each product the µs, the best of all rounds, taken in turn, and the rate.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.in_turn import best_in_turn, digits, head, row
from bpcli.nn import Array
from bpcli.scaling.compiled_products import working_memory
from bpcli.training.compiled.products import accumulate, product, product_along_rows
from bpcli.training.compiled.routines import kept_function

Made = tuple[Callable[[], Any], Callable[[], Any]]
"""Many products of compiled code, and one of BLAS."""

TIMES = 20
"""Products in a call of compiled code: a kernel calls them from inside, not from Python."""


def upwards(W: Array, X: Array, out: Array, room: Array) -> None:
    """Z ← W X, X in Fortran order."""
    for _ in range(TIMES):
        product_along_rows(W, X, out, room)


def update(W: Array, dZ: Array, A: Array, factor: Any, room: Array) -> None:
    """W ← W + factor · dZ Aᵀ."""
    for _ in range(TIMES):
        accumulate(factor, dZ, A.T, W, room)


def downwards(W: Array, dZ: Array, out: Array, room: Array) -> None:
    """dA ← Wᵀ dZ."""
    for _ in range(TIMES):
        product(W.T, dZ, out, room)


def _upwards(n: int, below: int, m: int) -> Made:
    W, X, out = numbers(n, below), np.asfortranarray(numbers(below, m)), numbers(n, m)
    return partial(kept_function(upwards), W, X, out, working_memory()), partial(np.dot, W, X, out)


def _update(n: int, below: int, m: int, *, of_inputs: bool = False) -> Made:
    W, dZ, A, spare = numbers(n, below), numbers(n, m), numbers(below, m), numbers(n, below)
    A = np.asfortranarray(A) if of_inputs else A
    factor = np.float32(-1e-9)

    def by_blas() -> None:
        np.dot(dZ, A.T, spare)
        np.multiply(spare, factor, spare)
        np.add(W, spare, W)

    return partial(kept_function(update), W, dZ, A, factor, working_memory()), by_blas


def _downwards(n: int, below: int, m: int) -> Made:
    W, dZ, out = numbers(n, below), numbers(n, m), numbers(below, m)
    return partial(kept_function(downwards), W, dZ, out, working_memory()), partial(np.dot, W.T, dZ, out)


def numbers(*shape: int) -> Array:
    """Random ones, float32."""
    return np.random.default_rng(0).random(shape, np.float32)


PRODUCTS: dict[str, tuple[Callable[[], Made], float]] = {
    "784-30-10, batch 10: Z₁ = W₁X": (partial(_upwards, 30, 784, 10), 30 * 784 * 10),
    "784-128-10, batch 32: Z₁": (partial(_upwards, 128, 784, 32), 128 * 784 * 32),
    "784-128-10, batch 32: W₁ − η dZ₁Xᵀ": (partial(_update, 128, 784, 32, of_inputs=True), 128 * 784 * 32),
    "784-512-512-10, batch 128: Z₁": (partial(_upwards, 512, 784, 128), 512 * 784 * 128),
    "784-512-512-10, batch 128: W₂ − η dZ₂A₁ᵀ": (partial(_update, 512, 512, 128), 512 * 512 * 128),
    "784-512-512-10, batch 128: dA₁ = W₂ᵀdZ₂": (partial(_downwards, 512, 512, 128), 512 * 512 * 128),
    "64-32-10, batch 32: Z₁": (partial(_upwards, 32, 64, 32), 32 * 64 * 32),
}
"""How each is made, and its multiplications."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.products", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, metavar="N")
    rounds = parser.parse_args().rounds
    threadpool_limits(1, "blas")
    print(head("product", "bp, µs", "BLAS, µs", "bp, GFLOP/s", "BLAS, GFLOP/s"))
    for name, (made, multiplications) in PRODUCTS.items():
        own, by_blas = made()
        found = best_in_turn({"own": own, "blas": by_blas}, rounds, 0.005)
        found["own"] /= TIMES
        rates = (f"{2e-9 * multiplications / seconds:.0f}" for seconds in found.values())
        print(row(name, *(digits(seconds * 1e6) for seconds in found.values()), *rates))


if __name__ == "__main__":
    main()
