"""Tables: what they show of their cells, and their form in a width."""

from __future__ import annotations

import io

import pytest

from bpcli import display
from bpcli.display.table_layout import Form, Ranking, Table, form_of
from bpcli.lines.cells import cells

RUNS = Table(
    ["run", "rate", "hidden", "accuracy", "loss"],
    [[f"runs/sweep/points-{k:03}", f"{10.0**-k:g}", "8 relu, 4 relu", f"0.{k}123", f"{k}.456"] for k in range(1, 5)],
    left=frozenset({0, 1, 2}),
    names=frozenset({0}),
)
RANKING = Ranking((0, 3, 1, 2, 4), essential=4, whole="elsewhere")


def form(width: int, table: Table = RUNS, ranking: Ranking | None = RANKING) -> Form:
    found = form_of(table, width, ranking)
    assert max(map(cells, found.lines)) <= width
    return found


def test_a_table_that_fits_is_shown_whole() -> None:
    found = form(RUNS.width)
    assert (found.lines, found.headed, found.left_out) == (RUNS.lines(), True, [])
    assert found.lines[:2] == [
        "run                    rate    hidden          accuracy   loss",
        "runs/sweep/points-001  0.1     8 relu, 4 relu    0.1123  1.456",
    ]


def test_the_least_important_columns_go_first_and_are_named() -> None:
    found = form(RUNS.width - 1)
    assert found.left_out == ["loss"]
    assert found.lines[1] == "runs/sweep/points-001  0.1     8 relu, 4 relu    0.1123"


def test_names_are_shortened_in_the_middle_before_the_form_changes() -> None:
    found = form(52)
    assert found.left_out == ["loss"]
    assert found.lines[:2] == [
        "run                 rate    hidden          accuracy",
        "runs/swe…oints-001  0.1     8 relu, 4 relu    0.1123",
    ]


def test_rows_that_do_not_fit_are_stacked_with_all_that_is_essential() -> None:
    found = form(40)
    assert (found.headed, found.left_out) == (False, ["loss"])
    assert found.lines[:3] == [
        "runs/sweep/points-001",
        "  accuracy 0.1123  rate 0.1",
        "  hidden 8 relu, 4 relu",
    ]
    assert len(found.lines) == 12


def test_few_rows_are_turned_with_nothing_left_out() -> None:
    two = Table(RUNS.heads, RUNS.rows[:2], RUNS.left, RUNS.names)
    found = form(46, two)
    assert (found.headed, found.left_out) == (True, [])
    assert found.lines == [
        "run       runs/swe…ints-001  runs/swe…ints-002",
        "rate                    0.1               0.01",
        "hidden       8 relu, 4 relu     8 relu, 4 relu",
        "accuracy             0.1123             0.2123",
        "loss                  1.456              2.456",
    ]


def test_without_a_ranking_nothing_is_left_out_at_any_width() -> None:
    for width in range(16, 80):
        found = form(width, ranking=None)
        assert found.left_out == []
        text = " ".join(" ".join(found.lines).split())
        assert all(cell in text for row in RUNS.rows for cell in row[1:])


def test_a_table_that_begins_with_a_number_is_stacked_with_its_head() -> None:
    rows = [["0", "a column", "number"], ["10", "other", ""]]
    table = Table(["input", "column", "kind"], rows * 3, names=frozenset({1}))
    assert form(22, table, None).lines[:5] == [
        "input 0",
        "  column a column",
        "  kind number",
        "input 10  column other",
        "  kind –",
    ]


def test_numbers_are_never_cut() -> None:
    table = Table(["", "loss", "accuracy"], [["train", "-1.234e-05", "0.1234"]] * 4)
    for width in range(1, 30):
        words = " ".join(form_of(table, width, None).lines).split()
        assert words.count("-1.234e-05") == words.count("0.1234") == 4


def test_wide_characters_take_two_cells() -> None:
    table = Table(["class", "f1"], [["北海道の花菖蒲", "0.5"], ["ash", "1"]], frozenset({0}), frozenset({0}))
    assert table.lines() == ["class            f1", "北海道の花菖蒲  0.5", "ash               1"]


def test_a_table_shows_names_as_they_are_and_control_characters_as_escapes() -> None:
    file = io.StringIO()
    display.print_table(
        ["[bold]x[/]", "a\tb"], [["\x1b[31mred", 1], [":smile:", 2.5], ["two\nlines", None]], file, title="[t]"
    )
    assert file.getvalue() == ("[t]\n[bold]x[/]   a\\tb\n\\x1b[31mred     1\n:smile:       2.5\ntwo\\nlines\n")


def test_a_table_off_a_terminal_is_never_cut_wrapped_or_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "20")
    file = io.StringIO()
    display.print_table(["name"], [["long " * 100]], file)
    assert file.getvalue() == f"name\n{('long ' * 100).rstrip()}\n"


def test_what_is_left_out_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "40")
    file = Terminal()
    display.print_table(RUNS.heads, RUNS.rows, file, text=(0, 1, 2), names=(0,), ranking=RANKING)
    assert file.getvalue().startswith("runs/sweep/points-001\n  accuracy 0.1123  rate 0.1\n")
    assert capsys.readouterr().err == "left out for want of width: loss; elsewhere\n"
