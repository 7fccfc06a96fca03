"""How does an array become a matrix of examples? One example per row, no number infinite; targets beside it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from bpcli.data.files.dataset import CellsOf, Matrix, Reading
from bpcli.data.files.extents import Extent, extent_of, nothing
from bpcli.data.files.pages import Pages, blocks
from bpcli.errors import DataError
from bpcli.nn import Array
from bpcli.readers import ONE_READER, Readers, share_of
from bpcli.side_by_side import side_by_side

ONE_THREAD = Reading()
"""Without threads; the last column is kept."""


def empty(shape: tuple[int, ...], path: str) -> DataError:
    """The error of an array without numbers."""
    return DataError(f"an array of shape {shape} holds no examples", where=path, hint="one example per row")


def matrix_of(values: Array, path: str, pages: Pages | None = None, reading: Reading = ONE_THREAD) -> Matrix:
    """(N, …) as (N, n). Bytes with more than one axis per example are images."""
    if values.dtype.kind not in "fiub":
        raise DataError(f"an array of {values.dtype}, not of numbers", where=path, hint="save numbers")
    if values.ndim == 0 or values.size == 0:
        raise empty(values.shape, path)
    flat = values.reshape(values.shape[0], -1)
    if values.dtype.itemsize > np.dtype(np.float64).itemsize:
        flat = _shortened(flat)
    if not np.may_share_memory(flat, values):
        pages = None
    images = values.ndim > 2 and values.dtype == np.uint8
    return read_through(
        Matrix(path, flat, images=images, pages=pages, threads=reading.threads, readers=reading.readers), reading
    )


def _shortened(values: Array) -> Array:
    """Extended precision as float64, infinite where it is out of range."""
    with np.errstate(over="ignore"):
        return values.astype(np.float64)


def read_through(matrix: Matrix, reading: Reading = ONE_THREAD) -> Matrix:
    """The matrix, none of its numbers infinite, with the extent of its columns.

    This is the one pass in which a file's rows are hashed, checked, measured, and columns of it kept. Of images nothing
    but the hash is needed; whole numbers in memory are none of it. Where several processes read a file, each reads some
    of the rows.

    Raises:
        DataError: a number is infinite.
    """
    if matrix.images or (matrix.values.dtype.kind != "f" and not matrix.in_file):
        return matrix
    kept, readers = matrix.keep(reading), reading.readers if matrix.in_file else ONE_READER

    def look(block: tuple[int, int]) -> tuple[tuple[int, int], Array, Extent]:
        rows = matrix.values[slice(*block)]
        for place, column in kept.items():
            column[slice(*block)] = rows[:, place]
        return block, rows, extent_of(rows)

    found, infinite = nothing(matrix.width), -1
    every = list(blocks(*matrix.values.shape))
    for (start, stop), rows, extent in side_by_side(
        look, share_of(every, readers.index, readers.count), reading.threads
    ):
        if matrix.pages is not None and matrix.in_file and rows.flags.c_contiguous and readers.index == 0:
            matrix.pages.hash_through(rows)
        if np.isinf(extent.low).any() or np.isinf(extent.high).any():
            infinite = start + int(np.argwhere(np.isinf(rows))[0, 0])
            break
        found = found.joined(extent)
        matrix.done(start, stop)
    if readers.count > 1:
        found, infinite = _exchanged(found, infinite, list(kept.values()), every, readers)
    if infinite >= 0:
        hint = "use numbers, or NaN where one is missing"
        raise DataError("an infinite number", where=matrix.where(infinite), hint=hint)
    return replace(matrix, extent=found)


def _exchanged(
    found: Extent, infinite: int, kept: list[Array], every: list[tuple[int, int]], readers: Readers
) -> tuple[Extent, int]:
    """The extent of all rows, and the first infinite one; the kept columns get the rows that others have read."""
    shares = [share_of(every, index, readers.count) for index in range(readers.count)]
    rows = [slice(share[0][0], share[-1][1]) if share else slice(0) for share in shares]
    mine = [found.missing, found.low, found.high, np.array(infinite), *(column[rows[readers.index]] for column in kept)]
    joined, first = nothing(len(found.low)), -1
    for place, (missing, low, high, theirs, *columns) in zip(rows, readers.gather(mine), strict=True):
        joined = joined.joined(Extent(missing, low, high))
        first = int(theirs) if first < 0 else first
        for column, read in zip(kept, columns, strict=True):
            column[place] = read
    return joined, first


def exact_cells(given: Array, targets: dict[str, Array]) -> dict[str, CellsOf]:
    """What reads the columns of whole numbers in their own type, which has digits that float64 has not."""
    if given.dtype.kind not in "iu":
        return {}
    columns = given.reshape(len(given), -1)
    return {name: partial(columns.__getitem__, (slice(None), k)) for k, name in enumerate(targets)}


def target_columns(values: Array, path: str) -> dict[str, Array]:
    """Targets by name: a column of numbers or text, or several.

    Raises:
        DataError: they are something else, or a number is infinite.
    """
    if values.ndim not in (1, 2) or values.size == 0 or values.dtype.kind not in "fiubU":
        raise DataError(
            f"targets of {values.dtype} in shape {values.shape}", where=path, hint="one row of numbers or text each"
        )
    if values.dtype.kind == "U":
        columns = values.astype(object).reshape(len(values), -1)
    else:
        columns = read_through(Matrix(path, _shortened(values).reshape(len(values), -1))).values
    if values.ndim == 1:
        return {"target": columns[:, 0]}
    return {f"target_{k}": columns[:, k] for k in range(columns.shape[1])}
