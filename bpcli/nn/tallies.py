"""Tallies: what outputs and targets add up to over batches, from which metrics are computed.

A tally adds up batches of any sizes, and tallies of parts that were computed apart
can be merged. ``Decisions`` and ``Residuals`` are a few float64 sums; ``Outputs``
keeps every output, for metrics that need all of them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal, Protocol, Self

import numpy as np

from bpcli.nn import Array
from bpcli.nn.workspace import OutputScratch

Scoring = Literal["largest", "threshold", "residuals"]
"""How outputs are compared with targets: by the largest, each against a threshold, or by their differences."""


class Tally(Protocol):
    """A kind of tally; its class is called with the number of outputs n, the scoring and the threshold."""

    @property
    def kind(self) -> str:
        """The name of the kind, under which its arrays are saved."""
        ...

    def fresh(self) -> Self:
        """An empty tally of the same kind."""
        ...

    def update(self, A: Array, Y: Array, scratch: OutputScratch) -> None:
        """Add a batch: A (n, m), Y (m,) class indices or (n, m)."""
        ...

    def merge(self, other: Self) -> None:
        """Add every batch of ``other``, which stays as it is."""
        ...

    def clear(self) -> None:
        """Forget every batch."""
        ...

    def tensors(self) -> dict[str, Array]:
        """The arrays to save, by name."""
        ...

    def restore(self, tensors: Mapping[str, Array]) -> None:
        """Continue from what :meth:`tensors` returned."""
        ...


class Decisions:
    """Correct decisions, counted per example and per output.

    With ``scoring`` largest, an example's decision is the class with the largest
    output, the first of several equal ones, and is compared with Y's class. With
    ``scoring`` threshold, each output is a decision: whether it is above
    ``threshold``, compared with whether its target is.
    """

    kind: ClassVar[str] = "decisions"

    def __init__(self, n: int, scoring: Scoring, threshold: float = 0.5) -> None:
        self.n, self.scoring, self.threshold = n, scoring, threshold
        self.sums: Array = np.zeros(3)  # examples, examples with every decision correct, correct outputs

    def fresh(self) -> Decisions:
        """An empty tally of the same kind."""
        return Decisions(self.n, self.scoring, self.threshold)

    def update(self, A: Array, Y: Array, scratch: OutputScratch) -> None:
        """Add a batch: A (n, m), Y (m,) class indices or (n, m)."""
        count = self._by_largest if self.scoring == "largest" else self._by_threshold
        examples, outputs = count(A, Y, scratch)
        self.sums[0] += A.shape[1]
        self.sums[1] += examples
        self.sums[2] += outputs

    def _by_largest(self, A: Array, Y: Array, scratch: OutputScratch) -> tuple[Any, Any]:
        # The transposed copy lets argmax run along memory; else NumPy copies the array itself.
        decided, correct = scratch.index, scratch.flags[0]
        if Y.ndim == 2:
            np.copyto(scratch.turned, Y.T)
            true_classes = scratch.wanted
            scratch.turned.argmax(axis=1, out=true_classes)
        else:
            true_classes = Y
        np.copyto(scratch.turned, A.T)
        scratch.turned.argmax(axis=1, out=decided)
        np.equal(decided, true_classes, correct)
        examples = np.count_nonzero(correct)
        return examples, examples

    def _by_threshold(self, A: Array, Y: Array, scratch: OutputScratch) -> tuple[Any, Any]:
        correct, targets = scratch.flags, scratch.target_flags
        np.greater(A, self.threshold, correct)
        np.greater(Y, self.threshold, targets)
        np.equal(correct, targets, correct)
        outputs = np.count_nonzero(correct)
        all_correct = scratch.target_flags[0]
        np.logical_and.reduce(correct, axis=0, out=all_correct)
        return np.count_nonzero(all_correct), outputs

    def merge(self, other: Decisions) -> None:
        """Add every batch of ``other``."""
        self.sums += other.sums

    def clear(self) -> None:
        """Forget every batch."""
        self.sums.fill(0)

    def tensors(self) -> dict[str, Array]:
        """The arrays to save, by name."""
        return {"sums": self.sums}

    def restore(self, tensors: Mapping[str, Array]) -> None:
        """Continue from what :meth:`tensors` returned."""
        self.sums[...] = tensors["sums"]


class Residuals:
    """Sums of |a − y| and (a − y)², and the mean and squared deviations of y, per output, in training units.

    Mean and squared deviations are merged batch by batch (Chan, Golub & LeVeque
    1983), each batch's computed from differences to its first example, so a large
    mean costs no digits and a constant target has deviations of exactly 0.
    """

    kind: ClassVar[str] = "residuals"

    def __init__(self, n: int, scoring: Scoring = "residuals", threshold: float = 0.5) -> None:
        self.n = n
        self.sums: Array = np.zeros(1 + 4 * n)  # examples, then per output: |e|, e², mean y, Σ(y − mean)²

    def fresh(self) -> Residuals:
        """An empty tally of the same kind."""
        return Residuals(self.n)

    def update(self, A: Array, Y: Array, scratch: OutputScratch) -> None:
        """Add a batch: A and Y (n, m)."""
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

    def merge(self, other: Residuals) -> None:
        """Add every batch of ``other``, by the same formula as a batch."""
        m, seen = other.sums[0], self.sums[0]
        if not m:
            return
        absolute, squared, mean, spread = self.sums[1:].reshape(4, self.n)
        other_absolute, other_squared, other_mean, other_spread = other.sums[1:].reshape(4, self.n)
        absolute += other_absolute
        squared += other_squared
        shift = other_mean - mean
        mean += shift * (m / (seen + m))
        spread += other_spread + shift**2 * (seen * m / (seen + m))
        self.sums[0] += m

    def clear(self) -> None:
        """Forget every batch."""
        self.sums.fill(0)

    def tensors(self) -> dict[str, Array]:
        """The arrays to save, by name."""
        return {"sums": self.sums}

    def restore(self, tensors: Mapping[str, Array]) -> None:
        """Continue from what :meth:`tensors` returned."""
        self.sums[...] = tensors["sums"]


class Outputs:
    """Every output and target, for metrics that no sum gives, such as the area under a curve."""

    kind: ClassVar[str] = "outputs"

    def __init__(self, n: int, scoring: Scoring = "residuals", threshold: float = 0.5) -> None:
        self.n = n
        self._batches: list[tuple[Array, Array]] = []

    @property
    def outputs(self) -> Array:
        """A of all examples, (n, N)."""
        return np.concatenate([A for A, _ in self._batches] or [np.empty((self.n, 0))], axis=-1)

    @property
    def targets(self) -> Array:
        """Y of all examples, (N,) class indices or (n, N); (n, 0) before the first batch."""
        return np.concatenate([Y for _, Y in self._batches] or [np.empty((self.n, 0))], axis=-1)

    def fresh(self) -> Outputs:
        """An empty tally of the same kind."""
        return Outputs(self.n)

    def update(self, A: Array, Y: Array, scratch: OutputScratch) -> None:
        """Add a copy of a batch: A (n, m), Y (m,) class indices or (n, m)."""
        self._batches.append((A.copy(), Y.copy()))

    def merge(self, other: Outputs) -> None:
        """Add every batch of ``other``, after its own."""
        self._batches += other._batches

    def clear(self) -> None:
        """Forget every batch."""
        self._batches.clear()

    def tensors(self) -> dict[str, Array]:
        """The arrays to save, by name."""
        return {"outputs": self.outputs, "targets": self.targets}

    def restore(self, tensors: Mapping[str, Array]) -> None:
        """Continue from what :meth:`tensors` returned."""
        outputs, targets = tensors["outputs"], tensors["targets"]
        self._batches = [(outputs, targets)] if outputs.size else []


class Tallies:
    """One tally of each kind that metrics are computed from."""

    def __init__(self, tallies: Iterable[Tally]) -> None:
        self.by_kind = {type(tally): tally for tally in tallies}

    def of(self, kind: type[Any]) -> Any:
        """The tally of this class."""
        return self.by_kind[kind]

    def fresh(self) -> Tallies:
        """Empty tallies of the same kinds."""
        return Tallies(tally.fresh() for tally in self.by_kind.values())

    def update(self, A: Array, Y: Array, scratch: OutputScratch) -> None:
        """Add a batch to each: A (n, m), Y (m,) class indices or (n, m)."""
        for tally in self.by_kind.values():
            tally.update(A, Y, scratch)

    def merge(self, other: Tallies) -> None:
        """Add every batch of ``other``, which has the same kinds."""
        for kind, tally in self.by_kind.items():
            tally.merge(other.of(kind))

    def clear(self) -> None:
        """Forget every batch."""
        for tally in self.by_kind.values():
            tally.clear()

    def tensors(self) -> dict[str, Array]:
        """The arrays to save, by ``kind.name``."""
        return {
            f"{tally.kind}.{name}": array for tally in self.by_kind.values() for name, array in tally.tensors().items()
        }

    def restore(self, tensors: Mapping[str, Array]) -> None:
        """Continue from what :meth:`tensors` returned."""
        for tally in self.by_kind.values():
            tally.restore({name: tensors[f"{tally.kind}.{name}"] for name in tally.tensors()})


def empty_tallies(kinds: Iterable[type[Any]], n: int, scoring: Scoring, threshold: float = 0.5) -> Tallies:
    """An empty tally of each of ``kinds``, for n outputs scored this way."""
    return Tallies(kind(n, scoring, threshold) for kind in dict.fromkeys(kinds))
