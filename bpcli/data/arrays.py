"""Arrays of numbers: IDX (the format of MNIST), NPY and NPZ.

IDX: two zero bytes, a type code, the number of axes, each axis's length as a
big-endian 32-bit number, then the values, big-endian, last axis fastest.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from math import prod

import numpy as np

from bpcli.data.raw import Matrix
from bpcli.errors import DataError
from bpcli.nn import Array

IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

MAX_AXES = 16
"""More axes than any real IDX file has; NumPy has a limit too."""

Reader = Callable[[bytes, str], Matrix]


def reader(data: bytes) -> Reader | None:
    """The reader for this content, or None where it is no array file."""
    if data[:6] == b"\x93NUMPY":
        return read_npy
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return read_npz
    if data[:2] == b"\0\0" and len(data) >= 4:
        return read_idx
    return None


def read_idx(data: bytes, path: str) -> Matrix:
    """Labels where there is one axis, else examples along the first, the others flattened."""
    code, axes = data[2], data[3]
    if code not in IDX_TYPES or not 0 < axes <= MAX_AXES:
        raise DataError(f"unknown IDX type 0x{code:02x} with {axes} axes", where=path, hint="is this an IDX file?")
    dtype = np.dtype(IDX_TYPES[code])
    start = 4 + 4 * axes
    shape = tuple(int(length) for length in np.frombuffer(data[4:start], ">u4")) if len(data) >= start else ()
    if len(shape) < axes or len(data) - start != prod(shape) * dtype.itemsize:
        raise DataError(
            f"the IDX header promises shape {shape}, the file holds {max(len(data) - start, 0)} bytes of values",
            where=path,
            hint="the file is cut short or damaged; copy it again",
        )
    values = np.frombuffer(data, dtype, offset=start).reshape(shape)
    if axes == 1 and len(values):
        labels = _finite(values.astype(np.float64), path)
        return Matrix(path, np.empty((len(labels), 0)), {"label": labels}, holds_classes=True)
    return _matrix(values, path)


def read_npy(data: bytes, path: str) -> Matrix:
    """A matrix with one example per row; the targets are among its columns, by default the last."""
    return _matrix(_load(data, path), path)


def read_npz(data: bytes, path: str) -> Matrix:
    """The arrays ``features`` and, beside them, ``targets``."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name]) for name in archive.files}
    except Exception as error:  # zipfile's, zlib's and NumPy's errors share no base class below Exception
        raise DataError(f"not a readable NPZ file: {error}", where=path, hint="write it with numpy.savez") from error
    if "features" not in arrays:
        held = ", ".join(arrays) or "nothing"
        raise DataError(
            f"no array named 'features' (it holds {held})", where=path, hint="numpy.savez(file, features=X, targets=y)"
        )
    matrix = _matrix(arrays["features"], path)
    if "targets" not in arrays:
        return matrix
    targets = _target_columns(arrays["targets"], path)
    if len(next(iter(targets.values()))) != matrix.size:
        raise DataError(f"{matrix.size} examples but {len(arrays['targets'])} targets", where=path, hint="one row each")
    return Matrix(path, matrix.values, targets, matrix.images)


def _load(data: bytes, path: str) -> Array:
    try:
        loaded: Array = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # NumPy parses the header as Python, which can fail in many ways
        raise DataError(f"not a readable NPY file: {error}", where=path, hint="write it with numpy.save") from error
    return loaded


def _matrix(values: Array, path: str) -> Matrix:
    """(N, …) as (N, n). Bytes with more than one axis per example are images."""
    if values.dtype.kind not in "fiub":
        raise DataError(f"an array of {values.dtype}, not of numbers", where=path, hint="save numbers")
    if values.ndim == 0 or values.size == 0:
        raise DataError(f"an array of shape {values.shape} holds no examples", where=path, hint="one example per row")
    flat = values.reshape(values.shape[0], -1)
    if values.dtype.kind == "f":
        flat = _finite(flat if values.dtype.itemsize <= np.dtype(np.float64).itemsize else _shortened(flat), path)
    return Matrix(path, flat, images=values.ndim > 2 and values.dtype == np.uint8)


def _shortened(values: Array) -> Array:
    """Extended precision as float64, infinite where it is out of range."""
    with np.errstate(over="ignore"):
        return values.astype(np.float64)


def _finite(values: Array, path: str) -> Array:
    """``values``, (N, …), none of them infinite."""
    infinite = np.isinf(values)
    if infinite.any():
        row = int(np.argwhere(infinite)[0, 0])
        raise DataError(
            "an infinite number", where=f"{path}: row {row}", hint="use numbers, or NaN where one is missing"
        )
    return values


def _target_columns(values: Array, path: str) -> dict[str, Array]:
    if values.ndim not in (1, 2) or values.size == 0 or values.dtype.kind not in "fiubU":
        raise DataError(
            f"targets of {values.dtype} in shape {values.shape}", where=path, hint="one row of numbers or text each"
        )
    if values.dtype.kind == "U":
        columns = values.astype(object).reshape(len(values), -1)
    else:
        columns = _finite(_shortened(values), path).reshape(len(values), -1)
    if values.ndim == 1:
        return {"target": columns[:, 0]}
    return {f"target_{k}": columns[:, k] for k in range(columns.shape[1])}
