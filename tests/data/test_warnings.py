"""DataWarnings: one line for each kind of thing met, counted and named."""

from __future__ import annotations

from collections import Counter

import pytest

from bpcli.data.warnings import DataWarnings, listed


def test_nothing_met_is_nothing_told() -> None:
    assert DataWarnings().lines() == []


@pytest.mark.parametrize(
    ("names", "line"),
    [
        ([], ""),
        (["a"], "a"),
        (list("abcde"), "a, b, c, d, e"),
        (list("abcdef"), "a, b, c, d, e and 1 more"),
        (list("abcdefgh"), "a, b, c, d, e and 3 more"),
    ],
)
def test_five_names_are_listed_and_the_rest_counted(names: list[str], line: str) -> None:
    assert listed(names) == line


@pytest.mark.parametrize(
    ("notes", "line"),
    [
        (DataWarnings(constant=["a"]), "1 column constant in training: a"),
        (DataWarnings(constant=["a", "b"]), "2 columns constant in training: a, b"),
        (DataWarnings(imputed=Counter(a=1)), "1 missing number imputed by the training median: a (1)"),
        (DataWarnings(imputed=Counter(a=1, b=3)), "4 missing numbers imputed by the training median: b (3), a (1)"),
        (DataWarnings(unseen=Counter(a=1)), "1 value of categories unseen in training, encoded as zeros: a (1)"),
        (
            DataWarnings(unseen=Counter(a=2, b=2)),
            "4 values of categories unseen in training, encoded as zeros: a (2), b (2)",
        ),
        (DataWarnings(rare=["x"]), "1 class with one example, kept in training: x"),
        (DataWarnings(rare=["x", "y"]), "2 classes with one example, kept in training: x, y"),
        (DataWarnings(absent=["x"]), "1 class absent from training but present elsewhere: x"),
        (DataWarnings(absent=["x", "y"]), "2 classes absent from training but present elsewhere: x, y"),
        (DataWarnings(many=["a", "b"]), "text columns in which most values differ (leave them out with drop?): a, b"),
        (
            DataWarnings(nearly_numbers=["a ('x')"]),
            "columns read as text for a few values that are not numbers: a ('x')",
        ),
        (DataWarnings(other=["anything else"]), "anything else"),
    ],
)
def test_each_kind_has_its_line(notes: DataWarnings, line: str) -> None:
    assert notes.lines() == [line]


def test_kinds_stand_in_one_order() -> None:
    notes = DataWarnings(Counter(a=1), Counter(b=1), ["c"], ["d"], ["e"], ["f"], ["g"], ["h"])

    assert notes.lines() == [
        "1 column constant in training: c",
        "1 missing number imputed by the training median: a (1)",
        "1 value of categories unseen in training, encoded as zeros: b (1)",
        "1 class with one example, kept in training: d",
        "1 class absent from training but present elsewhere: e",
        "text columns in which most values differ (leave them out with drop?): f",
        "columns read as text for a few values that are not numbers: g",
        "h",
    ]
