"""How well one column alone tells the target.

Each half of the sampled training rows is the key to the other: for a value of the column, the class that is most
frequent at it, or the mean target. The others are predicted by the nearest value, or between the two nearest for a
numeric target. What counts is the share of the mistakes of always giving the same answer that this avoids: 1 is a copy
of the target.
"""

from __future__ import annotations

import numpy as np

from bpcli.data.warnings import listed
from bpcli.diagnosis.findings import Finding, ok
from bpcli.diagnosis.table import Column, Table
from bpcli.nn import Array

PROBLEM, NOTE = 0.98, 0.96
"""The shares of mistakes avoided from which on a column is a leak, or suspicious. Petal width avoids 93 % on iris."""

REGRESSION_PROBLEM, REGRESSION_NOTE = 0.998, 0.98
"""The same for a numeric target, where the share is R²."""

FEWEST = 40
"""Rows below which a column can tell the target by chance."""


def leaking_columns(table: Table) -> Finding:
    """Columns that alone predict the target."""
    found = scores(table)
    classes = table.raw.classification
    problem, note = (PROBLEM, NOTE) if classes else (REGRESSION_PROBLEM, REGRESSION_NOTE)
    if not found:
        return ok("no column looked at by itself")
    name, best = max(found.items(), key=lambda item: item[1])
    what = "of the mistakes avoided" if classes else "of the variance"
    if best < note:
        return ok(f"the best column alone is {name!r}, {max(best, 0.0):.1%} {what}")
    leaks = [
        f"{each!r} ({score:.1%} {what})"
        for each, score in sorted(found.items(), key=lambda one: -one[1])
        if score >= note
    ]
    return Finding(
        "problem" if best >= problem else "note",
        listed(leaks),
        "a column that alone tells the target is often the target in other words, known only after the fact; a network "
        "that sees it looks perfect and is worth nothing on new data",
        f"add {name} to data.drop, unless it is known when you will predict",
    )


def scores(table: Table) -> dict[str, float]:
    """By column, how well it alone predicts the target, the best of several targets; 1 is a copy."""
    if table.images or len(table.rows["train"]) < FEWEST:
        return {}
    found: dict[str, float] = {}
    for target in table.targets:
        for column in table.features:
            score = predictability(column, target.train, classes=table.raw.classification)
            found[column.name] = max(score, found.get(column.name, -np.inf))
    return found


def predictability(column: Column, y: Array, *, classes: bool) -> float:
    """The share of mistakes, or of the variance, that the column avoids where it is not the key.

    A mistake is added, because a few rows without any prove little, unless the column has as few values as a copy.
    """
    order = np.random.Generator(np.random.PCG64(0)).permutation(len(y))
    x, y = np.nan_to_num(column.train, nan=np.inf)[order], _indices(y[order]) if classes else y[order]
    halves = np.arange(len(y)) % 2 == 0, np.arange(len(y)) % 2 == 1
    own = always = 0.0
    for key, rest in (halves, halves[::-1]):
        usual = _usual(y[key], classes=classes)
        predicted = _predicted(column.kind, x[key], y[key], x[rest], usual, classes=classes)
        own += _mistakes(predicted, y[rest], classes=classes)
        always += _mistakes(np.full(len(predicted), usual), y[rest], classes=classes)
    if not always:
        return 0.0
    if classes and (own or len(np.unique(x, return_counts=True)[0]) > 2 * (y.max() + 1)):
        return 1 - (own + 1) / (always + 1)
    return 1 - own / always


def _predicted(kind: str, x: Array, y: Array, asked: Array, usual: float, *, classes: bool) -> Array:
    """The answer to each value that is asked, by the values x with the answers y."""
    predicted, known, present = np.full(len(asked), usual), np.isfinite(x), np.isfinite(asked)
    if not known.any():
        return predicted
    values, answers = _answers(x[known], y[known], classes=classes)
    nearest = _nearest(values, asked[present])
    given = answers[nearest].astype(np.float64)
    if kind == "category":
        given[values[nearest] != asked[present]] = usual
    elif not classes:
        given = np.interp(asked[present], values, answers)
    predicted[present] = given
    return predicted


def _mistakes(predicted: Array, y: Array, *, classes: bool) -> float:
    return float(np.sum(predicted != y)) if classes else float(np.sum((predicted - y) ** 2))


def _indices(y: Array) -> Array:
    values = np.unique(y, return_counts=True)[0]
    return np.searchsorted(values, y)


def _usual(y: Array, *, classes: bool) -> float:
    return float(np.argmax(np.bincount(y))) if classes else float(np.mean(y))


def _answers(x: Array, y: Array, *, classes: bool) -> tuple[Array, Array]:
    """The different values, ascending, and the answer at each."""
    values, places, counts = np.unique(x, return_inverse=True, return_counts=True)
    if not classes:
        return values, np.bincount(places, weights=y) / counts
    width = int(y.max()) + 1
    table = np.bincount(places * width + y, minlength=len(values) * width).reshape(len(values), width)
    return values, np.argmax(table, axis=1)


def _nearest(values: Array, asked: Array) -> Array:
    """The place of the value next to each that is asked."""
    right = np.clip(np.searchsorted(values, asked), 0, len(values) - 1)
    left = np.maximum(right - 1, 0)
    return np.where(np.abs(values[left] - asked) <= np.abs(values[right] - asked), left, right)
