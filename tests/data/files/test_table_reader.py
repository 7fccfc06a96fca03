"""Small tables, read by the csv module, hold what pandas finds in them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.data.files import pandas_reader as frames
from bpcli.data.files import tables
from bpcli.data.files.byte_source import source_of_bytes
from bpcli.data.files.dataset import Format
from bpcli.data.files.tables import read_text
from bpcli.errors import DataError

from ..support import deterministic, table

WORDS = [
    *("", " ", "NA", "NaN", "null", "nan", '"NA"', '""', "?", "-999", "-999.0", "1e400", "-inf", "Infinity"),
    *(
        "0",
        "1",
        "-1",
        "+1",
        "007",
        "1.5",
        "1.",
        ".5",
        ".",
        "1e5",
        "1E+5",
        "1e",
        "1_0",
        "0x1f",
        "1,5",
        "1,234",
        "1.234,5",
        "1'234",
        "1 234",
        "١",
        "9" * 25,
    ),
    *("12345678901234567890", "9007199254740993", "0.1", "1e-320", "2.2250738585072011e-308", "1 ", " 1", "1\t", '"1"'),
    *("1,234", "1.234,5", "1'234", "1 234", "-999,0"),
    *("true", "True", "TRUE", "false", "False", "FALSE", "tRUE", "yes", "T", "a", "b c", '"a""b"', 'a"b', '"x"y', '"'),
]
"""Cells that one reader or the other might take for something else."""

kinds = [
    st.sampled_from(WORDS),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(2**70), 2**70).map(str),
    st.sampled_from(["true", "False", "TRUE", ""]),
    st.sampled_from(["1", "2.5", "NA", "", "-999"]),
    st.decimals(allow_nan=False, allow_infinity=False, places=25).map(str),
]


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, Format, frozenset[str]]:
    """A table, how it is written, and the columns to be read to the letter."""
    delimiter = draw(st.sampled_from(",;\t "))
    columns = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=3))
    records = draw(st.lists(st.tuples(*columns), min_size=1, max_size=5))
    header = draw(st.booleans())
    lines = [delimiter.join(record) for record in records]
    names = [f"c{k}" for k in range(len(columns))] if header else [str(k) for k in range(len(columns))]
    text = draw(st.sampled_from(["\n", "\r\n", "\r"])).join([delimiter.join(names)] * header + lines)
    missing = draw(st.sampled_from([("NA", "NaN", "null"), (), ("?", "NA"), ("null", "-1.0e0"), ("-999,0",)]))
    marks = draw(st.sampled_from([(".", None), (",", None), (",", "."), (".", ","), (".", "'"), (",", " ")]))
    return text, Format(delimiter, header, missing, *marks), frozenset(draw(st.sets(st.sampled_from(names))))


def found(text: str, form: Format, letter: frozenset[str] | None) -> Any:
    """All there is to know of a table, or why it is refused."""
    try:
        dataset = read_text(source_of_bytes(text.encode(), "t.csv"), form, letter)
    except DataError as error:
        return error.lines()
    cells = {name: dataset.as_written(name).tolist() for name in dataset.names}
    return (
        table(dataset),
        {name: dataset.column(name).dtype for name in dataset.names},
        dataset.truth_columns,
        cells,
        dataset.where(0),
    )


@deterministic
@given(texts())
def test_a_small_table_is_read_as_a_large_one(case: tuple[str, Format, frozenset[str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        small = found(*case)
        patch.setattr(tables, "SMALL", 0)
        assert found(*case) == small
        patch.setattr(frames, "CHUNK", 1)
        patch.setattr(frames, "LEAST", 1)
        assert found(*case) == small
