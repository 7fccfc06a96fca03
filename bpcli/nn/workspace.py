"""The arrays for batches of one size, made once, so that no step allocates.

A :class:`Workspace` holds X, Y and every layer's Z and A, and for training dZ too.
Arrays that only one layer needs at a time share one block of memory.

A step allocates no memory in proportion to its arrays. NumPy allocates a buffer
where an operand is broadcast, except in ``copyto``; so ``copyto`` first copies a
column or a row into every column or row of a matrix, which takes no more time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from bpcli.nn import Array, IndexArray


@dataclass(frozen=True)
class Scratch:
    """Buffers for one layer's intermediate results: ``matrix``, ``second`` and ``third`` (n, m), ``row`` (m,).

    ``flags`` are (n, m) truth values. ``kept`` (n, m) is a noisy layer's own, from forward to backward; None for other
    layers.
    """

    matrix: Array
    second: Array
    third: Array
    row: Array
    flags: Array
    kept: Array | None = None

    def of(self, units: slice | None) -> Scratch:
        """The part of some units, which computes side by side with the others; itself for all units."""
        if units is None:
            return self
        matrices = self.matrix[units], self.second[units], self.third[units]
        kept = None if self.kept is None else self.kept[units]
        return Scratch(*matrices, np.empty_like(self.row), self.flags[units], kept)


def rows(array: Array, units: slice | None) -> Array:
    """The rows of some units; the array itself for all units."""
    return array if units is None else array[units]


def product(left: Array, units: slice | None) -> Callable[[Array, Array], Any]:
    """What writes the product of some rows of a matrix and another one: ``dot``, which copies rows that lie apart."""
    return left.dot if units is None else partial(np.matmul, left[units])


def layer_scratch(n: int, m: int, dtype: DTypeLike) -> Scratch:
    """Buffers of a layer by itself."""
    matrix, second, third = (np.empty((n, m), dtype) for _ in range(3))
    return Scratch(matrix, second, third, np.empty(m, dtype), np.empty((n, m), np.bool_))


@dataclass(frozen=True)
class OutputScratch:
    """Further buffers for the output layer, where losses and metrics are computed.

    ``layer``: the buffers of any layer; ``second``, ``third``: (n, m); ``turned``: (m, n), in the
    memory of ``layer.matrix``; ``picked``, ``terms``: (m,); ``column``: (n,); ``index``,
    ``wanted``, ``columns``: (m,) whole numbers, ``columns`` being 0 … m − 1; ``flags``, those of ``layer``,
    and ``target_flags``: (n, m) truth values.
    """

    layer: Scratch
    second: Array
    third: Array
    turned: Array
    picked: Array
    terms: Array
    column: Array
    index: IndexArray
    wanted: IndexArray
    columns: IndexArray
    flags: Array
    target_flags: Array


def output_scratch(layer: Scratch) -> OutputScratch:
    """The output layer's buffers around those that it shares with the other layers, ``layer``."""
    n, m = layer.matrix.shape
    dtype = layer.matrix.dtype
    return OutputScratch(
        layer=layer,
        second=np.empty((n, m), dtype),
        third=np.empty((n, m), dtype),
        turned=layer.matrix.reshape(m, n),
        picked=np.empty(m, dtype),
        terms=np.empty(m, dtype),
        column=np.empty(n, dtype),
        index=np.empty(m, np.intp),
        wanted=np.empty(m, np.intp),
        columns=np.arange(m),
        flags=layer.flags,
        target_flags=np.empty((n, m), np.bool_),
    )


def targets(outputs: int, m: int, dtype: DTypeLike, *, class_indices: bool) -> Array:
    """A buffer for Y: (m,) class indices, or (outputs, m)."""
    return np.empty(m, np.intp) if class_indices else np.empty((outputs, m), dtype)


class Workspace:
    """The arrays of a network with layer sizes n_0 … n_L for batches of m examples.

    ``X`` (n_0, m) is in Fortran order: each example is contiguous, so filling a batch
    copies rows. ``Y`` is (m,) class indices or (n_L, m). ``Z``, ``A``, ``dZ``, ``dA`` and
    ``scratch`` are lists by layer, in C order; ``A[0]`` is X, the first entries of the
    other lists are empty. The arrays of ``dA`` share their memory, as do those of
    ``scratch``: only one layer's are in use at a time. ``ones`` is (m, 1). ``weights`` is
    (m,), or None if the examples have no weights; ``metric_weights`` likewise. ``noise`` is a
    list by layer: (n_l, m) for the layers in ``noisy``, None for the others. Without ``training`` there are no ``dZ``,
    ``dA`` and ``ones``, and ``noise`` is None for every layer. A layer with noise has a ``kept`` in its scratch.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        m: int,
        dtype: DTypeLike,
        *,
        class_indices: bool,
        training: bool = True,
        weighted: bool = False,
        metrics_weighted: bool = False,
        noisy: Collection[int] = (),
    ) -> None:
        layers = sizes[1:]
        widest = max(layers)
        self.m = m
        self.X: Array = np.empty((m, sizes[0]), dtype).T
        self.Y = targets(sizes[-1], m, dtype, class_indices=class_indices)
        empty = np.empty((0, m), dtype)
        self.Z = [empty, *(np.empty((n, m), dtype) for n in layers)]
        self.A = [self.X, *(np.empty((n, m), dtype) for n in layers)]
        shared = [np.empty(widest * m, kind) for kind in (dtype, dtype, dtype, np.bool_)]
        row = np.empty(m, dtype)
        layers_with_noise = noisy if training else ()
        own = [np.empty((n, m), dtype) if l in layers_with_noise else None for l, n in enumerate(sizes)]
        self.noise = [None if kept is None else np.empty_like(kept) for kept in own]
        blocks = ([block[: n * m].reshape(n, m) for block in shared] for n in (0, *layers))
        self.scratch = [Scratch(a, b, c, row, flags, kept) for (a, b, c, flags), kept in zip(blocks, own, strict=True)]
        self.output = output_scratch(self.scratch[-1])
        self.weights: Array | None = np.empty(m, dtype) if weighted else None
        self.metric_weights: Array | None = np.empty(m, dtype) if metrics_weighted else None
        self.dZ: list[Array] = []
        self.dA: list[Array] = []
        if training:
            self.ones: Array = np.ones((m, 1), dtype)
            self.dZ = [empty, *(np.empty((n, m), dtype) for n in layers)]
            block = np.empty(widest * m, dtype)
            self.dA = [empty, *(block[: n * m].reshape(n, m) for n in layers)]

    def noise_of(self, l: int, units: slice | None) -> Array | None:
        """The noise of a layer, or of some of its units; None where it has none."""
        noise = self.noise[l]
        return None if noise is None else rows(noise, units)

    def sibling(self) -> Workspace:
        """A workspace that shares all arrays but Z_L, A_L, Y and weights, which the next batch leaves as they are."""
        other = copy(self)
        other.Y = np.empty_like(self.Y)
        other.weights = None if self.weights is None else np.empty_like(self.weights)
        other.metric_weights = None if self.metric_weights is None else np.empty_like(self.metric_weights)
        other.Z, other.A = [*self.Z[:-1], np.empty_like(self.Z[-1])], [*self.A[:-1], np.empty_like(self.A[-1])]
        return other
