"""Where the arrays of one batch size live, made once, so that no step allocates.

A :class:`Workspace` holds X, Y and every layer's Z and A, and, where it is to
train, dZ too. What is needed for one layer at a time shares one block.

A step takes no memory in proportion to its arrays. NumPy takes some by itself
where an operand is broadcast, except in ``copyto``; so ``copyto`` spreads a
column or a row over a matrix first, which costs no more time.
"""

from __future__ import annotations

from collections.abc import Collection
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from bpcli.nn import Array, IndexArray


@dataclass(frozen=True)
class Scratch:
    """Room for one layer's intermediate results: ``matrix`` (n, m), ``row`` (m,)."""

    matrix: Array
    row: Array


@dataclass(frozen=True)
class OutputScratch:
    """More room, for the output layer, where losses and metrics are computed.

    ``layer``: as of any layer; ``second``: (n, m); ``turned``: (m, n), the memory
    of ``layer.matrix``; ``picked``, ``terms``: (m,); ``column``: (n,); ``index``, ``wanted``,
    ``columns``: (m,) whole numbers, the last 0 … m − 1; ``flags``,
    ``wanted_flags``: (n, m) truth values.
    """

    layer: Scratch
    second: Array
    turned: Array
    picked: Array
    terms: Array
    column: Array
    index: IndexArray
    wanted: IndexArray
    columns: IndexArray
    flags: Array
    wanted_flags: Array


def output_scratch(layer: Scratch) -> OutputScratch:
    """The output layer's scratch around what it shares with the other layers."""
    n, m = layer.matrix.shape
    dtype = layer.matrix.dtype
    return OutputScratch(
        layer=layer,
        second=np.empty((n, m), dtype),
        turned=layer.matrix.reshape(m, n),
        picked=np.empty(m, dtype),
        terms=np.empty(m, dtype),
        column=np.empty(n, dtype),
        index=np.empty(m, np.intp),
        wanted=np.empty(m, np.intp),
        columns=np.arange(m),
        flags=np.empty((n, m), np.bool_),
        wanted_flags=np.empty((n, m), np.bool_),
    )


def targets(outputs: int, m: int, dtype: DTypeLike, *, class_indices: bool) -> Array:
    """Room for Y: (m,) class indices, or (outputs, m)."""
    return np.empty(m, np.intp) if class_indices else np.empty((outputs, m), dtype)


class Workspace:
    """The arrays of a network with layer sizes n_0 … n_L for batches of m examples.

    ``X`` (n_0, m) is in Fortran order, so that an example is contiguous and
    filling a batch copies rows; ``Y`` is (m,) class indices or (n_L, m). ``Z``,
    ``A``, ``dZ``, ``dA`` and ``scratch`` are lists by layer, in C order; ``A[0]`` is
    X, the other lists' first entries are empty. The arrays of ``dA`` share their
    memory, as do those of ``scratch``: only one layer's is alive at a time.
    ``ones`` is (m, 1). ``weights`` is (m,), or None where examples have none. ``noise`` has
    (n_l, m) for each layer named ``noisy``, None for others. Without ``training`` there is
    no dZ, dA, ones and noise.
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
        shared, row = np.empty(widest * m, dtype), np.empty(m, dtype)
        self.scratch = [Scratch(shared[: n * m].reshape(n, m), row) for n in (0, *layers)]
        self.output = output_scratch(self.scratch[-1])
        self.weights: Array | None = np.empty(m, dtype) if weighted else None
        drawn = noisy if training else ()
        self.noise = [np.empty((n, m), dtype) if l in drawn else None for l, n in enumerate(sizes)]
        self.dZ: list[Array] = []
        self.dA: list[Array] = []
        if training:
            self.ones: Array = np.ones((m, 1), dtype)
            self.dZ = [empty, *(np.empty((n, m), dtype) for n in layers)]
            block = np.empty(widest * m, dtype)
            self.dA = [empty, *(block[: n * m].reshape(n, m) for n in layers)]

    def sibling(self) -> Workspace:
        """A workspace that shares all but Z_L, A_L, Y and weights, so that these outlive the next batch."""
        other = copy(self)
        other.Y = np.empty_like(self.Y)
        other.weights = None if self.weights is None else np.empty_like(self.weights)
        other.Z, other.A = [*self.Z[:-1], np.empty_like(self.Z[-1])], [*self.A[:-1], np.empty_like(self.A[-1])]
        return other
