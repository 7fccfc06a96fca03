"""Memory that can be released piece by piece.

Large arrays lie in pages of memory: mapped ones of a file, read when they are
first touched, or pages of their own. What reads an array for the last time
releases its pages as it goes, and what is made of it takes their place.
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator
from math import prod
from typing import IO

import numpy as np
from numpy.lib.array_utils import byte_bounds

from bpcli.nn import Array

CELLS = 1 << 19
"""Numbers handled at a time: 4 MiB in float64, small beside any memory and large beside a call."""

HASHED = 1 << 22
"""Bytes hashed at a time, a whole number of pages."""


def blocks(size: int, width: int) -> Iterator[tuple[int, int]]:
    """Ranges of rows that make up ``size``, each of about ``CELLS`` numbers.

    They depend on the shape alone: what is computed from them is the same wherever the rows lie.
    """
    rows = max(1, CELLS // max(width, 1))
    for start in range(0, size, rows):
        yield start, min(start + rows, size)


class Pages:
    """Pages of memory; ``lasting`` ones, mapped from a file, can be read again after they were released."""

    def __init__(self, pages: mmap.mmap, *, lasting: bool) -> None:
        self._pages = pages
        self._start = byte_bounds(np.frombuffer(pages, np.uint8))[0]
        self._forward: bool | None = None
        self._hash = hashlib.sha256()
        self._hashed = 0
        self.lasting = lasting

    @classmethod
    def of_file(cls, file: IO[bytes]) -> Pages:
        """The pages of a file that is not empty, from its first byte on, to be read only."""
        return cls(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), lasting=True)

    @classmethod
    def of_memory(cls, size: int) -> Pages:
        """Pages for ``size`` bytes, all 0; a page counts as used from when it is written to.

        Raises:
            OSError, OverflowError: there is not so much.
        """
        return cls(mmap.mmap(-1, max(size, 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), lasting=False)

    @property
    def size(self) -> int:
        """The number of bytes."""
        return len(self._pages)

    def array(self, shape: tuple[int, ...], dtype: np.dtype, offset: int = 0, *, fortran: bool = False) -> Array:
        """The bytes from ``offset`` on as an array; its last axis runs fastest, or its first in Fortran order."""
        flat = np.frombuffer(self._pages, dtype, prod(shape), offset)
        return flat.reshape(shape, order="F" if fortran else "C")

    def bytes_of(self, values: Array) -> Array:
        """The bytes of an array in these pages, contiguous by rows: (N, bytes of a row).

        Bytes lie right wherever they lie, where numbers that do not would be copied before they are read.
        """
        low, high = byte_bounds(values)
        whole = np.frombuffer(self._pages, np.uint8, high - low, low - self._start)
        return whole.reshape(len(values), -1)

    def release(self, values: Array) -> None:
        """Release the memory of an array that was read from low addresses to high, but for the last page."""
        low, high = ((bound - self._start) // mmap.PAGESIZE * mmap.PAGESIZE for bound in byte_bounds(values))
        if high > low:
            self._advise("MADV_DONTNEED", low, high - low)

    def hash_through(self, rows: Array) -> None:
        """Hash the bytes up to the end of some rows, contiguous and in order, that are being read anyway."""
        stop = byte_bounds(rows)[1] - self._start
        self._hash.update(memoryview(self._pages)[self._hashed : stop])
        self._hashed = max(self._hashed, stop)

    def digest(self) -> str:
        """The SHA-256 of all bytes; those that were not hashed yet are read and their memory released."""
        for start in range(self._hashed, self.size, HASHED):
            piece = np.frombuffer(self._pages, np.uint8)[start : start + HASHED]
            self._hash.update(piece.data)
            self.release(piece)
        self._hashed = self.size
        return self._hash.hexdigest()

    def digest_again(self) -> str:
        """The SHA-256 of all bytes as they are now, whatever was hashed before."""
        self._hash, self._hashed = hashlib.sha256(), 0
        return self.digest()

    @property
    def cut_short(self) -> bool:
        """Whether the file is no longer as long as its pages, some of which can't be read any more."""
        return self.lasting and self._pages.size() < self.size

    def prefetch(self, values: Array, rows: Array) -> None:
        """Have the system read what these rows of ``values``, contiguous by rows, need: all at once, where it can.

        It reads ahead by itself where rows follow one another; where they do not, reading ahead is a waste.
        """
        if not self.lasting:
            return
        forward = bool(((rows[1:] - rows[:-1]) > 0).all()) if len(rows) > 1 else False
        if forward is not self._forward:
            self._advise("MADV_NORMAL" if forward else "MADV_RANDOM", 0, self.size)
            self._forward = forward
        if forward:
            return
        stride, start = values.strides[0], byte_bounds(values)[0] - self._start
        for place in np.sort(rows).tolist():
            low = (start + place * stride) // mmap.PAGESIZE * mmap.PAGESIZE
            self._advise("MADV_WILLNEED", low, start + (place + 1) * stride - low)

    def _advise(self, advice: str, start: int, length: int) -> None:
        if hasattr(mmap, advice):
            self._pages.madvise(getattr(mmap, advice), start, length)
