"""Splitting: every row goes to one part, and classes go in proportion."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bpcli.data.splitting import PARTS, Fold, SplitRequest, Traits, split
from bpcli.nn import Array, IndexArray

from .support import deterministic

fractions = st.tuples(st.floats(0, 0.6), st.floats(0, 0.39)).map(
    lambda pair: {"test": round(pair[0], 2), "validation": round(pair[1], 2)}
)
seeds = st.integers(0, 1000)


def dealt(size: int, shares: dict[str, float], seed: int = 0, classes: Array | None = None) -> dict[str, IndexArray]:
    return split(size, SplitRequest(shares), np.random.default_rng(seed), Traits(classes))


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


# Folds, groups and order.


def folds(k: int, size: int, traits: Traits, validation: float = 0.0) -> list[dict[str, IndexArray]]:
    requests = [SplitRequest({"validation": validation}, Fold(index, k)) for index in range(k)]
    return [split(size, request, np.random.default_rng(5), traits) for request in requests]


@deterministic
@given(st.lists(st.integers(1, 30), min_size=1, max_size=5), st.integers(2, 6), seeds)
def test_each_row_is_in_one_test_fold_and_classes_are_dealt_evenly(sizes: list[int], k: int, seed: int) -> None:
    classes = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    assume(len(classes) >= k)
    dealt_folds = folds(k, len(classes), Traits(classes), 0.2)

    assert sorted(np.concatenate([parts["test"] for parts in dealt_folds])) == list(range(len(classes)))
    counts = np.array([np.bincount(classes[parts["test"]], minlength=len(sizes)) for parts in dealt_folds])
    assert np.ptp(counts, axis=0).max() <= 1
    assert np.ptp(counts.sum(axis=1)) <= 1
    for parts in dealt_folds:
        assert sorted(np.concatenate(list(parts.values()))) == list(range(len(classes)))


def test_validation_with_folds_is_a_share_of_the_other_rows() -> None:
    for parts in folds(4, 80, Traits(), 0.25):
        assert [len(parts[part]) for part in PARTS] == [45, 15, 20]


@deterministic
@given(st.lists(st.integers(1, 9), min_size=6, max_size=25), seeds)
def test_a_group_is_never_in_two_parts(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    traits = Traits(rng.integers(0, 2, len(groups)), groups)
    requests = [SplitRequest({"validation": 0.2, "test": 0.2}), SplitRequest({"validation": 0.2}, Fold(1, 3))]
    for request in requests:
        parts = split(len(groups), request, rng, traits)
        assert sorted(np.concatenate(list(parts.values()))) == list(range(len(groups)))
        homes = [set(groups[rows].tolist()) for rows in parts.values()]
        assert sum(map(len, homes)) == len(set.union(*homes))


def test_grouped_folds_cover_every_row_and_balance_the_classes() -> None:
    groups = np.repeat(np.arange(40), 5)
    classes = (np.arange(200) // 5 % 4 == 0).astype(int)  # each fourth group is of class 1
    dealt_folds = folds(5, 200, Traits(classes, groups))

    assert sorted(np.concatenate([parts["test"] for parts in dealt_folds])) == list(range(200))
    assert {len(parts["test"]) for parts in dealt_folds} == {40}
    assert {int(classes[parts["test"]].sum()) for parts in dealt_folds} == {10}


def test_in_order_the_latest_rows_are_tested_and_those_before_them_validate() -> None:
    order = np.array([30, 10, 50, 20, 40, 60, 80, 70, 100, 90])
    parts = split(
        10,
        SplitRequest({"validation": 0.2, "test": 0.3}),
        np.random.default_rng(0),
        Traits(np.arange(10) % 2, None, order),
    )

    assert {part: sorted(order[rows].tolist()) for part, rows in parts.items()} == {
        "train": [10, 20, 30, 40, 50],
        "validation": [60, 70],
        "test": [80, 90, 100],
    }


def test_folds_in_order_train_on_the_past_alone() -> None:
    order = np.arange(12)[::-1]
    dealt_folds = folds(3, 12, Traits(None, None, order), 1 / 3)

    assert [sorted(order[parts["test"]].tolist()) for parts in dealt_folds] == [[3, 4, 5], [6, 7, 8], [9, 10, 11]]
    for parts in dealt_folds:
        assert order[parts["train"]].max() < order[parts["validation"]].min()
        assert order[parts["validation"]].max() < order[parts["test"]].min()
