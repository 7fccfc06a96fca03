"""Many float32 as text: each as Python writes it by itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.nn import Array
from bpcli.storage.short_numbers import texts

from ..data.support import deterministic

RNG = np.random.default_rng(1)
BITS = RNG.integers(0, 1 << 32, 20_000, np.uint32).view(np.float32)
NEIGHBOURS = np.array(
    [
        [np.nextafter(x, np.float32(0)), x, np.nextafter(x, np.float32(2))]
        for x in np.array([1, 0.5, 0.25, 0.1, 0.01, 0.001, 1e-4, 1e-5, 0.3, 0.12345679], np.float32)
    ]
).ravel()

SETS = {
    "between 0 and 1": RNG.random(30_000, np.float32),
    "small": (RNG.random(30_000) * 10.0 ** -RNG.integers(0, 7, 30_000)).astype(np.float32),
    "few digits": (np.arange(10_001) / 10_000).astype(np.float32),
    "halves of halves": (np.arange(4097) / 4096).astype(np.float32),
    "any bits": BITS,
    "around round numbers": NEIGHBOURS.astype(np.float32),
    "special": np.array([0, -0.0, 1, -1, np.nan, np.inf, -np.inf, 5e-324, 1e16, -0.25], np.float32),
    "none": np.empty(0, np.float32),
}


@pytest.mark.parametrize("name", SETS)
def test_numbers_are_written_as_one_by_one(name: str) -> None:
    values: Array = SETS[name]
    assert texts(values) == list(map(str, values))


@deterministic
@given(st.lists(st.floats(0, 1, width=32), max_size=5))
def test_any_probabilities_are_written_as_one_by_one(found: list[float]) -> None:
    values = np.array(found, np.float32)
    assert texts(values) == list(map(str, values))


def test_numbers_are_read_wherever_they_lie() -> None:
    values = RNG.random((100, 3), np.float32)
    assert texts(values[::2, 1]) == list(map(str, values[::2, 1]))
