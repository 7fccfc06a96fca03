"""Arrays of numbers: IDX (the format of MNIST), NPY and NPZ.

IDX: two zero bytes, a type code, the number of axes, each axis's length as a
big-endian 32-bit number, then the values, big-endian, last axis fastest.

A plain IDX or NPY file is mapped, not loaded: its values are read where they lie,
whenever they are needed, and hashed in the pass that checks them. What is
compressed is unpacked into memory.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import IO

import numpy as np
from numpy.lib import format as npy

from bpcli import memory
from bpcli.data.files.archives import open_archive
from bpcli.data.files.byte_source import ByteSource
from bpcli.data.files.dataset import CellsOf, Matrix
from bpcli.data.files.pages import Pages, blocks
from bpcli.errors import BpError, DataError
from bpcli.nn import Array

IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

MAX_AXES = 16
"""More axes than any real IDX file has; NumPy has a limit too."""

PIECE = 1 << 20
"""Bytes unpacked at a time."""

LONGEST_HEADER = 10_000
"""Bytes of an NPY header at most; NumPy's own limit, which it applies once it has read them."""

ArrayReader = Callable[[ByteSource], Matrix]
Shape = tuple[int, ...]


def array_reader(head: bytes) -> ArrayReader | None:
    """The reader for a file that starts with these bytes, or None where it is no array file."""
    if head[:6] == b"\x93NUMPY":
        return read_npy
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return read_npz
    if head[:2] == b"\0\0" and len(head) >= 4:
        return read_idx
    return None


def read_idx(source: ByteSource) -> Matrix:
    """Labels where there is one axis, else examples along the first, the others flattened."""
    path = source.path
    with source.open() as stream:
        code, axes = stream.read(4).ljust(4, b"\0")[2:]
        if code not in IDX_TYPES or not 0 < axes <= MAX_AXES:
            raise DataError(f"unknown IDX type 0x{code:02x} with {axes} axes", where=path, hint="is this an IDX file?")
        lengths = stream.read(4 * axes)
        shape = tuple(np.frombuffer(lengths, ">u4").tolist()) if len(lengths) == 4 * axes else ()
        dtype = np.dtype(IDX_TYPES[code])
        size = prod(shape) * dtype.itemsize if shape else 0
        pages, held = _unpacked(_Origin(path, source), stream, size, 4 + 4 * axes)
    if held != size or not shape or pages is None:
        raise DataError(
            f"the IDX header promises shape {shape}, the file holds {held} bytes of values",
            where=path,
            hint="the file is cut short or damaged; copy it again",
        )
    if size == 0:  # beside the 0, NumPy has no room for the largest lengths
        raise _empty(shape, path)
    values = pages.array(shape, dtype, 4 + 4 * axes if pages.lasting else 0)
    if axes == 1:
        labels = _refuse_infinite(Matrix(path, values.astype(np.float64)[:, None])).values[:, 0]
        matrix = Matrix(path, np.empty((len(labels), 0)), {"label": labels}, holds_classes=True)
    else:
        matrix = _matrix(values, path, pages)
    _record_digest(source, pages)
    return matrix


def read_npy(source: ByteSource) -> Matrix:
    """A matrix with one example per row; the targets are among its columns, by default the last."""
    try:
        with source.open() as stream:
            values, pages = _read_array(_Origin(source.path, source), stream)
    except BpError:
        raise
    except Exception as error:  # NumPy parses the header as Python, which can fail in many ways
        raise DataError(
            f"not a readable NPY file: {error}", where=source.path, hint="write it with numpy.save"
        ) from error
    matrix = _matrix(values, source.path, pages)
    _record_digest(source, pages)
    return matrix


def _record_digest(source: ByteSource, pages: Pages) -> None:
    """Note the SHA-256 of a mapped file; any other was hashed as it was unpacked."""
    if pages.lasting:
        source.record_mapped(pages)


def read_npz(source: ByteSource) -> Matrix:
    """The arrays ``features`` and, beside them, ``targets``."""
    path = source.path
    arrays = {}
    try:
        with source.seekable() as stream, open_archive(stream) as archive:
            members = {name.removesuffix(".npy"): name for name in archive.namelist()}
            for name in ("features", "targets"):
                if name in members:
                    with archive.open(members[name]) as member:
                        length = archive.getinfo(members[name]).file_size
                        arrays[name] = _read_array(_Origin(path, length=length), member)
    except BpError:
        raise
    except Exception as error:  # zipfile's, zlib's and NumPy's errors share no base class below Exception
        raise DataError(f"not a readable NPZ file: {error}", where=path, hint="write it with numpy.savez") from error
    if "features" not in arrays:
        held = ", ".join(members) or "nothing"
        raise DataError(
            f"no array named 'features' (it holds {held})", where=path, hint="numpy.savez(file, features=X, targets=y)"
        )
    matrix = _matrix(arrays["features"][0], path, arrays["features"][1])
    if "targets" not in arrays:
        return matrix
    given = arrays["targets"][0]
    targets = _target_columns(given, path)
    if len(next(iter(targets.values()))) != matrix.size:
        raise DataError(f"{matrix.size} examples but {len(given)} targets", where=path, hint="one row each")
    return Matrix(path, matrix.values, targets, matrix.images, pages=matrix.pages, cells=_exact_cells(given, targets))


@dataclass(frozen=True)
class _Origin:
    """Where an array's bytes come from: a source, or a member of an archive that is said to have ``length`` bytes."""

    path: str
    source: ByteSource | None = None
    length: int | None = None

    @property
    def mapped(self) -> bool:
        """Whether they lie in a file of their own as they are."""
        return self.source is not None and self.source.file is not None

    @property
    def known_length(self) -> int | None:
        """How many bytes there are, None where only unpacking them tells."""
        return self.source.length if self.source is not None and self.source.held else self.length


def _read_array(origin: _Origin, stream: IO[bytes]) -> tuple[Array, Pages]:
    """The array that a stream of NPY format holds: in place, where it is a plain file.

    Raises:
        ValueError, OSError, …: it is not whole, or holds Python objects.
    """
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"its format is version {version}")
    width, read_header = (2, npy.read_array_header_1_0) if version == (1, 0) else (4, npy.read_array_header_2_0)
    length = stream.read(width)
    if int.from_bytes(length, "little") > LONGEST_HEADER:
        raise ValueError(f"its header is longer than {LONGEST_HEADER:,} bytes")
    shape, fortran, dtype = read_header(io.BytesIO(length + stream.read(int.from_bytes(length, "little"))))
    if dtype.hasobject:
        raise ValueError("Object arrays cannot be loaded when allow_pickle=False")
    if min(shape, default=0) < 0:
        raise ValueError(f"its shape is {shape}")
    size = prod(shape) * dtype.itemsize
    offset = stream.tell() if origin.mapped or origin.known_length is not None else 0
    pages, held = _unpacked(origin, stream, size, offset)
    if held < size or pages is None:
        raise ValueError(f"its header promises shape {shape}, the file holds {held} of {size} bytes")
    if held > size + PIECE and not pages.lasting:
        raise ValueError(f"its header promises shape {shape}, but more than {memory.size(held - size)} follow it")
    return pages.array(shape, dtype, offset if pages.lasting else 0, fortran=fortran), pages


def _unpacked(origin: _Origin, stream: IO[bytes], size: int, offset: int) -> tuple[Pages | None, int]:
    """Pages that hold the next ``size`` bytes of ``stream``, and how many there are up to its end.

    Those of the file itself, in which they start at ``offset``, where it can be mapped. Of bytes that are
    too many, no more than a piece is counted.

    Raises:
        DataError: they take more memory than is left.
    """
    if origin.mapped:
        mapped = Pages.of_file(stream)
        return mapped, max(mapped.size - offset, 0)
    there = origin.known_length
    if there is not None and there < offset + size:
        return None, max(there - offset, 0)
    memory.require(
        size,
        "its array takes",
        where=origin.path,
        hint="save it uncompressed with numpy.save: such a file is read in place",
    )
    try:
        pages = Pages.of_memory(size)
    except (OSError, OverflowError, ValueError):
        return None, 0
    buffer, held = pages.array((size,), np.dtype(np.uint8)).data, 0
    while held < size and (count := stream.readinto(buffer[held : held + PIECE])):  # type: ignore[attr-defined]
        held += count
    while held <= size + PIECE and (rest := stream.read(PIECE)):  # the end is where damage shows
        held += len(rest)
    return pages, held


def _empty(shape: Shape, path: str) -> DataError:
    return DataError(f"an array of shape {shape} holds no examples", where=path, hint="one example per row")


def _matrix(values: Array, path: str, pages: Pages | None = None) -> Matrix:
    """(N, …) as (N, n). Bytes with more than one axis per example are images."""
    if values.dtype.kind not in "fiub":
        raise DataError(f"an array of {values.dtype}, not of numbers", where=path, hint="save numbers")
    if values.ndim == 0 or values.size == 0:
        raise _empty(values.shape, path)
    flat = values.reshape(values.shape[0], -1)
    if values.dtype.itemsize > np.dtype(np.float64).itemsize:
        flat = _shortened(flat)
    if not np.may_share_memory(flat, values):
        pages = None
    images = values.ndim > 2 and values.dtype == np.uint8
    return _refuse_infinite(Matrix(path, flat, images=images, pages=pages))


def _shortened(values: Array) -> Array:
    """Extended precision as float64, infinite where it is out of range."""
    with np.errstate(over="ignore"):
        return values.astype(np.float64)


def _refuse_infinite(matrix: Matrix) -> Matrix:
    """The matrix, none of its numbers infinite."""
    if matrix.values.dtype.kind == "f":
        for start, stop in blocks(*matrix.values.shape):
            rows = matrix.values[start:stop]
            if matrix.pages is not None and matrix.in_file and rows.flags.c_contiguous:
                matrix.pages.hash_through(rows)
            infinite = np.isinf(rows)
            if infinite.any():
                raise DataError(
                    "an infinite number",
                    where=matrix.where(start + int(np.argwhere(infinite)[0, 0])),
                    hint="use numbers, or NaN where one is missing",
                )
            matrix.done(start, stop)
    return matrix


def _exact_cells(given: Array, targets: dict[str, Array]) -> dict[str, CellsOf]:
    """The columns of whole numbers in their own type, which has digits that float64 has not."""
    if given.dtype.kind not in "iu":
        return {}
    columns = given.reshape(len(given), -1)
    return {name: partial(columns.__getitem__, (slice(None), k)) for k, name in enumerate(targets)}


def _target_columns(values: Array, path: str) -> dict[str, Array]:
    if values.ndim not in (1, 2) or values.size == 0 or values.dtype.kind not in "fiubU":
        raise DataError(
            f"targets of {values.dtype} in shape {values.shape}", where=path, hint="one row of numbers or text each"
        )
    if values.dtype.kind == "U":
        columns = values.astype(object).reshape(len(values), -1)
    else:
        columns = _refuse_infinite(Matrix(path, _shortened(values).reshape(len(values), -1))).values
    if values.ndim == 1:
        return {"target": columns[:, 0]}
    return {f"target_{k}": columns[:, k] for k in range(columns.shape[1])}
