"""Summaries and medians: what is learned in pieces has the bits of what is learned from the whole."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bpcli.data.encoding import medians as medians_room
from bpcli.data.encoding.medians import medians
from bpcli.data.encoding.number_columns import learn_numbers
from bpcli.data.encoding.scaling import Scaling, learn_scaling
from bpcli.data.encoding.selection import Selection
from bpcli.data.encoding.summaries import extent, summary
from bpcli.data.files.dataset import Matrix
from bpcli.nn import Array

from ..support import SCALES, deterministic

TYPES = ("float16", "float32", "float64", ">f4", ">f8", "uint8", "int8", "int16", "int32", "int64", "bool")

RNG = np.random.default_rng(2)


def selected(values: Array, rows: Array | None = None, columns: Array | None = None) -> Selection:
    own = np.arange(values.shape[1]) if columns is None else columns
    return Selection(Matrix("m", values), own, np.arange(len(values)) if rows is None else rows)


def whole(scale: str, values: Array) -> Scaling:
    """The scaling of columns in memory, each by itself."""
    columns = [np.array(column) for column in values.T]
    low, high = np.array([column.min() for column in columns]), np.array([column.max() for column in columns])
    if scale == "minmax":
        return Scaling(low, high - low)
    if scale == "none":
        return Scaling(np.zeros(len(low)), np.ones(len(low)))
    deviation = np.array([column.std() for column in columns])
    return Scaling(np.array([column.mean() for column in columns]), np.where(high == low, 0.0, deviation))


@pytest.mark.parametrize("cells", [1, 150, 3000, 1 << 19])
def test_scaling_in_pieces_has_the_bits_of_the_whole(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpcli.data.files.pages.CELLS", cells * 5)
    for size, scale in product([1, 7, 8, 129, 1000, 4099] if cells > 1 else [7, 129], SCALES):
        values = RNG.normal(size=(size, 5)) * 10.0 ** RNG.integers(-3, 4, 5)
        values[:, 2] = 0.1
        wanted, of = whole(scale, values), selected(values)
        found = learn_scaling(scale, summary(of, extent(of), np.zeros(5)), list("abcde"), "m")
        np.testing.assert_array_equal([found.shift, found.width], [wanted.shift, wanted.width], f"{size} {scale}")


@pytest.mark.parametrize("dtype", TYPES)
def test_summary_is_of_the_numbers_that_are_there(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpcli.data.files.pages.CELLS", 9)
    values = RNG.integers(0, 2, (20, 3)).astype(dtype)
    if values.dtype.kind == "f":
        values[3:9, 1] = np.nan
        values[:, 2] = np.nan

    found = extent(selected(values, np.array([2, 3, 5, 8, 19])))

    chosen = values[[2, 3, 5, 8, 19]].astype(np.float64)
    np.testing.assert_array_equal(found.missing, np.isnan(chosen).sum(axis=0))
    np.testing.assert_array_equal(found.low, np.fmin.reduce(chosen, axis=0))
    np.testing.assert_array_equal(found.high, np.fmax.reduce(chosen, axis=0))


def test_missing_numbers_count_as_their_median() -> None:
    values = RNG.normal(size=(50, 3))
    values[RNG.random((50, 3)) < 0.3] = np.nan
    of = selected(values)
    known = extent(of)
    median = medians(of, known.missing)

    for scale in SCALES:
        wanted = whole(scale, np.where(np.isnan(values), median, values))
        found = learn_scaling(scale, summary(of, known, median), list("abc"), "m")
        np.testing.assert_array_equal([found.shift, found.width], [wanted.shift, wanted.width])


def numpys(values: Array) -> list[float]:
    columns = [column[~np.isnan(column)] for column in values.astype(np.float64).T]
    return [float(np.median(column)) if len(column) else 0.0 for column in columns]


@pytest.mark.parametrize(
    ("counters", "sample", "sizes"), [(8, 1, (1, 2, 9, 200)), (100, 3, (1, 2, 9, 200)), (1 << 22, 1 << 12, (9,))]
)
def test_medians_are_exact(counters: int, sample: int, sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(medians_room, "COUNTERS", counters)
    monkeypatch.setattr(medians_room, "SAMPLE", sample)
    monkeypatch.setattr("bpcli.data.files.pages.CELLS", 64)
    for size, dtype in product(sizes, TYPES):
        values = (RNG.normal(size=(size, 4)) * 50).astype(dtype)
        if values.dtype.kind == "f":
            values[RNG.random((size, 4)) < 0.2] = np.nan
            values[:, 3] = np.nan
        of = selected(values, columns=np.array([3, 1, 0]))
        assert medians(of, extent(of).missing).tolist() == numpys(values[:, [3, 1, 0]]), (size, dtype)


@deterministic
@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 9), st.integers(1, 3)),
        elements=st.floats(-8e307, 8e307) | st.just(np.nan) | st.sampled_from([0.0, -0.0, 1.0, 5e-324, -5e-324]),
    )
)
def test_any_numbers_have_the_median_that_numpy_gives_them(values: Array) -> None:
    of = selected(values)

    assert medians(of, extent(of).missing).tolist() == numpys(values)


def test_a_median_between_two_of_the_largest_numbers_is_between_them() -> None:
    values = np.array([[1.5], [np.nan], [1.75]]) * 2.0**1023

    assert medians(selected(values), np.array([1])).tolist() == [1.625 * 2.0**1023]
    assert learn_numbers(values[:, 0], "x", "minmax", "f")[0].median == 1.625 * 2.0**1023


def test_medians_are_found_where_the_sample_misleads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(medians_room, "SAMPLE", 400)
    values = RNG.normal(size=(4000, 2))
    values[np.linspace(0, 3999, 400).astype(int)] = 1e9
    of = selected(values)

    assert medians(of, extent(of).missing).tolist() == numpys(values)
