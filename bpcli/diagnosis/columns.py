"""Columns that say nothing, name each row, are full of gaps, or differ between the parts."""

from __future__ import annotations

from math import erfc, exp, sqrt

import numpy as np

from bpcli.data.warnings import listed
from bpcli.diagnosis.findings import Finding, ok
from bpcli.diagnosis.leaks import predictability
from bpcli.diagnosis.table import Column, Table
from bpcli.nn import Array

NEARLY_CONSTANT = 0.99
"""The share of one value from which on a column is nearly constant."""

MOSTLY_DIFFERENT, FEWEST = 0.95, 50
"""The share of different words from which on a column of text names its rows, and the fewest rows for that."""

GAPS, MOSTLY_GAPS = 0.05, 0.5
"""The shares of missing cells that are worth a note, or a problem."""

LIKE_ROWS = "whole numbers in steps of one, as rows are numbered"

TELLING = 0.1
"""The share of the mistakes that a column alone avoids, from which on its numbers are more than those of the rows."""

SIGNIFICANT = 0.001
"""The probability by chance, over all columns together (Holm's correction), below which a difference is one."""

VISIBLE, LARGE = 0.1, 0.3
"""How far the distributions of two parts are apart, as the largest difference of shares: for a note, for a problem."""


def constant_columns(table: Table) -> Finding:
    """Columns with one value, or nearly so."""
    shares = {column.name: _largest_share(column.train) for column in table.features}
    constant = [name for name, share in shares.items() if share == 1]
    nearly = [f"{name} ({share:.1%} one value)" for name, share in shares.items() if NEARLY_CONSTANT <= share < 1]
    if not constant and not nearly:
        return ok("every column varies")
    figures = "; ".join(
        f"{len(names):,} {what}: {listed(names)}"
        for names, what in ((constant, "constant"), (nearly, "nearly"))
        if names
    )
    meaning = "a column that does not vary tells nothing; one that nearly never does is scaled to a few huge values"
    return Finding("note", figures, meaning, "data.drop them, or leave them where they are pixels")


def ids(table: Table) -> Finding:
    """Columns that look like names of the rows: words that nearly all differ, or whole numbers in steps of one.

    A measured quantity can have such numbers too, a time for example; one that tells the target is worth a note.
    """
    if table.images:
        return ok("pixels name no rows")
    names = [column.name for column in table.features if _names_rows(column)]
    counting = [column for column in table.features if _counts_rows(table, column)]
    telling = [column.name for column in counting if _tells(table, column)]
    numbers = [column.name for column in counting if column.name not in telling]
    kinds = (
        (names, "words that nearly all differ"),
        (numbers, LIKE_ROWS),
        (telling, f"{LIKE_ROWS}, which tell the target"),
    )
    found = "; ".join(f"{what}: {listed(those)}" for those, what in kinds if those)
    if not found:
        return ok("no column looks like a name of the rows")
    every = [*names, *numbers, *telling]
    return Finding(
        "problem" if names or numbers else "note",
        found,
        "a name or a number of the row can be learned by heart and says nothing about new rows; "
        "a quantity measured in even steps, such as a time, may look the same",
        f"if it is one: add {', '.join(every[:5])} to data.drop",
    )


def missing_values(table: Table) -> Finding:
    """Cells that are missing, by column."""
    shares = {column.name: float(np.isnan(column.train).mean()) for column in table.features}
    gaps = {name: share for name, share in shares.items() if share >= GAPS}
    if not gaps:
        return ok(f"at most {max(shares.values(), default=0.0):.1%} of a column are missing")
    ordered = sorted(gaps.items(), key=lambda item: -item[1])
    return Finding(
        "problem" if ordered[0][1] >= MOSTLY_GAPS else "note",
        listed([f"{name} ({share:.0%} missing)" for name, share in ordered]),
        "missing numbers become the training median, missing categories zeros; that one is missing is then not seen",
        "data.drop columns that are mostly empty, or add a column that says which cells are missing",
    )


def shift(table: Table) -> Finding:
    """Columns, the target too, whose distribution in a part differs from that in training."""
    columns = [*([] if table.images else table.features), *table.targets]
    tests = [(column.name, part, *_apart(column, part)) for column in columns for part in table.rows if part != "train"]
    if not tests:
        return ok("there is one part")
    tests.sort(key=lambda test: test[3])
    differing = []
    for rank, (name, part, distance, chance) in enumerate(tests):
        if chance * (len(tests) - rank) >= SIGNIFICANT:
            break
        if distance >= VISIBLE:
            differing.append((name, part, distance))
    if not differing:
        return ok(f"no difference in {len(tests):,} comparisons, by {SIGNIFICANT:g} over all of them")
    differing.sort(key=lambda each: -each[2])
    return Finding(
        "problem" if differing[0][2] >= LARGE else "note",
        listed([f"{name} ({part}: {distance:.0%} apart)" for name, part, distance in differing]),
        "a part that differs from training, as the latest rows may, measures something else than training learns",
        "look at how the parts were made; split at random with data.split if the order does not matter",
    )


def _largest_share(values: Array) -> float:
    """The share of the most frequent value, missing ones being one; 1 for no values."""
    counts = np.unique(values, return_counts=True)[1]
    return float(counts.max() / len(values)) if len(values) else 1.0


def _names_rows(column: Column) -> bool:
    present = column.train[~np.isnan(column.train)]
    if column.kind != "category" or len(present) < FEWEST:
        return False
    return len(np.unique(present, return_counts=True)[0]) >= MOSTLY_DIFFERENT * len(present)


def _counts_rows(table: Table, column: Column) -> bool:
    """Whether a column numbers the rows of its file: whole numbers, each once, without a gap."""
    dataset = table.raw.dataset("train")
    if column.kind != "number" or not _may_count(column.train, dataset.size):
        return False
    cells = dataset.column(column.name)
    if cells.dtype == object or len(cells) < FEWEST:
        return False
    low, high = float(np.min(cells)), float(np.max(cells))
    if high - low != len(cells) - 1 or not low.is_integer():
        return False
    return bool((np.sort(cells) == low + np.arange(len(cells))).all())


def _may_count(sample: Array, size: int) -> bool:
    """Whether some of so many cells allow that; reading all of them can take as long as reading the whole file."""
    whole = bool((sample == np.floor(sample)).all())
    return whole and len(np.unique(sample, return_counts=True)[0]) == len(sample) and np.ptp(sample) < size


def _tells(table: Table, column: Column) -> bool:
    """Whether a column alone tells something of a target."""
    classes = table.raw.classification
    return any(predictability(column, target.train, classes=classes) >= TELLING for target in table.targets)


def _apart(column: Column, part: str) -> tuple[float, float]:
    """How far a part's distribution is from training's, and the probability of as much by chance."""
    one, other = (values[~np.isnan(values)] for values in (column.train, column.values[part]))
    if not len(one) or not len(other):
        return 0.0, 1.0
    return _categories_apart(one, other) if column.kind == "category" else _numbers_apart(one, other)


def _numbers_apart(one: Array, other: Array) -> tuple[float, float]:
    """Kolmogorov and Smirnov's largest difference of the distribution functions, and its asymptotic probability."""
    every = np.sort(np.concatenate([one, other]))
    shares = [np.searchsorted(np.sort(each), every, side="right") / len(each) for each in (one, other)]
    distance = float(np.abs(shares[0] - shares[1]).max())
    root = sqrt(len(one) * len(other) / (len(one) + len(other)))
    lam = (root + 0.12 + 0.11 / root) * distance  # Stephens 1970
    if lam < 0.3:  # the series does not converge, and the probability is nearly 1
        return distance, 1.0
    return distance, min(1.0, max(0.0, 2 * sum((-1) ** (k - 1) * exp(-2 * k * k * lam * lam) for k in range(1, 101))))


def _categories_apart(one: Array, other: Array) -> tuple[float, float]:
    """Half the sum of the differences of shares, and Pearson's χ² probability by Wilson and Hilferty's normal form."""
    width = int(max(one.max(), other.max())) + 1
    counts = np.stack([np.bincount(each.astype(np.intp), minlength=width) for each in (one, other)]).astype(float)
    frequent = counts.sum(axis=0) >= 10
    counts = np.column_stack([counts[:, frequent], counts[:, ~frequent].sum(axis=1)])
    counts = counts[:, counts.sum(axis=0) > 0]
    sizes, totals = counts.sum(axis=1), counts.sum(axis=0)
    distance = float(np.abs(counts[0] / sizes[0] - counts[1] / sizes[1]).sum() / 2)
    freedom = counts.shape[1] - 1
    if not freedom:
        return distance, 1.0
    expected = np.outer(sizes, totals) / totals.sum()
    statistic = float(((counts - expected) ** 2 / expected).sum())
    normal = ((statistic / freedom) ** (1 / 3) - (1 - 2 / (9 * freedom))) / sqrt(2 / (9 * freedom))
    return distance, erfc(normal / sqrt(2)) / 2
