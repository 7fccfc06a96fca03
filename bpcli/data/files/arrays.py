"""Arrays of numbers: IDX (the format of MNIST), NPY and NPZ.

IDX: two zero bytes, a type code, the number of axes, each axis's length as a
big-endian 32-bit number, then the values, big-endian, last axis fastest.

A plain IDX or NPY file is mapped, not loaded: its values are read where they lie,
whenever they are needed, and hashed in the pass that checks them. What is
compressed is unpacked into memory.
"""

from __future__ import annotations

import io
from dataclasses import replace
from math import prod
from typing import IO, Protocol

import numpy as np
from numpy.lib import format as npy

from bpcli import memory
from bpcli.data.files.archives import open_archive
from bpcli.data.files.array_bytes import PIECE, Origin, memory_of, require_room_for_rows, unpacked
from bpcli.data.files.byte_source import ByteSource
from bpcli.data.files.dataset import Matrix, Reading
from bpcli.data.files.matrices import ONE_THREAD, empty, exact_cells, matrix_of, read_through, target_columns
from bpcli.data.files.pages import Pages
from bpcli.errors import BpError, DataError
from bpcli.nn import Array
from bpcli.readers import Readers

IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

MAX_AXES = 16
"""More axes than any real IDX file has; NumPy has a limit too."""

LONGEST_HEADER = 10_000
"""Bytes of an NPY header at most; NumPy's own limit, which it applies once it has read them."""


class ArrayReader(Protocol):
    """Reads an array file."""

    def __call__(self, source: ByteSource, *, examples: bool = True, reading: Reading = ONE_THREAD) -> Matrix:
        """The matrix; ``examples`` says that its rows are to be made examples, which takes memory too.

        Raises:
            DataError: the file is malformed, or there is not so much memory.
        """
        ...


def array_reader(head: bytes) -> ArrayReader | None:
    """The reader for a file that starts with these bytes, or None where it is no array file."""
    if head[:6] == b"\x93NUMPY":
        return read_npy
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return read_npz
    if head[:2] == b"\0\0" and len(head) >= 4:
        return read_idx
    return None


def read_idx(source: ByteSource, *, examples: bool = True, reading: Reading = ONE_THREAD) -> Matrix:
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
        origin = Origin(path, source, examples=examples)
        pages, held = unpacked(origin, stream, size, 4 + 4 * axes, memory_of(origin, shape, dtype))
    if held != size or not shape or pages is None:
        raise DataError(
            f"the IDX header promises shape {shape}, the file holds {held} bytes of values",
            where=path,
            hint="the file is cut short or damaged; copy it again",
        )
    if size == 0:  # beside the 0, NumPy has no room for the largest lengths
        raise empty(shape, path)
    require_room_for_rows(origin, shape)
    values = pages.array(shape, dtype, 4 + 4 * axes if pages.lasting else 0)
    if axes == 1:
        labels = read_through(Matrix(path, values.astype(np.float64)[:, None])).values[:, 0]
        matrix = Matrix(path, np.empty((len(labels), 0)), {"label": labels}, holds_classes=True)
    else:
        matrix = matrix_of(values, path, pages, reading)
    _record_digest(source, pages, reading.readers)
    return matrix


def read_npy(source: ByteSource, *, examples: bool = True, reading: Reading = ONE_THREAD) -> Matrix:
    """A matrix with one example per row; the targets are among its columns, by default the last."""
    try:
        with source.open() as stream:
            values, pages = _read_array(Origin(source.path, source, examples=examples), stream)
    except BpError:
        raise
    except Exception as error:  # NumPy parses the header as Python, which can fail in many ways
        raise DataError(
            f"not a readable NPY file: {error}", where=source.path, hint="write it with numpy.save"
        ) from error
    matrix = matrix_of(values, source.path, pages, reading)
    _record_digest(source, pages, reading.readers)
    return matrix


def _record_digest(source: ByteSource, pages: Pages, readers: Readers) -> None:
    """Note the SHA-256 of a mapped file; any other was hashed as it was unpacked."""
    if pages.lasting:
        source.record_mapped(pages, readers)


def read_npz(source: ByteSource, *, examples: bool = True, reading: Reading = ONE_THREAD) -> Matrix:
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
                        origin = Origin(path, length=length, examples=examples and name == "features")
                        arrays[name] = _read_array(origin, member)
    except BpError:
        raise
    except Exception as error:  # zipfile's, zlib's and NumPy's errors share no base class below Exception
        raise DataError(f"not a readable NPZ file: {error}", where=path, hint="write it with numpy.savez") from error
    if "features" not in arrays:
        held = ", ".join(members) or "nothing"
        raise DataError(
            f"no array named 'features' (it holds {held})", where=path, hint="numpy.savez(file, features=X, targets=y)"
        )
    matrix = matrix_of(arrays["features"][0], path, arrays["features"][1], reading)
    if "targets" not in arrays:
        return matrix
    given = arrays["targets"][0]
    targets = target_columns(given, path)
    if len(next(iter(targets.values()))) != matrix.size:
        raise DataError(f"{matrix.size} examples but {len(given)} targets", where=path, hint="one row each")
    return replace(matrix, targets=targets, cells=exact_cells(given, targets))


def _read_array(origin: Origin, stream: IO[bytes]) -> tuple[Array, Pages]:
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
    pages, held = unpacked(origin, stream, size, offset, memory_of(origin, shape, dtype))
    if held < size or pages is None:
        raise ValueError(f"its header promises shape {shape}, the file holds {held} of {size} bytes")
    if held > size + PIECE and not pages.lasting:
        raise ValueError(f"its header promises shape {shape}, but more than {memory.size(held - size)} follow it")
    require_room_for_rows(origin, shape)
    return pages.array(shape, dtype, offset if pages.lasting else 0, fortran=fortran), pages
