"""Sources: a batch holds the encoded rows it was asked for, whatever lies behind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.data.sources import ByteRows, ClassIndices, Columns, Examples, OneHot, Rows, Source, WideOneHot
from bpcli.nn import Array

from .support import PRECISIONS, deterministic, gathered

N, WIDTH = 7, 4

RNG = np.random.default_rng(4)
VALUES = RNG.normal(size=(N, WIDTH))
PIXELS = RNG.integers(0, 256, (2 * N, WIDTH), np.uint8)
CHOSEN = RNG.permutation(2 * N)[:N]
KINDS = RNG.integers(0, WIDTH, N)


def rows(dtype: str) -> tuple[Source, Array]:
    return Rows(VALUES.astype(dtype)), VALUES.astype(dtype)


def byte_rows(dtype: str) -> tuple[Source, Array]:
    return ByteRows(PIXELS, CHOSEN, 1 / 255), PIXELS[CHOSEN].astype(dtype) * np.dtype(dtype).type(1 / 255)


def one_hot(dtype: str) -> tuple[Source, Array]:
    return OneHot(KINDS, WIDTH, np.dtype(dtype), 0, 1), (KINDS[:, None] == np.arange(WIDTH)).astype(dtype)


def wide_one_hot(dtype: str) -> tuple[Source, Array]:
    return WideOneHot(KINDS, -1, 1), np.where(KINDS[:, None] == np.arange(WIDTH), 1, -1).astype(dtype)


def columns(dtype: str) -> tuple[Source, Array]:
    return Columns(np.ascontiguousarray(VALUES.T.astype(dtype))), VALUES.astype(dtype)


SOURCES = {"Rows": rows, "ByteRows": byte_rows, "OneHot": one_hot, "WideOneHot": wide_one_hot, "Columns": columns}

every_source = pytest.mark.parametrize("name", SOURCES)
every_precision = pytest.mark.parametrize("dtype", PRECISIONS)
batches = st.lists(st.integers(0, N - 1), min_size=1, max_size=12)


@every_source
@every_precision
@deterministic
@given(indices=batches)
def test_batch_holds_the_encoded_rows_as_columns(name: str, dtype: str, indices: list[int]) -> None:
    source, encoded = SOURCES[name](dtype)

    np.testing.assert_array_equal(gathered(source, WIDTH, np.array(indices), dtype), encoded[indices].T)


@every_source
def test_batch_fills_its_place_in_either_order(name: str) -> None:
    source, encoded = SOURCES[name]("float64")
    indices = np.array([3, 0, 3])
    for order in ("C", "F"):
        out = np.empty((WIDTH, 3), order="C" if order == "C" else "F")
        source.gather(indices, out)
        np.testing.assert_array_equal(out, encoded[indices].T)


@deterministic
@given(indices=batches)
def test_class_indices_come_as_they_are(indices: list[int]) -> None:
    np.testing.assert_array_equal(gathered(ClassIndices(KINDS), None, np.array(indices)), KINDS[indices])


@pytest.mark.parametrize("name", [*SOURCES, "ClassIndices"])
def test_size_counts_the_examples(name: str) -> None:
    source = ClassIndices(KINDS) if name == "ClassIndices" else SOURCES[name]("float32")[0]

    assert source.size == N


def test_batches_of_changing_size_do_not_disturb_each_other() -> None:
    for make in SOURCES.values():
        source, encoded = make("float32")
        for indices in ([0, 1, 2], [5], [6, 6], [2, 1, 0], [4]):
            np.testing.assert_array_equal(gathered(source, WIDTH, np.array(indices), "float32"), encoded[indices].T)


@every_precision
def test_bytes_are_scaled_as_closely_as_the_precision_allows(dtype: str) -> None:
    source, _ = byte_rows(dtype)

    batch = gathered(source, WIDTH, np.arange(N), dtype)

    np.testing.assert_allclose(batch, PIXELS[CHOSEN].T / 255, rtol=float(2 * np.finfo(dtype).eps))


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_weights_are_gathered_with_their_examples(dtype: str) -> None:
    weights = np.arange(N, dtype=dtype) / 2
    indices, out = np.array([3, 0, 3, 6]), np.empty(4, dtype)
    X, Y = np.empty((WIDTH, 4), dtype, order="F"), np.empty(4, np.intp)
    weighted = Examples(Rows(VALUES.astype(dtype)), ClassIndices(KINDS), weights=weights)

    weighted.gather(indices, X, Y, out)

    np.testing.assert_array_equal(out, weights[indices])
    np.testing.assert_array_equal(X, VALUES[indices].astype(dtype).T)
    np.testing.assert_array_equal(Y, KINDS[indices])


def test_examples_without_weights_weigh_one_each() -> None:
    out = np.zeros(2)
    plain = Examples(Rows(VALUES), ClassIndices(KINDS))

    plain.gather(np.array([1, 2]), np.empty((WIDTH, 2)), np.empty(2, np.intp), out)

    assert plain.weights is None
    assert out.tolist() == [1, 1]
