"""Batches gathered by compiled code where examples are stored otherwise than the network takes them.

Each number is read where it is stored, converted and written to its place in the batch in one pass, to the bits of
the source's own ``gather``, which takes several. What is only copied is copied by NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bpcli.data.sources import ByteRows, Examples, FileRows
from bpcli.nn import Array, IndexArray
from bpcli.training.compiled.routines import kept_function


def gather(
    examples: Examples, indices: IndexArray, X: Array, Y: Array, weights: Array | None, metric_weights: Array | None
) -> None:
    """Fill a batch as :meth:`Examples.gather` does, X (n_0, m) in Fortran order."""
    features = examples.features
    convert = CONVERTED.get(type(features))
    if convert is None or not _readable(features.values):  # type: ignore[attr-defined]
        features.gather(indices, X)
    else:
        convert(features, indices, X.T)
    examples.gather_targets(indices, Y, weights, metric_weights)


def _readable(values: Array) -> bool:
    """Whether compiled code has a type for numbers that are stored like this."""
    kind = values.dtype
    return kind.isnative and (kind.kind in "iu" or kind in (np.float32, np.float64))


def _convert_bytes(source: ByteRows, indices: IndexArray, rows: Array) -> None:
    kept_function(scale)(source.values, source.locate(indices), rows.dtype.type(source.factor), rows)


def _convert_numbers(source: FileRows, indices: IndexArray, rows: Array) -> None:
    encoding = source.columns, source.medians, source.shift, source.factor
    kept_function(encode)(source.values, source.locate(indices), *encoding, rows)


CONVERTED: Mapping[type, Callable[[Any, IndexArray, Array], None]] = {
    ByteRows: _convert_bytes,
    FileRows: _convert_numbers,
}
"""How the examples of a source become the rows of a batch, (m, n)."""


def scale(values, places, factor, out):  # type: ignore[no-untyped-def]
    """out_i ← values[places_i] · factor, in the precision of ``out``."""
    for i in range(places.shape[0]):
        row, numbers = values[places[i]], out[i]
        for j in range(row.shape[0]):
            numbers[j] = out.dtype.type(row[j]) * factor


def encode(values, places, columns, medians, shift, factor, out):  # type: ignore[no-untyped-def]
    """out_ij ← (x − shift_j) · factor_j in float64, x = values[places_i, columns_j], or median_j where that is NaN."""
    for i in range(places.shape[0]):
        row, numbers = values[places[i]], out[i]
        for j in range(columns.shape[0]):
            number = np.float64(row[columns[j]])
            number = medians[j] if np.isnan(number) else number
            numbers[j] = out.dtype.type((number - shift[j]) * factor[j])
