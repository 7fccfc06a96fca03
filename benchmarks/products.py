"""Matrix products of the compiled engine beside NumPy's BLAS, one core: ``python -m benchmarks.products``.

Of each product the µs, the best of all rounds, taken in turn, and the rate. With ``--threads 2`` the compiled products
on one thread beside those on two.
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
from bpcli.training.compiled.crew import Crew
from bpcli.training.compiled.products import accumulate, product, product_along_rows
from bpcli.training.compiled.routines import kept_function
from bpcli.training.compiled.worth import HELP

Made = tuple[Callable[[Array], Any], Callable[[], Any]]
"""Many products of compiled code, in a room for them, and one of BLAS."""

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
    return partial(kept_function(upwards), W, X, out), partial(np.dot, W, X, out)


def _update(n: int, below: int, m: int, *, of_inputs: bool = False) -> Made:
    W, dZ, A, spare = numbers(n, below), numbers(n, m), numbers(below, m), numbers(n, below)
    A = np.asfortranarray(A) if of_inputs else A
    factor = np.float32(-1e-9)

    def by_blas() -> None:
        np.dot(dZ, A.T, spare)
        np.multiply(spare, factor, spare)
        np.add(W, spare, W)

    return partial(kept_function(update), W, dZ, A, factor), by_blas


def _downwards(n: int, below: int, m: int) -> Made:
    W, dZ, out = numbers(n, below), numbers(n, m), numbers(below, m)
    return partial(kept_function(downwards), W, dZ, out), partial(np.dot, W.T, dZ, out)


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
    "784-2048-2048-10, batch 512: Z₂ = W₂A₁": (partial(_upwards, 2048, 2048, 512), 2048 * 2048 * 512),
    "64-32-10, batch 32: Z₁": (partial(_upwards, 32, 64, 32), 32 * 64 * 32),
}
"""How each is made, and its multiplications."""


def beside_blas(rounds: int) -> None:
    """Print the table of one thread and BLAS."""
    print(head("product", "bp, µs", "BLAS, µs", "bp, GFLOP/s", "BLAS, GFLOP/s"))
    for name, (made, multiplications) in PRODUCTS.items():
        own, by_blas = made()
        found = best_in_turn({"own": partial(own, Crew(1).room), "blas": by_blas}, rounds, 0.005)
        found["own"] /= TIMES
        rates = (f"{2e-9 * multiplications / seconds:.0f}" for seconds in found.values())
        print(row(name, *(digits(seconds * 1e6) for seconds in found.values()), *rates), flush=True)


def on_threads(threads: int, rounds: int) -> None:
    """Print the table of those products that threads share out."""
    crews = {f"{count} thread{'s' * (count > 1)}, µs": Crew(count) for count in (1, threads)}
    print(head("product", *crews, "ratio"))
    for name, (made, multiplications) in PRODUCTS.items():
        if multiplications >= HELP:
            own, _ = made()
            runs = {title: partial(crew.run, partial(own, crew.room)) for title, crew in crews.items()}
            one, several = (seconds / TIMES for seconds in best_in_turn(runs, rounds, 0.005).values())
            print(row(name, digits(one * 1e6), digits(several * 1e6), f"{one / several:.2f}"), flush=True)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.products", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, metavar="N")
    parser.add_argument("--threads", type=int, default=1, metavar="N")
    options = parser.parse_args()
    threadpool_limits(1, "blas")
    if options.threads == 1:
        beside_blas(options.rounds)
    else:
        on_threads(options.threads, options.rounds)


if __name__ == "__main__":
    main()
