"""Tallies: what outputs and targets add up to over batches, from which metrics are computed.

A tally adds up batches of any sizes, and tallies of parts that were computed apart
can be merged. Most are a few float64 sums; ``Outputs`` keeps every output, for
metrics that need all of them together. ``Decisions`` and ``Residuals`` are compiled
with the steps that train.

Where examples have weights, each counts as much as its weight: one of weight 2 as two
that are equal, one of weight 0 as none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from typing import Any, TypeVar

from bpcli.nn import Array
from bpcli.nn.tallies.choices import Choices
from bpcli.nn.tallies.classes import ClassCounts, Ranks
from bpcli.nn.tallies.decisions import Decisions
from bpcli.nn.tallies.errors import ErrorParts
from bpcli.nn.tallies.judging import Judging, Scoring, Tally, described
from bpcli.nn.tallies.outputs import Outputs
from bpcli.nn.tallies.probabilities import ProbabilityScores
from bpcli.nn.tallies.quantiles import Quantiles
from bpcli.nn.tallies.residuals import Residuals
from bpcli.nn.workspace import OutputScratch

__all__ = [
    "Choices",
    "ClassCounts",
    "Decisions",
    "ErrorParts",
    "Judging",
    "Outputs",
    "ProbabilityScores",
    "Quantiles",
    "Ranks",
    "Residuals",
    "Scoring",
    "Tallies",
    "Tally",
    "by_epoch",
    "described",
    "empty_tallies",
    "of_epochs",
    "takes_epochs",
]

Value = TypeVar("Value", bound=Callable[..., Any])


class Tallies:
    """One tally of each kind that metrics are computed from."""

    def __init__(self, tallies: Iterable[Tally]) -> None:
        self.by_kind = {type(tally): tally for tally in tallies}
        self._empty: list[tuple[Tally, Mapping[str, Array]]] = []

    def of(self, kind: type[Any]) -> Any:
        """The tally of this class."""
        return self.by_kind[kind]

    def fresh(self) -> Tallies:
        """Empty tallies of the same kinds."""
        return Tallies(map(_empty, self.by_kind.values()))

    def recorded(self) -> Tallies:
        """The same tallies, without those that compiled code does not count."""
        return Tallies(tally for tally in self.by_kind.values() if tally.recorded)

    def unrecorded(self) -> Tallies:
        """The same tallies, without those that compiled code counts."""
        return Tallies(tally for tally in self.by_kind.values() if not tally.recorded)

    def with_sums(self, sums: Iterable[Array]) -> Tallies:
        """Tallies like the recorded ones with other sums: each its own, or a row for each of several epochs."""
        recorded = self.recorded().by_kind.values()
        return Tallies(_with_sums(tally, own) for tally, own in zip(recorded, sums, strict=True))

    def update(self, A: Array, Y: Array, scratch: OutputScratch, weights: Array | None = None) -> None:
        """Add a batch to each: A (n, m), Y (m,) class indices or (n, m); ``weights``, (m,), where there are any."""
        for tally in self.by_kind.values():
            tally.update(A, Y, scratch, weights)

    def merge(self, other: Tallies) -> None:
        """Add every batch of ``other``, which has the same kinds."""
        for kind, tally in self.by_kind.items():
            tally.merge(other.of(kind))

    def clear(self) -> None:
        """Forget every batch."""
        if not self._empty:
            self._empty = [(tally, _empty(tally).tensors()) for tally in self.by_kind.values()]
        for tally, tensors in self._empty:
            tally.restore(tensors)

    def tensors(self) -> dict[str, Array]:
        """The arrays to save, by ``kind.name``."""
        return {
            f"{tally.kind}.{name}": array for tally in self.by_kind.values() for name, array in tally.tensors().items()
        }

    def restore(self, tensors: Mapping[str, Array]) -> None:
        """Continue from what :meth:`tensors` returned."""
        for tally in self.by_kind.values():
            tally.restore({name: tensors[f"{tally.kind}.{name}"] for name in tally.tensors()})


def of_epochs(value: Value) -> Value:
    """Marks a metric's ``value`` that also takes a tally whose ``sums`` have a row for each of several epochs.

    It gives the values of all then, (epochs,), to the bit those of each alone. The mark is on the method, so a metric
    that inherits and has a ``value`` of its own is not marked by it.
    """
    value.of_epochs = True  # type: ignore[attr-defined]
    return value


def takes_epochs(value: Callable[[Any], Any]) -> bool:
    """Whether a metric's ``value`` is marked as :func:`of_epochs`."""
    return getattr(value, "of_epochs", False)


def by_epoch(tally: Any) -> Iterator[Any]:
    """One tally after another of one whose ``sums`` have a row for each epoch."""
    return (_with_sums(tally, sums) for sums in tally.sums)


def _with_sums(tally: Any, sums: Array) -> Any:
    other = copy(tally)
    other.sums = sums
    return other


def _empty(tally: Tally) -> Tally:
    """An empty tally of the same kind."""
    return type(tally)(tally.judging)


def empty_tallies(kinds: Iterable[type[Any]], judging: Judging) -> Tallies:
    """An empty tally of each of ``kinds``, for outputs that are compared with their targets in this way."""
    return Tallies(kind(judging) for kind in dict.fromkeys(kinds))
