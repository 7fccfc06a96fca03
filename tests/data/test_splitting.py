"""Splitting: every row goes to one part, and classes go in proportion."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bpcli.data.splitting import PARTS, split
from bpcli.nn import Array, IndexArray

from .support import deterministic

fractions = st.tuples(st.floats(0, 0.6), st.floats(0, 0.39)).map(
    lambda pair: {"test": round(pair[0], 2), "validation": round(pair[1], 2)}
)
seeds = st.integers(0, 1000)


def dealt(size: int, shares: dict[str, float], seed: int = 0, classes: Array | None = None) -> dict[str, IndexArray]:
    return split(size, shares, np.random.default_rng(seed), classes)


@deterministic
@given(st.integers(1, 60), fractions, seeds, st.integers(0, 4))
def test_parts_are_disjoint_ascending_and_cover_every_row(
    size: int, shares: dict[str, float], seed: int, kinds: int
) -> None:
    classes = np.random.default_rng(seed).integers(0, kinds, size) if kinds else None
    parts = dealt(size, shares, seed, classes)

    assert tuple(parts) == PARTS
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(size))
    for rows in parts.values():
        assert rows.tolist() == sorted(rows.tolist())


@deterministic
@given(st.integers(3, 60), fractions, seeds)
def test_parts_have_the_sizes_asked_for(size: int, shares: dict[str, float], seed: int) -> None:
    wanted = {part: round(fraction * size) for part, fraction in shares.items()}
    assume(sum(wanted.values()) < size)

    sizes = {part: len(rows) for part, rows in dealt(size, shares, seed).items()}

    assert sizes == {**wanted, "train": size - sum(wanted.values())}


@deterministic
@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), fractions, seeds)
def test_each_class_is_dealt_in_proportion_within_one(sizes: list[int], shares: dict[str, float], seed: int) -> None:
    classes = np.repeat(np.arange(len(sizes)), sizes)
    total = len(classes)
    parts = dealt(total, shares, seed, classes)
    kept = np.bincount(classes[parts["train"]], minlength=len(sizes))

    assert kept.min() >= 1
    for part, fraction in shares.items():
        counts = np.bincount(classes[parts[part]], minlength=len(sizes))
        quotas = np.array(sizes) * round(fraction * total) / total
        assert (counts < quotas + 1).all()
        assert ((counts > quotas - 1) | (kept == 1)).all()


@deterministic
@given(st.lists(st.integers(10, 30), min_size=1, max_size=6), seeds)
def test_stratified_parts_have_the_sizes_asked_for_where_classes_are_large_enough(sizes: list[int], seed: int) -> None:
    classes = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    parts = dealt(len(classes), {"test": 0.2, "validation": 0.3}, seed, classes)

    assert len(parts["test"]) == round(0.2 * len(classes))
    assert len(parts["validation"]) == round(0.3 * len(classes))


@pytest.mark.parametrize(
    ("sizes", "test", "counts"),
    [
        ([50, 50, 50], 0.2, [10, 10, 10]),
        ([50, 50, 50], 0.1, [5, 5, 5]),
        ([20, 30, 50], 0.1, [2, 3, 5]),
        ([9, 4, 2], 0.4, [4, 1, 1]),
        ([7, 1], 0.5, [4, 0]),
        ([1, 1, 1, 1, 4], 0.5, [0, 0, 0, 0, 2]),
        ([2, 2], 0.9, [1, 1]),
    ],
)
def test_class_counts_by_hand(sizes: list[int], test: float, counts: list[int]) -> None:
    classes = np.repeat(np.arange(len(sizes)), sizes)

    rows = dealt(len(classes), {"test": test}, classes=classes)["test"]

    assert np.bincount(classes[rows], minlength=len(sizes)).tolist() == counts


def test_class_with_one_example_stays_in_training_whatever_the_seed() -> None:
    classes = np.array([0, 0, 0, 1, 0, 0, 0, 0, 0, 0])

    for seed in range(20):
        assert 3 in dealt(10, {"test": 0.4, "validation": 0.4}, seed, classes)["train"]


def test_rows_are_drawn_by_the_generator_alone() -> None:
    shares = {"test": 0.3, "validation": 0.2}
    first, again, other = dealt(50, shares, 1), dealt(50, shares, 1), dealt(50, shares, 2)

    assert all(first[part].tolist() == again[part].tolist() for part in PARTS)
    assert any(first[part].tolist() != other[part].tolist() for part in PARTS)


def test_test_part_is_the_same_with_and_without_a_validation_part() -> None:
    classes = np.arange(40) % 3

    without = dealt(40, {"test": 0.2}, 3, classes)["test"]

    assert dealt(40, {"test": 0.2, "validation": 0.3}, 3, classes)["test"].tolist() == without.tolist()


def test_every_row_has_its_chance_of_every_part() -> None:
    drawn = np.zeros(10)
    for seed in range(300):
        drawn[dealt(10, {"test": 0.3}, seed)["test"]] += 1

    assert (abs(drawn - 90) < 40).all()
