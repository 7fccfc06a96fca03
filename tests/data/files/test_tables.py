"""Tables: cells as they are written, lines as an editor counts them, and nothing forgiven in silence."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.data.files.byte_source import source_of_bytes
from bpcli.data.files.cells import texts_of
from bpcli.data.files.dataset import Format, Table
from bpcli.data.files.pandas_reader import CHUNK
from bpcli.data.files.tables import read_parquet, read_text
from bpcli.errors import DataError, ExitStatus

from ..support import NO_TEXT, csv, deterministic, parquet, refusal, table


@pytest.fixture(autouse=True, params=[None, CHUNK, 1], ids=["small", "large", "row by row"])
def pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads the table, and however much at a time."""
    if request.param is not None:
        monkeypatch.setattr("bpcli.data.files.tables.SMALL", 0)
        monkeypatch.setattr("bpcli.data.files.pandas_reader.CHUNK", request.param)
        monkeypatch.setattr("bpcli.data.files.pandas_reader.LEAST", 1)


def read(text: str | bytes, form: Format | None = None, texts: Sequence[str] = (), path: str = "t.csv") -> Table:
    data = text if isinstance(text, bytes) else text.encode()
    return read_text(source_of_bytes(data, path), form or Format(), frozenset(texts))


def refused(text: str | bytes, form: Format | None = None, texts: Sequence[str] = ()) -> str:
    return refusal(lambda: read(text, form, texts), DataError)


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


cells = st.text(st.sampled_from("ab \"\n\r,;\t'\\#é€𝄞\u2028\x0b"), min_size=1, max_size=6)
breaks = st.sampled_from(["\n", "\r\n"])
blanks = st.lists(st.sampled_from(["", " ", "\t", "  \t"]), max_size=2)


@st.composite
def quoted_tables(draw: st.DrawFn) -> tuple[str, list[list[str]], list[int], str]:
    """A table with every cell quoted and blank lines anywhere: its text, records, their lines, its delimiter."""
    delimiter = draw(st.sampled_from(",;\t|: "))
    width = draw(st.integers(1, 3))
    records = draw(st.lists(st.lists(cells, min_size=width, max_size=width), min_size=2, max_size=5))
    text, lines = "", []
    for record in records:
        for blank in draw(blanks):
            text += ("" if delimiter in blank or delimiter == " " else blank) + draw(breaks)
        lines.append(text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1)
        text += delimiter.join(map(quoted, record)) + draw(breaks)
    return text, records, lines, delimiter


@deterministic
@given(quoted_tables())
def test_quoted_cells_come_back_as_written_and_rows_know_their_lines(
    case: tuple[str, list[list[str]], list[int], str],
) -> None:
    text, records, lines, delimiter = case
    names = [str(i) for i in range(len(records[0]))]

    dataset = read(text, Format(delimiter, header=False, missing=()), names)

    assert [[dataset.column(name)[row] for name in names] for row in range(dataset.size)] == records
    assert [dataset.where(row) for row in range(dataset.size)] == [f"t.csv:{line}" for line in lines]


def hard_numbers() -> list[str]:
    """Decimals of every length, the halfway points between neighbours of float64 among them."""
    rng = random.Random(5)
    texts = ["5e-324", "2.4703282292062328e-324", "1.7976931348623157e308", "9007199254740993", ".5", "5.", "1.e5"]
    for digits in (1, 9, 17, 19, 20, 25, 40, 300) * 60:
        number = "".join(rng.choices("0123456789", k=digits))
        point = rng.randint(0, digits)
        texts.append(f"{number[:point]}.{number[point:]}e{rng.randint(-280, 200)}" if digits > 1 else number)
    for _ in range(200):
        halfway = str((rng.getrandbits(53) | 1 << 52) << 1 | 1)
        texts += [halfway, f"{halfway}.{'0' * 30}1", f"{int(halfway) - 1}.{'9' * 30}"]
    return [text for text in texts if np.isfinite(float(text))]


@pytest.mark.parametrize("texts", [(), ("a",)], ids=["read as numbers", "kept as text"])
def test_numbers_are_rounded_correctly(texts: tuple[str, ...]) -> None:
    written = hard_numbers()
    read_back = read(csv({"a": written, "b": written}), texts=texts).column("a").tolist()

    assert [float(cell) for cell in read_back] == [float(cell) for cell in written]


@deterministic
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_every_float_reads_back_as_itself(numbers: list[float]) -> None:
    assert read(csv({"a": map(repr, numbers), "b": numbers})).column("a").tolist() == numbers


@pytest.mark.parametrize("cell", ["1", "+1", "-1", "007", "1.5", "1E3", "1e+3", " 12 ", '"3"', "1" * 30])
def test_decimal_notation_is_a_number(cell: str) -> None:
    assert read(f"a,b\n{cell},x\n").column("a").tolist() == [float(cell.strip('"'))]


@pytest.mark.parametrize(
    "cell", ["1_000", "\x1c5", "0x1f", "1d3", "1,5", "50%", "one", "1e", "--1", "١", "nan", "infinit"]
)
def test_other_notations_are_text(cell: str) -> None:
    assert read(f"a;b\n{cell};x\n1;x\n", Format(";")).column("a").tolist() == [cell, "1"]


@pytest.mark.parametrize("cell", ["", "NA", "NaN", "null", " ", '""', '"NA"'])
def test_missing_cells_are_missing_in_every_column(cell: str) -> None:
    text = f"n,s,t,k\n1,x,true,u\n{cell},{cell},{cell},{cell}\n"

    assert table(read(text, texts=["k"])) == {"n": [1, None], "s": ["x", None], "t": ["true", None], "k": ["u", None]}


def test_missing_names_its_cells_instead_of_the_usual_ones() -> None:
    dataset = read("n,s\n-999,NA\n,?\n1,-999\n", Format(missing=("?", "-999")))

    assert table(dataset) == {"n": [None, None, 1], "s": ["NA", None, None]}


def test_only_empty_cells_are_missing_where_none_are_named() -> None:
    assert table(read("a,b\nNA,x\n,y\n", Format(missing=()))) == {"a": ["NA", None], "b": ["x", "y"]}


def test_column_without_a_value_is_numbers_all_missing() -> None:
    dataset = read("a,b\n,1\nNA,2\n")

    assert dataset.column("a").dtype == np.float64
    assert np.isnan(dataset.column("a")).all()


@pytest.mark.parametrize("cells", [("True", "False"), ("TRUE", "false"), ("true", "FALSE"), ("true", "")])
def test_truth_values_are_booleans_in_lower_case_with_or_without_missing_ones(cells: tuple[str, str]) -> None:
    dataset = read(csv({"a": cells, "b": "xy"}))

    assert dataset.truth_columns == {"a"}
    assert dataset.column("a").tolist() == [cell.lower() or None for cell in cells]


@pytest.mark.parametrize("cells", [("True", "no"), ("true", "1"), ("yes", "no"), ("T", "F")])
def test_other_pairs_of_words_are_text(cells: tuple[str, str]) -> None:
    dataset = read(csv({"a": cells, "b": "xy"}))

    assert dataset.truth_columns == frozenset()
    assert dataset.column("a").tolist() == list(cells)


def test_column_is_of_one_kind_wherever_its_cells_stand() -> None:
    dataset = read("a,b,c,d\n1,x,true,\n,2,1,\n3,,,\n1_0,4,x,\n")

    assert table(dataset) == {
        "a": ["1", None, "3", "1_0"],
        "b": ["x", "2", None, "4"],
        "c": ["true", "1", None, "x"],
        "d": [None, None, None, None],
    }
    assert dataset.truth_columns == frozenset()


def test_text_columns_are_kept_to_the_letter() -> None:
    dataset = read("a,b\n01,True\n1.0,false\n", texts=["a", "b"])

    assert {name: texts_of(dataset, name).tolist() for name in dataset.names} == {
        "a": ["01", "1.0"],
        "b": ["True", "false"],
    }
    assert dataset.truth_columns == frozenset()


def test_last_column_is_kept_as_text_while_the_target_is_unknown() -> None:
    dataset = read_text(source_of_bytes(b"a,b\n01,01\n", "t.csv"), Format(), None)

    assert table(dataset) == {"a": [1], "b": [1]}
    assert texts_of(dataset, "b").tolist() == ["01"]
    assert read_text(source_of_bytes(b"a,b\nTrue,True\n", "t.csv"), Format(), None).truth_columns == {"a"}


def test_spaces_after_a_delimiter_do_not_count() -> None:
    assert table(read('a, b\n1, "x, y"\n2,   z\n')) == {"a": [1, 2], "b": ["x, y", "z"]}


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "bom"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("last", [True, False], ids=["last line ended", "last line open"])
def test_byte_order_mark_and_line_ends_do_not_count(end: str, mark: str, *, last: bool) -> None:
    text = mark + end.join(["a,b", "1,x", "2,y"]) + (end if last else "")
    dataset = read(text)

    assert table(dataset) == {"a": [1, 2], "b": ["x", "y"]}
    assert [dataset.where(row) for row in (0, 1)] == ["t.csv:2", "t.csv:3"]


def test_headerless_table_counts_its_columns_and_starts_on_its_first_line() -> None:
    dataset = read("\n1,x\n2,y\n", Format(header=False))

    assert table(dataset) == {"0": [1, 2], "1": ["x", "y"]}
    assert dataset.where(0) == "t.csv:2"


def test_names_are_stripped_and_empty_ones_numbered() -> None:
    assert read("a ,, b\n1,2,3\n").names == ["a", "unnamed_1", "b"]


def test_numbers_can_stand_for_names() -> None:
    assert table(read("1,2\n3,4\n")) == {"1": [3], "2": [4]}


@pytest.mark.parametrize("delimiter", list(",;|\t: .!#$%&*+-/=@^_~"))
def test_any_mark_can_delimit(delimiter: str) -> None:
    assert table(read(csv({"a": "xy", "b": "uv"}, delimiter), Format(delimiter))) == {"a": ["x", "y"], "b": ["u", "v"]}


@pytest.mark.parametrize("text", ["a\tb\n1\t2\n", "\n\r\na\tb, c\n1\t2\n".replace(", ", "")])
def test_tabs_in_the_first_line_delimit_where_it_holds_no_comma(text: str) -> None:
    assert read(text).size == 1
    assert len(read(text).names) == 2


RAGGED = "hint: quote cells that hold the delimiter, or set data.delimiter"


@pytest.mark.parametrize(
    ("text", "report"),
    [
        ("a,b,c\n1,2,3\n4,5\n", f"error: t.csv:3: 2 cells where the first row has 3\n{RAGGED}"),
        ("a,b\n1,2\n3,4,5\n6,7\n", f"error: t.csv:3: 3 cells where the first row has 2\n{RAGGED}"),
        ("a,b\n1,2,\n", f"error: t.csv:2: 3 cells where the first row has 2\n{RAGGED}"),
        ('a,b\n"x\ny",2\n\n3,4,5\n', f"error: t.csv:5: 3 cells where the first row has 2\n{RAGGED}"),
        ("a,b\r\n1,2\r\n3,4,5\r\n", f"error: t.csv:3: 3 cells where the first row has 2\n{RAGGED}"),
        ("\n\n", "error: t.csv: the file holds no rows\nhint: it needs a header and at least one example"),
        (" \n", "error: t.csv: the file holds no rows\nhint: it needs a header and at least one example"),
        ("\ufeff", "error: t.csv: the file holds no rows\nhint: it needs a header and at least one example"),
        (
            "a,b\n",
            "error: t.csv: a header but no rows\nhint: add examples, or set header: false if the first row is one",
        ),
        (
            "a,b\n\n  \n",
            "error: t.csv: a header but no rows\nhint: add examples, or set header: false if the first row is one",
        ),
        ("a,b,a\n1,2,3\n", "error: t.csv:1: column 'a' stands twice in the header\nhint: rename one"),
        ("\na,b, a \n1,2,3\n", "error: t.csv:2: column 'a' stands twice in the header\nhint: rename one"),
        (
            "a,b\n1,2\n\0,4\n",
            "error: t.csv:3: the file holds binary data, not a table\nhint: bp reads CSV, TSV, NPZ, NPY, IDX, Parquet",
        ),
        (
            b"a,b\n1,2\ncaf\xe9,4\n",
            (
                "error: t.csv:3: byte 0xe9 is not UTF-8 text\n"
                "hint: convert the file, for example with iconv -f latin1 -t utf-8"
            ),
        ),
        (
            "a,b\n".encode("utf-16"),
            (
                "error: t.csv:1: byte 0xff is not UTF-8 text\n"
                "hint: convert the file, for example with iconv -f latin1 -t utf-8"
            ),
        ),
        (
            'a,b\n1,x\n2,"y\n3,z\n',
            (
                "error: t.csv:3: a quote is opened and never closed\n"
                'hint: close it; inside a quoted cell a quote is written twice: ""'
            ),
        ),
        (
            'a,b\n1,x\n\n2,"y',
            (
                "error: t.csv:4: a quote is opened and never closed\n"
                'hint: close it; inside a quoted cell a quote is written twice: ""'
            ),
        ),
    ],
)
def test_malformed_table_is_refused_with_its_line(text: str | bytes, report: str) -> None:
    assert refused(text) == report


def test_blanks_that_delimit_are_all_counted() -> None:
    form = Format(" ")
    assert table(read("a b\n1 2\n 3\n", form)) == {"a": [1, None], "b": [2, 3]}
    assert refused("a b c\n1 2 3\n4  5 6\n", form) == (
        "error: t.csv:3: 4 cells where the first row has 3\n"
        "hint: quote cells that hold the delimiter, or set data.delimiter"
    )


@pytest.mark.parametrize("cell", ["1e400", "-1e400", "inf", "-Inf", "Infinity", "9" * 400])
def test_infinite_number_is_refused_with_its_line(cell: str) -> None:
    assert refused(f'a,b\n"1\n",2\n\n{cell},3\n') == (
        f"error: t.csv:5: column 'a' holds {cell}, not a finite number\n"
        "hint: leave the cell empty where the number is unknown"
    )


def test_infinite_number_is_refused_among_targets_too() -> None:
    assert refused("a,y\n1,2\n1,1e400\n", texts=["y"]) == (
        "error: t.csv:3: column 'y' holds 1e400, not a finite number\n"
        "hint: leave the cell empty where the number is unknown"
    )


@pytest.mark.parametrize("cell", ["1e400", "inf"])
def test_infinity_among_words_is_a_word(cell: str) -> None:
    assert read(f"a,b\nlarge,1\n{cell},2\n", texts=["a"]).column("a").tolist() == ["large", cell]


def test_malformed_table_is_a_fault_of_the_data() -> None:
    with pytest.raises(DataError) as caught:
        read("a,b\n1\n")

    assert caught.value.status is ExitStatus.DATA


def test_parquet_keeps_types_and_tells_missing_cells() -> None:
    columns = {
        "whole": pd.array([1, None, 3], "Int64"),
        "real": [0.1, float("nan"), -1e300],
        "text": ["x", None, "01"],
        "truth": pd.array([True, None, False], "boolean"),
        "object": [True, None, False],
        "kind": pd.Categorical(["u", "v", None]),
        "day": pd.Series(["2024-02-29", None, "2025-01-01"], dtype="datetime64[s]"),
    }

    dataset = read_parquet(source_of_bytes(parquet(columns), "t.parquet"), NO_TEXT)

    assert table(dataset) == {
        "whole": [1, None, 3],
        "real": [0.1, None, -1e300],
        "text": ["x", None, "01"],
        "truth": ["true", None, "false"],
        "object": ["true", None, "false"],
        "kind": ["u", "v", None],
        "day": ["2024-02-29 00:00:00", None, "2025-01-01 00:00:00"],
    }
    assert dataset.truth_columns == {"truth", "object"}


def test_parquet_refuses_infinity_with_its_row() -> None:
    data = parquet({"a": [1.0, float("-inf")]})

    assert refusal(lambda: read_parquet(source_of_bytes(data, "t.parquet"), NO_TEXT), DataError) == (
        "error: t.parquet: row 1: column 'a' holds -inf, not a finite number\n"
        "hint: leave the cell empty where the number is unknown"
    )


@pytest.mark.parametrize("columns", [{"a": []}, {}], ids=["no rows", "no columns"])
def test_parquet_without_examples_is_refused(columns: dict[str, list[float]]) -> None:
    data = parquet(columns)

    assert refusal(lambda: read_parquet(source_of_bytes(data, "t.parquet"), NO_TEXT), DataError) == (
        "error: t.parquet: the file holds no rows\nhint: it needs at least one example"
    )


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_parquet_cut_short_is_refused(share: float) -> None:
    data = parquet({"a": range(100)})
    cut = data[: int(share * len(data))]

    report = refusal(lambda: read_parquet(source_of_bytes(cut, "t.parquet"), NO_TEXT), DataError)

    assert report.startswith("error: t.parquet: not a readable Parquet file: ")
    assert report.endswith("\nhint: write it again")
