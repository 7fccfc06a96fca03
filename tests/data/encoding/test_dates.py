"""Dates as files write them, and what a column of them becomes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from bpcli.data.encoding.date_columns import PARTS, Date, DateColumn, values_of
from bpcli.data.encoding.dates import DAY_FIRST, FORMS, ISO, MONTH_FIRST, fault_of_format, misfits, reader_of
from bpcli.data.encoding.features import TableFeatures, features_from_json, learn_features
from bpcli.data.files.dataset import Dataset, Format, Table
from bpcli.data.files.reading import FilePair
from bpcli.data.loading import load_with_encoding
from bpcli.data.warnings import DataWarnings
from bpcli.errors import ConfigError
from bpcli.nn import Array
from bpcli.storage.strict_json import Saved

from ..support import csv, features, loaded, parquet, refusal, write

READ: dict[str, dict[str, tuple[int, int, int, int, int, int] | None]] = {
    ISO: {"2024-02-29": (2024, 2, 29, 0, 0, 0), "2024-12-31T23:59:58Z": (2024, 12, 31, 23, 59, 58),
          " 2024-01-02 03:04 ": (2024, 1, 2, 3, 4, 0), "2024-01-02T03:04:05.678+02:00": (2024, 1, 2, 3, 4, 5)},
    "YYYY/MM/DD": {"2024/2/9": (2024, 2, 9, 0, 0, 0), "2024.02.09 1:30 PM": (2024, 2, 9, 13, 30, 0)},
    "YYYYMMDD": {"20240229": (2024, 2, 29, 0, 0, 0), "20240229T101112": None},
    DAY_FIRST: {"31.12.2024": (2024, 12, 31, 0, 0, 0), "1/2/2024 12:00 am": (2024, 2, 1, 0, 0, 0)},
    MONTH_FIRST: {"12/31/2024": (2024, 12, 31, 0, 0, 0), "1-2-2024": (2024, 1, 2, 0, 0, 0)},
    "DD Month YYYY": {"31 Dec 2024": (2024, 12, 31, 0, 0, 0), "1-january-2024": (2024, 1, 1, 0, 0, 0)},
    "Month DD, YYYY": {"Dec 31, 2024": (2024, 12, 31, 0, 0, 0), "Sept 3 2024, 4:05": (2024, 9, 3, 4, 5, 0)},
    "HH:MM:SS": {"7:05": (1900, 1, 1, 7, 5, 0), "12:30:15 pm": (1900, 1, 1, 12, 30, 15)},
    "%d.%m.%y": {"31.12.24": (2024, 12, 31, 0, 0, 0), "31.12.2024": None},
}  # fmt: skip


@pytest.mark.parametrize("form", READ)
def test_form_reads_its_dates(form: str) -> None:
    read = reader_of(form)

    for text, parts in READ[form].items():
        assert read(text) == (None if parts is None else datetime(*parts)), text


def test_every_form_is_tried_here_and_refuses_what_is_no_date() -> None:
    assert set(FORMS) < set(READ)
    nonsense = {"", "?", "2024-02-30", "2023-02-29", "2024-13-01", "31.04.2024", "2024-01-02 24:00", "13:61", "99"}
    nonsense |= {"2024-1-2-3", "1/2.2024", "13:00 pm", "0:30 am", "Mars 3, 2024x", "20241301", "2024-01-02 noon"}
    for form in FORMS:
        assert misfits(form, nonsense) == nonsense


def test_parts_equal_those_of_numpys_calendar() -> None:
    rng = np.random.default_rng(0)
    seconds = rng.integers(-2_000_000_000, 4_000_000_000, 500)
    moments = np.datetime64("1970-01-01T00:00:00") + seconds
    days = moments.astype("datetime64[D]")
    years = moments.astype("datetime64[Y]")

    made = values_of(moments.astype(str).astype(object), ISO)

    assert list(PARTS) == ["year", "day of year", "weekday", "seconds of day"]
    np.testing.assert_array_equal(made[:, 0], years.astype(int) + 1970)
    np.testing.assert_array_equal(made[:, 1], (days - years.astype("datetime64[D]")).astype(int) + 1)
    np.testing.assert_array_equal(made[:, 2], (days.astype(int) + 3) % 7)  # 1970-01-01 was a Thursday
    np.testing.assert_array_equal(made[:, 3], (moments - days).astype(int))


def table(*cells: str | None) -> Table:
    return Table("t.csv", {"when": np.array(cells, object)})


def learned(dataset: Dataset, kind: Date | None = None, rows: int | None = None) -> tuple[TableFeatures, DataWarnings]:
    warnings = DataWarnings()
    kinds = {} if kind is None else {"when": kind}
    made = learn_features(dataset, ["when"], np.arange(rows or dataset.size), "none", warnings, kinds)
    assert isinstance(made, TableFeatures)
    return made, warnings


def encoded(made: TableFeatures, dataset: Dataset, warnings: DataWarnings | None = None) -> Array:
    sources = made.sources(dataset, {"all": np.arange(dataset.size)}, np.dtype("f8"), warnings or DataWarnings())
    out = np.empty((made.size, dataset.size), order="F")
    sources["all"].gather(np.arange(dataset.size), out)
    return out.T


def test_iso_dates_become_their_parts_the_median_where_missing() -> None:
    dataset = table("2023-01-02 00:00:10", None, "2024-03-01 00:01:00", "2025-12-31 00:00:20")
    made, warnings = learned(dataset)

    #   a Monday; the medians of each part; a Friday in a leap year; a Wednesday
    assert encoded(made, dataset, warnings).tolist() == [
        [2023, 2, 0, 10],
        [2024, 61, 2, 20],
        [2024, 61, 4, 60],
        [2025, 365, 2, 20],
    ]
    assert warnings.lines() == ["1 missing date imputed by the training medians of their parts: when (1)"]
    assert [(each.kind, each.part, each.fill) for each in made.inputs][:2] == [
        ("date", "year", 2024.0),
        ("date", "day of year", 61.0),
    ]
    assert made.summary == "1 column became 4 inputs: 4 parts of 1 date column"


def test_parts_that_do_not_vary_in_training_are_left_out_and_told() -> None:
    made, warnings = learned(table("2024-01-01", "2024-01-09", "2025-01-01"), rows=2)
    assert [each.part for each in made.inputs] == ["day of year", "weekday"]
    assert warnings.lines() == ["year constant in training, left out of when"]

    made, warnings = learned(table("7:05", "8:05", "9:10"), Date())
    assert [each.part for each in made.inputs] == ["seconds of day"]
    assert warnings.lines() == []

    made, warnings = learned(table("2024-01-01", "2024-01-01"))
    assert made.size == 1
    assert warnings.lines() == ["1 column constant in training: when"]


def test_what_is_no_date_later_counts_as_missing_with_a_warning(tmp_path: Path) -> None:
    days = [f"2024-01-{day:02}" for day in range(1, 13)]
    train = write(tmp_path, "t.csv", csv({"when": days, "y": [*"ab"] * 6}))
    of = loaded(train)
    later = write(tmp_path, "later.csv", csv({"when": ["2024-01-05", "soon", ""], "y": [*"aba"]}))

    part, warnings = load_with_encoding(FilePair(later), Format(), of.features, of.targets, np.dtype("f8"))

    assert part.size == 3
    assert of.features.text_columns == {"when"}
    assert warnings.lines() == [
        "2 missing dates imputed by the training medians of their parts: when (2)",
        (
            f"column 'when', of dates in training, holds 'soon' at {later}:3 (1 of 3 cells), which counts as missing; "
            "if it means missing: data.missing: ['soon']"
        ),
    ]


def test_text_but_for_which_a_column_would_be_dates_is_told(tmp_path: Path) -> None:
    days = [f"2024-01-{day:02}" for day in range(1, 12)]
    path = write(tmp_path, "t.csv", csv({"when": [*days, "?"], "y": [*"ab"] * 6}))

    assert loaded(path).warnings.lines() == [
        (
            f"column 'when' is text, not dates, because of '?' at {path}:13 (1 of 12 cells); "
            "if it means missing: data.missing: ['?']"
        )
    ]
    assert loaded(path, form=Format(missing=("?",))).features.size == 2


@pytest.mark.parametrize(
    ("cells", "kind", "form"),
    [
        (["31.12.2024", "01.02.2024"], Date(), DAY_FIRST),
        (["12/31/2024", "01/02/2024"], Date(), MONTH_FIRST),
        (["2024/1/2", "2024/3/4"], Date(), "YYYY/MM/DD"),
        (["20240102", "20240304"], Date(), "YYYYMMDD"),
        (["1 Feb 2024", "2 Mar 2024"], Date(), "DD Month YYYY"),
        (["01.02.2024", "03.04.2024"], Date("%m.%d.%Y"), "%m.%d.%Y"),
    ],
)
def test_declared_dates_have_the_form_that_all_of_them_fit(cells: list[str], kind: Date, form: str) -> None:
    (column,) = learned(table(*cells), kind)[0].encoders

    assert isinstance(column, DateColumn)
    assert column.form == form


def test_moments_of_a_parquet_file_are_dates(tmp_path: Path) -> None:
    moments = np.array(["2024-03-01T00:00:07", "NaT", "2025-03-01T00:00:09.5"], "datetime64[ns]")
    of = loaded(write(tmp_path, "t.parquet", parquet({"when": moments, "y": [*"aba"]})), scale="none")

    assert {each.kind for each in of.features.inputs} == {"date"}
    assert features(of)[:, 0].tolist() == [2024, 2024.5, 2025]


def test_order_of_day_and_month_is_never_guessed() -> None:
    for cells, first, rest in (
        (("01/02/2024", "03/04/2024"), "'01/02/2024'", '{name: date, format: "%d/%m/%Y"}'),
        (("1.2.2024 7:05", "3.4.2024 8:00"), "'1.2.2024 7:05'", '{name: date, format: "%d.%m.%Y %H:%M"}'),
    ):
        report = refusal(partial(learned, table(*cells), Date()), ConfigError)
        assert report.startswith(f"error: column 'when' holds dates such as {first}: each could have the day first")
        assert f"hint: {rest} where the day comes first, " in report


def test_a_declared_date_is_refused_where_more_than_a_few_cells_are_none() -> None:
    many: Callable[[], object] = partial(learned, table(*["2024-01-02"] * 8, "x", "y"), Date())
    assert refusal(many, ConfigError).startswith(
        "error: column 'when' is to hold dates, but holds 'x' at t.csv: row 8 (2 of 10 cells)"
    )

    few = table(*(f"2024-01-{day:02}" for day in range(1, 20)), "x")
    made, warnings = learned(few, Date())
    assert encoded(made, few, warnings)[19].tolist() == [10, 3]
    assert len(warnings.strays) == 1


def test_a_date_column_is_scaled_and_comes_back_from_plain_data(tmp_path: Path) -> None:
    dates = ["2024-01-01", "2025-01-02", "2024-06-30", "2025-07-04"]
    of = loaded(write(tmp_path, "t.csv", csv({"when": dates, "y": [*"abab"]})), scale="minmax")

    assert features(of)[:, 0].tolist() == [0, 1, 0, 1]
    again = features_from_json(Saved(json.loads(json.dumps(of.features.to_json()))))
    assert again == of.features


@pytest.mark.parametrize(
    ("form", "fault"),
    [
        ("%d.%m.%Y", ""),
        ("%H:%M", ""),
        ("%Y%m%d %I:%M %p", ""),
        ("dd.mm.yyyy", "holds no directive, such as %d"),
        ("%d.%m", "has days and no year"),
        ("%Y-%Q", "is no format of dates ("),
    ],
)
def test_format_is_checked(form: str, fault: str) -> None:
    assert fault_of_format(form).startswith(fault)
    assert bool(fault_of_format(form)) is bool(fault)
