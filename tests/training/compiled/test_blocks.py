"""Products by tiles: right at every edge, in one order of summing, and as IEEE says with what is not finite."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pytest

from bpcli.nn import Array

pytest.importorskip("numba")

from numba import njit, types

from bpcli.training.compiled import product_parts
from bpcli.training.compiled.blocks import DEEP, ROOM
from bpcli.training.compiled.crew import Crew
from bpcli.training.compiled.tiles import ROWS, VECTORS
from bpcli.training.compiled.vectors import VECTOR

ROWS_OF_BYTES = types.Array(types.uint8, 1, "C")


def matrix_of(kind: Any) -> Any:
    """The type of matrices of all layouts."""
    return types.Array(kind, 2, "A")


@njit([
    types.void(kind, matrix_of(kind), matrix_of(kind), types.boolean, matrix_of(kind), ROWS_OF_BYTES)
    for kind in (types.float32, types.float64)
], nogil=True)  # fmt: skip
def multiply(factor, left, right, keep, out, room):  # type: ignore[no-untyped-def]
    """The function for compiled code, for Python."""
    product_parts.multiply(factor, left, right, keep, out, room)


GARBAGE = np.full(ROOM + 64, 255, np.uint8)
"""Working memory full of NaN, of which none may reach a result, and what lies behind it."""

kinds = pytest.mark.parametrize("kind", [np.float32, np.float64])


def shapes(kind: Any) -> Iterator[tuple[int, int, int]]:
    """Sizes one below, at and one above each edge of tiles, panels and blocks, in turn, and primes."""
    lanes = VECTOR // np.dtype(kind).itemsize
    width = VECTORS * lanes
    for n, m in product((1, ROWS - 1, ROWS, ROWS + 1, 29), (1, lanes - 1, lanes, lanes + 1, width, width + 1, 61)):
        yield from ((n, k, m) for k in (1, lanes, 23))
    yield from ((ROWS + 1, k, width + 1) for k in (lanes - 1, lanes + 1, DEEP - 1, DEEP, DEEP + 1, 2 * DEEP + 3))
    yield from ((n, 5, 3) for n in (127, 128, 129, 131))
    yield from ((3, 5, m) for m in (255, 256, 257, 511, 513))
    yield 131, 2 * DEEP, 515


def layouts(left: Array, right: Array) -> Iterator[tuple[Array, Array]]:
    """The factors by rows and by columns, and with gaps."""
    gaps = np.repeat(np.repeat(left, 2, axis=0), 3, axis=1)[::2, ::3]
    for one in (left, np.asfortranarray(left), gaps):
        yield from ((one, right), (one, np.asfortranarray(right)))


@kinds
def test_products_are_those_of_numpy_at_every_edge(kind: Any) -> None:
    rng = np.random.default_rng(0)
    for n, k, m in shapes(kind):
        left, right, old = (rng.normal(size=shape).astype(kind) for shape in ((n, k), (k, m), (n, m)))
        expected, bound = left.astype(float) @ right, 2 * k * np.finfo(kind).eps * (np.abs(left) @ np.abs(right) + 1)
        for one, other in layouts(left, right):
            out = np.full((n, m), np.nan, kind)
            multiply(kind(1), one, other, False, out, GARBAGE)
            assert (np.abs(out - expected) <= bound).all(), (n, k, m)
            added = old.copy()
            multiply(kind(-0.5), one, other, True, added, GARBAGE)
            assert (np.abs(added - (old - 0.5 * expected)) <= bound + np.abs(old) * np.finfo(kind).eps).all(), (n, k, m)
    assert (GARBAGE[ROOM:] == 255).all()


@kinds
def test_no_bit_depends_on_how_many_threads_share_a_product(kind: Any) -> None:
    rng = np.random.default_rng(4)
    for n, k, m in ((1, 1100, 929), (131, 513, 33), (1030, 19, 61), (33, 64, 515), (257, 300, 17)):
        left, right, old = (rng.normal(size=shape).astype(kind) for shape in ((n, k), (k, m), (n, m)))
        alone = old.copy()
        for one, other in layouts(left, right):
            alone[...] = old
            multiply(kind(-0.3), one, other, True, alone, GARBAGE)
            for threads in (2, 3, 5, 16):
                crew, shared, unaided = Crew(threads), old.copy(), old.copy()
                crew.run(partial(multiply, kind(-0.3), one, other, True, shared, crew.room))
                multiply(kind(-0.3), one, other, True, unaided, crew.room)  # cut as it would be for others
                assert shared.tobytes() == unaided.tobytes() == alone.tobytes(), (n, k, m, threads)


def test_what_lies_around_the_result_stays() -> None:
    around = np.full((40, 90), 7.0, np.float32)
    out = around[3:37, :][:, 5:70]
    multiply(np.float32(1), np.ones((34, 3), np.float32), np.ones((3, 65), np.float32), False, out, GARBAGE)
    assert (out == 3).all()
    assert around.sum() == 7 * (40 * 90 - 34 * 65) + 3 * 34 * 65


@kinds
def test_nothing_is_read_or_written_behind_the_end_of_an_array(kind: Any) -> None:
    """Each array ends where a page begins that nobody may touch; a wrong access ends the process."""
    protect, mapped = ctypes.CDLL(None).mprotect, []

    def guarded(array: Array) -> Array:
        size = -(-array.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
        mapped.append(mmap.mmap(-1, size + mmap.PAGESIZE))
        start = ctypes.addressof(ctypes.c_char.from_buffer(mapped[-1]))
        assert protect(ctypes.c_void_p(start + size), mmap.PAGESIZE, 0) == 0
        turned = not array.flags.c_contiguous
        end = np.frombuffer(mapped[-1], np.uint8)[size - array.nbytes : size].view(kind)
        place: Array = end.reshape(array.shape[::-1]).T if turned else end.reshape(array.shape)
        place[...] = array
        return place

    for n, k, m in product((1, ROWS, 29), (1, 16, 37), (1, 10, 16, 31, 33, 64)):
        left, right = np.ones((n, k), kind), np.ones((k, m), kind)
        for one, other in ((left, right), (np.asfortranarray(left), right), (left, np.asfortranarray(right))):
            out = guarded(np.zeros((n, m), kind))
            multiply(kind(1), guarded(one), guarded(other), True, out, GARBAGE)
            assert (out == k).all()


@kinds
def test_the_same_numbers_give_the_same_bits_wherever_they_lie(kind: Any) -> None:
    rng, (n, k, m) = np.random.default_rng(1), (13, 300, 37)
    left, right = rng.normal(size=(n, k)).astype(kind), rng.normal(size=(k, m)).astype(kind)

    def moved(array: Array, entries: int) -> Array:
        memory = np.empty(array.size + 16, kind)
        place = memory[entries : entries + array.size].reshape(array.shape)
        place[...] = array
        return place

    found = []
    for shift, (one, other) in product((0, 1, 3, 7), layouts(left, right)):
        given = (moved(one, shift), moved(other, shift + 1)) if one.flags.c_contiguous else (one, other)
        out, room = moved(np.zeros((n, m), kind), shift + 2), np.empty(ROOM + 8, np.uint8)[shift:]
        multiply(kind(1), *given, False, out, room)
        found.append(out.tobytes())
    assert len(set(found)) == 1


@kinds
def test_what_is_not_finite_comes_through_as_in_numpy(kind: Any) -> None:
    rng, (n, k, m) = np.random.default_rng(2), (ROWS + 3, 19, 41)
    for value in (np.nan, np.inf, -np.inf):
        for place in range(0, n * k, 5):
            left, right = np.abs(rng.normal(size=(n, k))).astype(kind), np.abs(rng.normal(size=(k, m))).astype(kind)
            left.reshape(-1)[place] = value
            right[:, place % m] = 0  # ∞ · 0 is NaN
            right[(place * 7) % k, (place * 3) % m] = value
            out = np.empty((n, m), kind)
            multiply(kind(1), left, right, False, out, GARBAGE)
            with np.errstate(invalid="ignore"):
                np.testing.assert_allclose(out, left @ right, rtol=1e-4)


def test_long_sums_lose_no_more_than_those_of_blas() -> None:
    rng = np.random.default_rng(3)
    left, right = rng.random((9, 4096), np.float32), rng.random((4096, 33), np.float32)
    out, exact = np.empty((9, 33), np.float32), left.astype(float) @ right
    multiply(np.float32(1), left, right, False, out, GARBAGE)
    assert np.abs(out - exact).max() <= 4 * max(np.abs(left @ right - exact).max(), np.abs(exact).max() * 6e-8)
