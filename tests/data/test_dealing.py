"""Parts by the columns that a split looks at."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bpcli.data.dealing import SplitColumns
from bpcli.data.encoding.category_columns import Category
from bpcli.data.encoding.columns import Drop
from bpcli.data.encoding.date_columns import Date
from bpcli.data.loading import Loaded
from bpcli.data.splitting import Fold
from bpcli.data.weighting import WeightRequest

from .support import csv, loaded, refusal, write

DATES = [f"2024-{month:02}-{day:02}" for day in (3, 17) for month in range(1, 11)]
PEOPLE = [f"p{i % 5}" for i in range(20)]


def visits(folder: Path, columns: SplitColumns, **how: Any) -> Loaded:
    """Twenty visits of five people, not in the order of time."""
    content = csv({"who": PEOPLE, "on": DATES, "x": range(20), "y": [i % 5 % 2 for i in range(20)]})
    return loaded(write(folder, "visits.csv", content), split_columns=columns, **how)


def test_a_group_is_no_feature_and_stays_in_one_part(tmp_path: Path) -> None:
    of = visits(tmp_path, SplitColumns(group="who"), fractions={"validation": 0.2, "test": 0.2})

    assert of.feature_names == ["on", "x"]
    people = [{PEOPLE[row] for row in part.rows} for part in of.parts.values()]
    assert [len(one) for one in people] == [3, 1, 1]
    assert len(set.union(*people)) == 5


def test_dates_order_the_parts_by_time(tmp_path: Path) -> None:
    of = visits(tmp_path, SplitColumns(order="on"), fractions={"validation": 0.2, "test": 0.3})

    assert of.feature_names == ["who", "x"]
    times = {name: sorted(DATES[row] for row in part.rows) for name, part in of.parts.items()}
    assert [len(times[part]) for part in ("train", "validation", "test")] == [10, 4, 6]
    assert times["train"][-1] <= times["validation"][0] <= times["validation"][-1] <= times["test"][0]


def test_declared_dates_order_by_time_whatever_their_form_and_others_are_not_taken_for_text(tmp_path: Path) -> None:
    european = [".".join(reversed(date.split("-"))) for date in DATES]
    path = write(tmp_path, "visits.csv", csv({"on": european, "x": range(20), "y": [i % 2 for i in range(20)]}))
    asked = partial(loaded, path, split_columns=SplitColumns(order="on"), fractions={"test": 0.3})
    iso = visits(tmp_path, SplitColumns(order="on"), fractions={"test": 0.3})

    path = write(tmp_path, "visits.csv", csv({"on": european, "x": range(20), "y": [i % 2 for i in range(20)]}))
    assert asked(types={"on": Date()}).parts["test"].rows.tolist() == iso.parts["test"].rows.tolist()
    assert asked(types={"on": Date()}).feature_names == ["x"]
    assert refusal(asked) == (
        "error: column 'on' holds dates such as '03.01.2024', which do not sort by time as text\n"
        "hint: data.types: {on: date}"
    )


def test_numbers_order_by_their_size_and_not_as_text(tmp_path: Path) -> None:
    of = visits(tmp_path, SplitColumns(order="x"), fractions={"test": 0.3})

    assert of.parts["test"].rows.tolist() == list(range(14, 20))


@pytest.mark.parametrize(
    ("cells", "what", "stray"),
    [
        (["9", "10", "nan", "11"], "numbers", "nan"),
        (["2024-01-02", "2023-05-06", "03/04/2024", "2022-01-01"], "dates", "03/04/2024"),
        (["2024-01-02", "2023-05-06", "2024-02-31", "2022-01-01"], "dates", "2024-02-31"),
    ],
)
def test_an_order_of_numbers_or_dates_and_other_text_is_none(
    cells: list[str], what: str, stray: str, tmp_path: Path
) -> None:
    path = write(tmp_path, "t.csv", csv({"on": cells, "x": range(4), "y": "abab"}))

    report = refusal(partial(loaded, path, split_columns=SplitColumns(order="on"), fractions={"test": 0.25}))

    assert report == (
        f"error: t.csv:4: column 'on', data.order, holds {what}, but {stray!r} here (1 of 4 cells)\n"
        "hint: correct it, or leave the row out of the file"
    )


def test_text_that_is_no_number_and_no_date_orders_as_text(tmp_path: Path) -> None:
    path = write(
        tmp_path, "t.csv", csv({"on": ["2024W10", "2024W09", "2023W51", "2024W11"], "x": range(4), "y": "abab"})
    )

    of = loaded(path, split_columns=SplitColumns(order="on"), fractions={"test": 0.25})

    assert of.parts["test"].rows.tolist() == [3]


def test_a_column_that_is_listed_stays_a_feature(tmp_path: Path) -> None:
    of = visits(tmp_path, SplitColumns(order="x"), fractions={"test": 0.3}, features=["x"])

    assert of.feature_names == ["x"]


@pytest.mark.parametrize(("column", "key"), [("who", "group"), ("on", "order")])
def test_a_group_or_a_place_that_is_missing_is_refused(column: str, key: str, tmp_path: Path) -> None:
    content = csv({"who": ["a", "", "b", "c"], "on": ["2024-01-02", "", "2024-01-01", "x"], "y": "abab"})
    path = write(tmp_path, "t.csv", content)

    report = refusal(partial(loaded, path, split_columns=SplitColumns(**{key: column}), fractions={"test": 0.25}))

    hint = "fill it in, or leave these rows out of the file"
    assert report == f"error: t.csv:3: column {column!r}, data.{key}, is empty (1 in all)\nhint: {hint}"


def test_too_few_groups_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", csv({"who": "aabb", "x": range(4), "y": "abab"}))
    fractions = {"validation": 0.25, "test": 0.25}

    report = refusal(partial(loaded, path, split_columns=SplitColumns(group="who"), fractions=fractions))

    assert report.startswith("error: there are too few groups: none is left for ")


def test_more_folds_than_groups_are_refused_whichever_fold_is_tested(tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", csv({"who": "aabbcc", "x": range(6), "y": "ababab"}))

    for fold in range(4):
        report = refusal(partial(loaded, path, split_columns=SplitColumns(group="who"), fold=Fold(fold, 4)))
        assert report == "error: 4 folds of 3 groups\nhint: fewer folds"


@pytest.mark.parametrize(
    ("key", "asked"),
    [
        ("data.group", {"split_columns": SplitColumns(group="who"), "fractions": {"test": 0.5}}),
        ("data.sample_weight", {"weights": WeightRequest("who")}),
    ],
)
def test_types_of_a_column_that_is_no_feature_are_refused(key: str, asked: dict[str, Any], tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", csv({"who": [1, 1, 2, 2], "x": range(4), "y": "abab"}))

    assert refusal(partial(loaded, path, types={"who": Category()}, **asked)) == (
        f"error: column 'who' is {key}, and no feature that data.types could be about\n"
        "hint: leave it out, or list 'who' in data.features too"
    )
    assert loaded(path, types={"who": Category()}, features=["who", "x"], **asked).feature_names == ["who", "x"]
    assert loaded(path, types={"who": Drop()}, **asked).feature_names == ["x"]
