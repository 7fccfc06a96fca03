"""Tallies: what batches of outputs add up to, from which metrics are read.

A tally adds up over batches of any sizes; those of parts that were computed apart
can be merged. ``Decisions`` and ``Residuals`` are a few float64 sums; ``Outputs``
keeps every output, for metrics that need all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal, Protocol, Self

import numpy as np

from bpcli.nn import Array
from bpcli.nn.workspace import OutputScratch

Judgement = Literal["largest", "threshold", "residuals"]
"""How outputs are judged: by the largest, each against a threshold, or by their distance from the targets."""


class Decisions:
    """Right decisions, counted per example and per output.

    ``judgement`` largest: the class with the largest output, the first of several
    equal ones, against Y's class. ``judgement`` threshold: every output above
    ``threshold`` against every target above it.
    """

    kind: ClassVar[str] = "decisions"

    def __init__(self, n: int, judgement: Judgement, threshold: float = 0.5) -> None:
        self.judgement, self.threshold = judgement, threshold
        self.sums: Array = np.zeros(3)  # examples, examples all right, outputs right
        self.n = n

    def fresh(self) -> Decisions:
        """An empty tally of the same kind."""
        return Decisions(self.n, self.judgement, self.threshold)

    def merge(self, other: Decisions) -> None:
        """Count what ``other`` counted."""
        self.sums += other.sums

    def update(self, A: Array, Y: Array, scratch: OutputScratch) -> None:
        """Count a batch: A (n, m), Y (m,) class indices or (n, m)."""
        right, labels = self._largest(A, Y, scratch) if self.judgement == "largest" else self._threshold(A, Y, scratch)
        self.sums[0] += A.shape[1]
        self.sums[1] += right
        self.sums[2] += labels

    def _largest(self, A: Array, Y: Array, scratch: OutputScratch) -> tuple[Any, Any]:
        # The transposed copy makes argmax run along memory, without a copy of its own.
        decided, right = scratch.index, scratch.flags[0]
        if Y.ndim == 2:
            np.copyto(scratch.turned, Y.T)
            wanted = scratch.wanted
            scratch.turned.argmax(axis=1, out=wanted)
        else:
            wanted = Y
        np.copyto(scratch.turned, A.T)
        scratch.turned.argmax(axis=1, out=decided)
        np.equal(decided, wanted, right)
        count = np.count_nonzero(right)
        return count, count

    def _threshold(self, A: Array, Y: Array, scratch: OutputScratch) -> tuple[Any, Any]:
        right = scratch.flags
        np.greater(A, self.threshold, right)
        np.greater(Y, self.threshold, scratch.wanted_flags)
        np.equal(right, scratch.wanted_flags, right)
        labels = np.count_nonzero(right)
        np.logical_and.reduce(right, axis=0, out=scratch.wanted_flags[0])
        return np.count_nonzero(scratch.wanted_flags[0]), labels

    def clear(self) -> None:
        """Forget every batch."""
        self.sums.fill(0)

    def tensors(self) -> dict[str, Array]:
        """The arrays to save."""
        return {"sums": self.sums}

    def restore(self, tensors: Mapping[str, Array]) -> None:
        """Take up what :meth:`tensors` saved."""
        self.sums[...] = tensors["sums"]


class Residuals:
    """Sums of a − y, per output, and the spread of y, in training units.

    The mean of y and its squared deviations are merged batch by batch as in
    Chan, Golub & LeVeque 1983, each batch's taken from its first example, so a
    large mean costs no digits and a constant target has no spread at all.
    """

    kind: ClassVar[str] = "residuals"

    def __init__(self, n: int, judgement: Judgement = "residuals", threshold: float = 0.5) -> None:
        self.n = n
        self.sums: Array = np.zeros(1 + 4 * n)  # examples, then per output: |e|, e², mean y, Σ(y − mean)²

    def fresh(self) -> Residuals:
        """An empty tally of the same kind."""
        return Residuals(self.n)

    def merge(self, other: Residuals) -> None:
        """Count what ``other`` counted, by the same formula as a batch's."""
        m, seen = other.sums[0], self.sums[0]
        if not m:
            return
        absolute, squared, mean, spread = self.sums[1:].reshape(4, self.n)
        own_absolute, own_squared, own_mean, own_spread = other.sums[1:].reshape(4, self.n)
        absolute += own_absolute
        squared += own_squared
        shift = own_mean - mean
        mean += shift * (m / (seen + m))
        spread += own_spread + shift**2 * (seen * m / (seen + m))
        self.sums[0] += m

    def update(self, A: Array, Y: Array, scratch: OutputScratch) -> None:
        """Count a batch: A and Y (n, m)."""
        m, seen = A.shape[1], self.sums[0]
        absolute, squared, mean, spread = self.sums[1:].reshape(4, self.n)
        matrix, second, column = scratch.layer.matrix, scratch.second, scratch.column
        np.subtract(A, Y, matrix)
        np.abs(matrix, second)
        np.add.reduce(second, axis=1, out=column)
        absolute += column
        np.multiply(matrix, matrix, matrix)
        np.add.reduce(matrix, axis=1, out=column)
        squared += column
        np.copyto(second, Y[:, :1])
        np.subtract(Y, second, second)
        np.add.reduce(second, axis=1, out=column)
        np.divide(column, m, column)
        np.copyto(matrix, column[:, None])
        np.subtract(second, matrix, matrix)
        shift = Y[:, 0] - mean + column
        mean += shift * (m / (seen + m))
        spread += shift**2 * (seen * m / (seen + m))
        np.multiply(matrix, matrix, matrix)
        np.add.reduce(matrix, axis=1, out=column)
        spread += column
        self.sums[0] += m

    def clear(self) -> None:
        """Forget every batch."""
        self.sums.fill(0)

    def tensors(self) -> dict[str, Array]:
        """The arrays to save."""
        return {"sums": self.sums}

    def restore(self, tensors: Mapping[str, Array]) -> None:
        """Take up what :meth:`tensors` saved."""
        self.sums[...] = tensors["sums"]


class Outputs:
    """Every output and target, for metrics that no sum gives, such as the area under a curve."""

    kind: ClassVar[str] = "outputs"

    def __init__(self, n: int, judgement: Judgement = "residuals", threshold: float = 0.5) -> None:
        self.n = n
        self._batches: list[tuple[Array, Array]] = []

    @property
    def outputs(self) -> Array:
        """A of all examples, (n, N)."""
        return np.concatenate([A for A, _ in self._batches] or [np.empty((self.n, 0))], axis=-1)

    @property
    def targets(self) -> Array:
        """Y of all examples, (N,) class indices or (n, N)."""
        return np.concatenate([Y for _, Y in self._batches] or [np.empty((self.n, 0))], axis=-1)

    def fresh(self) -> Outputs:
        """An empty tally of the same kind."""
        return Outputs(self.n)

    def merge(self, other: Outputs) -> None:
        """Keep what ``other`` kept, after its own."""
        self._batches += other._batches

    def update(self, A: Array, Y: Array, scratch: OutputScratch) -> None:
        """Keep a batch: A (n, m), Y (m,) class indices or (n, m)."""
        self._batches.append((A.copy(), Y.copy()))

    def clear(self) -> None:
        """Forget every batch."""
        self._batches.clear()

    def tensors(self) -> dict[str, Array]:
        """The arrays to save."""
        return {"outputs": self.outputs, "targets": self.targets}

    def restore(self, tensors: Mapping[str, Array]) -> None:
        """Take up what :meth:`tensors` saved."""
        self._batches = [(tensors["outputs"], tensors["targets"])]


class Tally(Protocol):
    """A kind of tally."""

    @property
    def kind(self) -> str:
        """Its name among others."""
        ...

    def fresh(self) -> Self:
        """An empty tally of the same kind."""
        ...

    def merge(self, other: Self) -> None:
        """Count what ``other`` counted."""
        ...

    def update(self, A: Array, Y: Array, scratch: OutputScratch) -> None:
        """Count a batch: A (n, m), Y (m,) class indices or (n, m)."""
        ...

    def clear(self) -> None:
        """Forget every batch."""
        ...

    def tensors(self) -> dict[str, Array]:
        """The arrays to save."""
        ...

    def restore(self, tensors: Mapping[str, Array]) -> None:
        """Take up what :meth:`tensors` saved."""
        ...


class Tallies:
    """One tally of each kind that metrics read, counted side by side."""

    def __init__(self, tallies: Iterable[Tally]) -> None:
        self.by_kind = {type(tally): tally for tally in tallies}

    def of(self, kind: type[Any]) -> Any:
        """The tally of this class."""
        return self.by_kind[kind]

    def fresh(self) -> Tallies:
        """Empty tallies of the same kinds."""
        return Tallies(tally.fresh() for tally in self.by_kind.values())

    def merge(self, other: Tallies) -> None:
        """Count what ``other`` counted."""
        for kind, tally in self.by_kind.items():
            tally.merge(other.of(kind))

    def update(self, A: Array, Y: Array, scratch: OutputScratch) -> None:
        """Count a batch: A (n, m), Y (m,) class indices or (n, m)."""
        for tally in self.by_kind.values():
            tally.update(A, Y, scratch)

    def clear(self) -> None:
        """Forget every batch."""
        for tally in self.by_kind.values():
            tally.clear()

    def tensors(self) -> dict[str, Array]:
        """The arrays to save, by kind and name."""
        return {
            f"{tally.kind}.{name}": array for tally in self.by_kind.values() for name, array in tally.tensors().items()
        }

    def restore(self, tensors: Mapping[str, Array]) -> None:
        """Take up what :meth:`tensors` saved."""
        for tally in self.by_kind.values():
            own = {name.removeprefix(f"{tally.kind}."): array for name, array in tensors.items()}
            tally.restore(own)


def tallies(kinds: Iterable[type[Any]], n: int, judgement: Judgement, threshold: float = 0.5) -> Tallies:
    """An empty tally of each of ``kinds``, for n outputs judged this way."""
    return Tallies(kind(n, judgement, threshold) for kind in dict.fromkeys(kinds))
