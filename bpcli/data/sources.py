"""Sources hand out batches: ``gather(indices, out)`` fills a network's X or Y, examples in columns.

Data in memory, encoded beforehand or converted as they are gathered, look the
same to the loop that trains.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import local
from typing import Generic, Protocol, TypeVar

import numpy as np

from bpcli.data.files.pages import Pages
from bpcli.nn import Array, IndexArray


class Source(Protocol):
    """Examples numbered from 0 to ``size`` − 1."""

    @property
    def size(self) -> int:
        """The number of examples."""
        ...

    @property
    def pages(self) -> Pages | None:
        """Those of the file that the examples are read from whenever they are needed, None where they are in memory."""
        ...

    def gather(self, indices: IndexArray, out: Array) -> None:
        """Write the examples ``indices``, (m,), into ``out``: (n, m), or (m,) for class indices."""
        ...


@dataclass(frozen=True)
class Examples:
    """Features and targets of the same examples, and their weights where they have any.

    ``weights`` are those of the loss, ``metric_weights`` those of the metrics: (N,) in the network's precision.
    """

    features: Source
    targets: Source
    weights: Array | None = field(default=None, kw_only=True)
    metric_weights: Array | None = field(default=None, kw_only=True)

    @property
    def size(self) -> int:
        """The number of examples."""
        return self.features.size

    def gather(
        self,
        indices: IndexArray,
        X: Array,
        Y: Array,
        weights_out: Array | None = None,
        metric_weights_out: Array | None = None,
    ) -> None:
        """Fill a batch, X (n_0, m) and Y (n_L, m) or (m,), with the examples ``indices``, (m,).

        ``weights_out`` and ``metric_weights_out``, (m,), take their weights; without weights each is 1.
        """
        self.features.gather(indices, X)
        self.gather_targets(indices, Y, weights_out, metric_weights_out)

    def gather_targets(
        self, indices: IndexArray, Y: Array, weights_out: Array | None = None, metric_weights_out: Array | None = None
    ) -> None:
        """Fill all of a batch but X."""
        self.targets.gather(indices, Y)
        if weights_out is not None:
            _take(self.weights, indices, weights_out)
        if metric_weights_out is not None:
            _take(self.metric_weights, indices, metric_weights_out)


def _take(weights: Array | None, indices: IndexArray, out: Array) -> None:
    """Write the weights of examples into ``out``, (m,): 1 where they have none."""
    if weights is None:
        out.fill(1)
    else:
        weights.take(indices, out=out, mode="clip")


Made = TypeVar("Made")


class _Buffers(Generic[Made]):
    """What a thread copies m examples with, made once: several threads may gather from one source."""

    def __init__(self, make: Callable[[int], Made]) -> None:
        self._make = make
        self._of_thread = local()

    def of(self, m: int) -> Made:
        """Those of the calling thread for m examples."""
        made: dict[int, Made] | None = getattr(self._of_thread, "made", None)
        if made is None:
            made = self._of_thread.made = {}
        found = made.get(m)
        if found is None:
            found = made[m] = self._make(m)
        return found


def _places(m: int) -> IndexArray:
    return np.empty(m, np.intp)


class Rows:
    """Features ready to use: ``rows`` (N, n), in the network's precision.

    ``out`` is in Fortran order, so an example is copied as one piece.
    """

    pages: Pages | None = None

    def __init__(self, rows: Array) -> None:
        self.rows = rows
        self.size = len(rows)

    def gather(self, indices: IndexArray, out: Array) -> None:
        """Write examples into ``out``, (n, m)."""
        self.rows.take(indices, axis=0, out=out.T, mode="clip")


class ByteRows:
    """Images: bytes (N, n), each times ``factor`` as it is gathered, so memory holds bytes, or a file does.

    ``examples`` names the rows that count, (size,).
    """

    def __init__(self, values: Array, examples: IndexArray, factor: float, pages: Pages | None = None) -> None:
        self.values = values
        self.pages = pages
        self.examples = examples
        self.size = len(examples)
        self.factor = factor
        self._buffers = _Buffers(lambda m: (_places(m), np.empty((m, values.shape[1]), np.uint8)))

    def gather(self, indices: IndexArray, out: Array) -> None:
        """Write examples into ``out``, (n, m)."""
        pixels = self._buffers.of(len(indices))[1]
        self.values.take(self.locate(indices), axis=0, out=pixels, mode="clip")
        np.copyto(out.T, pixels)
        np.multiply(out, self.factor, out)

    def locate(self, indices: IndexArray) -> IndexArray:
        """The rows of ``values`` that hold examples, which the system is asked to read; the next call overwrites it."""
        places = self._buffers.of(len(indices))[0]
        self.examples.take(indices, out=places, mode="clip")
        if self.pages is not None:
            self.pages.prefetch(self.values, places)
        return places


class FileRows:
    """Numbers left in their file, (N, n of any type), and encoded as they are gathered, to the bits of :class:`Rows`.

    ``examples`` names the rows that count, ``columns`` the columns; a missing number becomes its column's
    median, then x becomes (x − shift) · factor, in float64.
    """

    def __init__(
        self, values: Array, pages: Pages, examples: IndexArray, columns: IndexArray, encoding: tuple[Array, ...]
    ) -> None:
        self.values, self.pages = values, pages
        self.examples, self.columns = examples, columns
        self.size = len(examples)
        self.medians, self.shift, self.factor = encoding
        self._bytes = pages.bytes_of(values) if values.flags.c_contiguous else None
        in_a_row = bool((np.diff(columns) == 1).all())
        self._chosen = slice(columns[0], columns[-1] + 1) if in_a_row else columns
        self._buffers = _Buffers(
            lambda m: (_places(m), np.empty((m, values.shape[1]), values.dtype), np.empty((m, len(columns))))
        )

    def gather(self, indices: IndexArray, out: Array) -> None:
        """Write examples into ``out``, (n, m)."""
        _, whole, numbers = self._buffers.of(len(indices))
        self._fetch(self.locate(indices), whole)
        np.copyto(numbers, whole[:, self._chosen])
        missing = np.isnan(numbers)
        if missing.any():
            np.copyto(numbers, self.medians, where=missing)
        np.subtract(numbers, self.shift, numbers)
        np.multiply(numbers, self.factor, numbers)
        np.copyto(out.T, numbers, casting="same_kind")

    def locate(self, indices: IndexArray) -> IndexArray:
        """The rows of ``values`` that hold examples, which the system is asked to read; the next call overwrites it."""
        places = self._buffers.of(len(indices))[0]
        self.examples.take(indices, out=places, mode="clip")
        if self._bytes is not None:
            self.pages.prefetch(self.values, places)
        return places

    def _fetch(self, places: IndexArray, out: Array) -> None:
        """Copy rows of the file, in whichever order and alignment they lie."""
        if self._bytes is None:
            out[...] = self.values[places]
        else:
            self._bytes.take(places, axis=0, out=out.view(np.uint8), mode="clip")


class ClassIndices:
    """Targets as class indices, (N,)."""

    pages: Pages | None = None

    def __init__(self, indices: IndexArray) -> None:
        self.indices = indices
        self.size = len(indices)

    def gather(self, indices: IndexArray, out: Array) -> None:
        """Write class indices into ``out``, (m,)."""
        self.indices.take(indices, out=out, mode="clip")


MOST_TABLED = 256
"""Classes up to which their columns are copied from a table: beyond, filling them takes less time and memory."""


def one_hot(indices: IndexArray, classes: int, dtype: np.dtype, *, off: float = 0.0, on: float = 1.0) -> Source:
    """Targets as columns that are ``on`` for the class and ``off`` for others, made per batch from indices, (N,)."""
    if classes <= MOST_TABLED:
        return OneHot(indices, classes, dtype, off, on)
    return WideOneHot(indices, off, on)


class OneHot:
    """Targets as columns of a table, a column for each class."""

    pages: Pages | None = None

    def __init__(self, indices: IndexArray, classes: int, dtype: np.dtype, off: float, on: float) -> None:
        self.indices = indices
        self.size = len(indices)
        self.columns = np.full((classes, classes), off, dtype)
        np.fill_diagonal(self.columns, on)
        self._buffers = _Buffers(_places)

    def gather(self, indices: IndexArray, out: Array) -> None:
        """Write a column per example into ``out``, (K, m)."""
        classes = self._buffers.of(len(indices))
        self.indices.take(indices, out=classes, mode="clip")
        self.columns.take(classes, axis=1, out=out, mode="clip")


class WideOneHot:
    """Targets as columns that are filled with ``off``, then ``on`` is written where the class is."""

    pages: Pages | None = None

    def __init__(self, indices: IndexArray, off: float, on: float) -> None:
        self.indices = indices
        self.size = len(indices)
        self.off, self.on = off, on
        self._buffers = _Buffers(lambda m: (_places(m), np.arange(m)))

    def gather(self, indices: IndexArray, out: Array) -> None:
        """Write a column per example into ``out``, (K, m)."""
        classes, places = self._buffers.of(len(indices))
        self.indices.take(indices, out=classes, mode="clip")
        out.fill(self.off)
        out[classes, places] = self.on


class Columns:
    """Targets as numbers: ``columns`` (K, N), in the network's precision; with ``times`` they stand so often."""

    pages: Pages | None = None

    def __init__(self, columns: Array, times: int = 1) -> None:
        self.columns = columns
        self.size = columns.shape[1]
        self.times = times

    def gather(self, indices: IndexArray, out: Array) -> None:
        """Write examples into ``out``, (times · K, m)."""
        blocks = out.reshape(self.times, len(self.columns), -1)
        self.columns.take(indices, axis=1, out=blocks[0], mode="clip")
        np.copyto(blocks[1:], blocks[:1])
