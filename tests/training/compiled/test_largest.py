"""The largest entries of columns: as NumPy finds them, in as many columns as there are."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from numba import njit

from bpcli.training.compiled.largest import TOGETHER, arg_max_of_columns


@njit
def places(matrix, out, room):  # type: ignore[no-untyped-def]
    arg_max_of_columns(matrix, out, room)


def test_the_first_of_equal_ones_is_found_in_columns_of_any_number() -> None:
    rng, room = np.random.default_rng(3), np.empty(TOGETHER * 8, np.uint8)
    for n, m in ((1, 5), (3, 1), (3, 150), (10, TOGETHER + 7)):
        matrix = rng.integers(-4, 4, (n, m)).astype(np.float32)
        matrix[:, 0] = -np.inf
        out = np.full(m + 1, 99)
        places(matrix, out[:m], room)
        np.testing.assert_array_equal(out, [*matrix.argmax(axis=0), 99])


def test_nothing_passes_what_is_no_number_and_that_passes_nothing() -> None:
    out = np.empty(2, np.int64)
    places(np.array([[np.nan, 1], [3, np.nan], [4, 2]], np.float32), out, np.empty(TOGETHER * 4, np.uint8))
    assert out.tolist() == [0, 2]
