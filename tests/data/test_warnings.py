"""DataWarnings: one line for each kind of thing met, counted and named."""

from __future__ import annotations

from collections import Counter

import pytest

from bpcli.data.warnings import DataWarnings, Strays, listed


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
            DataWarnings(slips=[Strays("a", "?", "t:12", 1, 3000)]),
            "column 'a' is text because of '?' at t:12 (1 of 3,000 cells); if it means missing: data.missing: ['?']",
        ),
        (
            DataWarnings(strays=[Strays("a", "-", "t.csv:12", 2, 30)]),
            (
                "column 'a', of numbers in training, holds '-' at t.csv:12 (2 of 30 cells), which counts as missing; "
                "if it means missing: data.missing: ['-']"
            ),
        ),
        (DataWarnings(other=["anything else"]), "anything else"),
    ],
)
def test_each_kind_has_its_line(notes: DataWarnings, line: str) -> None:
    assert notes.lines() == [line]


def test_kinds_stand_in_one_order() -> None:
    strays = [Strays(name, "?", "t", 1, 1) for name in "gk"]
    notes = DataWarnings(Counter(a=1), Counter(b=1), ["c"], ["d"], ["e"], ["f"], strays[:1], strays[1:], ["h"])

    assert [line.split(" (1 of 1 cell)")[0] for line in notes.lines()] == [
        "1 column constant in training: c",
        "1 missing number imputed by the training median: a (1)",
        "1 value of categories unseen in training, encoded as zeros: b (1)",
        "1 class with one example, kept in training: d",
        "1 class absent from training but present elsewhere: e",
        "text columns in which most values differ (leave them out with drop?): f",
        "column 'g' is text because of '?' at t",
        "column 'k', of numbers in training, holds '?' at t",
        "h",
    ]


def test_lines_of_columns_are_few_however_many_columns_there_are() -> None:
    strays = [Strays(name, "?", "t", 1, 9) for name in "abcdefg"]

    lines = DataWarnings(slips=strays[:6], strays=strays).lines()
    assert [line[:10] for line in lines[:5]] == [f"column '{name}'" for name in "abcde"]
    assert (lines[5], lines[11], len(lines)) == ("the same in 1 more column", "the same in 2 more columns", 12)
