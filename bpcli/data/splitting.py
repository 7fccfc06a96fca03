"""Dealing a file's rows into training, validation and test parts.

At random, in proportion to the classes where there are any; whole groups at a time; or in order, the
earliest rows to train on. With folds, the test part is one of k equal parts, each row's turn once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from bpcli.data.files.cells import distinct
from bpcli.nn import Array, IndexArray

PARTS = ("train", "validation", "test")

HELD_OUT = ("test", "validation")
"""The parts that are taken from the rows, in this order; the rest is trained on."""


@dataclass(frozen=True)
class Fold:
    """Which fold, from 0, of how many is the test part."""

    index: int
    folds: int


@dataclass(frozen=True)
class SplitRequest:
    """How rows are dealt: ``fractions`` of them for validation and test.

    With a ``fold``, that is the test part, and the fraction for validation is of the other rows.
    """

    fractions: dict[str, float] = field(default_factory=dict)
    fold: Fold | None = None


@dataclass(frozen=True)
class Traits:
    """What a split looks at, (N,) each: the index of each row's class, its group, its place in the order."""

    classes: Array | None = None
    groups: Array | None = None
    order: Array | None = None


def split(
    size: int, request: SplitRequest, rng: np.random.Generator, traits: Traits | None = None
) -> dict[str, IndexArray]:
    """Row numbers, ascending, of each part; a part may be empty.

    In order, rows after the test fold are in no part.
    """
    traits = traits or Traits()
    if traits.order is not None:
        dealt = _in_order(np.argsort(traits.order, kind="stable"), request)
    elif traits.groups is not None:
        dealt = _by_groups(traits.groups, traits.classes, request, rng)
    else:
        dealt = _at_random(_strata(size, traits.classes), request, rng)
    return {part: np.sort(dealt[part]) for part in PARTS}


def _strata(size: int, classes: Array | None) -> list[IndexArray]:
    """The rows of each class, or all rows."""
    return [np.arange(size)] if classes is None else [np.flatnonzero(classes == c) for c in distinct(classes)]


def _at_random(strata: list[IndexArray], request: SplitRequest, rng: np.random.Generator) -> dict[str, IndexArray]:
    """Each class dealt in proportion, as near as whole numbers allow.

    Validation and test get ``round(fraction · size)`` rows each. Each class keeps at least one example in
    training; what it keeps so is not made up for by other classes.
    """
    shuffled = [rng.permutation(rows) for rows in strata]
    dealt: dict[str, IndexArray] = {}
    if request.fold is not None:
        chosen = np.arange(sum(map(len, strata))) % request.fold.folds == request.fold.index
        dealt["test"] = np.concatenate(shuffled)[chosen]
        pieces = np.split(~chosen, np.cumsum([len(rows) for rows in shuffled])[:-1])
        shuffled = [rows[kept] for rows, kept in zip(shuffled, pieces, strict=True)]
    wholes = np.array([len(rows) for rows in shuffled])
    size = wholes.sum()
    for part in HELD_OUT:
        if part in dealt:
            continue
        total = round(request.fractions.get(part, 0.0) * size)
        left = np.array([len(rows) for rows in shuffled])
        shares = _apportion(total, wholes * (total / max(1, size)), np.maximum(left - 1, 0))
        taken = [rows[len(rows) - share :] for rows, share in zip(shuffled, shares, strict=True)]
        shuffled = [rows[: len(rows) - share] for rows, share in zip(shuffled, shares, strict=True)]
        dealt[part] = np.concatenate(taken)
    return {**dealt, "train": np.concatenate(shuffled)}


def _apportion(total: int, quotas: Array, limits: Array) -> IndexArray:
    """Whole shares next to ``quotas``, none above ``limits``, adding up to ``total`` where the limits allow.

    Largest remainders first (Hamilton's method); equal ones in the order of groups.
    """
    floors, ceilings = np.floor(quotas + 1e-9).astype(np.intp), np.ceil(quotas - 1e-9).astype(np.intp)
    shares = np.minimum(floors, limits)
    for group in np.argsort(floors - quotas, kind="stable"):
        if shares.sum() < total and shares[group] < min(ceilings[group], limits[group]):
            shares[group] += 1
    return shares


def _by_groups(
    groups: Array, classes: Array | None, request: SplitRequest, rng: np.random.Generator
) -> dict[str, IndexArray]:
    """Whole groups dealt, so that sizes and classes are as near to the fractions as groups allow."""
    _, members = np.unique(groups, return_inverse=True)
    _, classes = (None, np.zeros(len(groups), np.intp)) if classes is None else np.unique(classes, return_inverse=True)
    counts = np.zeros((members.max() + 1, classes.max() + 1))  # rows by group and class
    np.add.at(counts, (members, classes), 1)
    order = rng.permutation(len(counts))
    dealt: dict[str, IndexArray] = {}
    left = np.ones(len(counts), bool)
    if request.fold is not None:
        bins = _pack(counts, order, [1 / request.fold.folds] * request.fold.folds)
        dealt["test"], left = np.flatnonzero(bins == request.fold.index), bins != request.fold.index
    parts = [part for part in HELD_OUT if part not in dealt]
    shares = [request.fractions.get(part, 0.0) for part in parts]
    bins = _pack(counts, order[left[order]], [*shares, 1 - sum(shares)])
    for k, part in enumerate((*parts, "train")):
        dealt[part] = np.flatnonzero(left & (bins == k))
    return {part: np.flatnonzero(np.isin(members, chosen)) for part, chosen in dealt.items()}


def _pack(counts: Array, order: IndexArray, shares: Sequence[float]) -> IndexArray:
    """The bin of each group in ``order``, −1 for the others; the largest groups are placed first.

    A group goes where Σ (rows of a class in a bin − its quota)² / (rows of the class) becomes smallest, all
    rows together counting as a class too; nothing goes to a bin with the share 0.
    """
    counts = np.column_stack([counts, counts.sum(axis=1)])
    totals = np.maximum(counts[order].sum(axis=0), 1)
    quotas = np.outer(shares, counts[order].sum(axis=0))
    filled, bins = np.zeros_like(quotas), np.full(len(counts), -1)
    closed = np.array([np.inf if share <= 0 else 0.0 for share in shares])
    for group in order[np.argsort(-counts[order, -1], kind="stable")]:
        rows = counts[group]
        cost = (((filled + rows - quotas) ** 2 - (filled - quotas) ** 2) / totals).sum(axis=1)
        bins[group] = int(np.argmin(cost + closed))
        filled[bins[group]] += rows
    return bins


def _in_order(rows: IndexArray, request: SplitRequest) -> dict[str, IndexArray]:
    """The earliest rows to train on, then validation, then test.

    Of k folds, the rows are cut into k + 1 blocks; fold i tests on block i + 1 and trains on those before it.
    """
    size, counts = len(rows), {part: round(request.fractions.get(part, 0.0) * len(rows)) for part in HELD_OUT}
    if request.fold is not None:
        bounds = [size * k // (request.fold.folds + 1) for k in range(request.fold.folds + 2)]
        first, size = bounds[request.fold.index + 1 : request.fold.index + 3]
        counts = {"test": size - first, "validation": round(request.fractions.get("validation", 0.0) * first)}
    middle, last = size - counts["test"] - counts["validation"], size - counts["test"]
    return {"train": rows[: max(0, middle)], "validation": rows[max(0, middle) : last], "test": rows[last:size]}
