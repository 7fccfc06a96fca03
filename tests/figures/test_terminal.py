"""A figure as text: every line within the width, whatever the marks, the numbers and the names."""

from __future__ import annotations

import re

import numpy as np
import pytest

from bpcli.figures.drawing import drawn
from bpcli.figures.figure import Axis, Band, Bars, Cells, Figure, Line, Mark, Panel, Points, Reference
from bpcli.figures.terminal import drawn_text
from bpcli.figures.ticks import log_ticks, ticks
from bpcli.figures.words import shortened
from bpcli.lines.cells import cells
from tests.figures.test_drawing import HOSTILE, every_mark

NAMES = ["name", HOSTILE, "ž̌" * 30, "日本語の名前" * 9, "שלום " * 12, "_x", "$\\frac{1}{2}$", ""]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    for name in NAMES:
        lines = drawn_text(every_mark(name), width).splitlines()
        assert max(map(cells, lines)) <= width
        assert all(line.isprintable() for line in lines)


def test_series_are_told_apart_by_their_characters() -> None:
    x = np.arange(50.0)
    lines = [Line(x, x + 20 * k, f"n{k}", k) for k in range(8)]
    marks: tuple[Mark, ...] = (*lines, Points(x[:1], x[:1], "kept", strong=True))
    text = drawn_text(Figure("t", (Panel(marks, "", Axis("x"), Axis("y")),)), 80)
    legend, chart = text.splitlines()[2], text.partition("┌")[2]
    assert legend == "y:  o n0  x n1  + n2  # n3  * n4  = n5  % n6  @ n7  ◆ kept"
    assert all(character in chart for character in "ox+#*=%@◆")


def rows_of(line: Line, high: float) -> list[str]:
    """The rows of a chart of one line, between its frame."""
    text = drawn_text(Figure("t", (Panel((line,), "", Axis(), Axis(limits=(0, high))),)), 80)
    return [row.rstrip("│").replace("┤", "│").partition("│")[2] for row in text.splitlines() if row.endswith("│")]


def test_a_line_has_a_gap_where_it_has_no_number() -> None:
    for gap in (np.nan, np.inf):
        (row,) = (row for row in rows_of(Line(np.arange(5.0), np.array([1, 1, gap, 1, 1])), 2) if "o" in row)
        assert re.fullmatch(" +o+ {30,}o+ +", row)
        (row,) = (row for row in rows_of(Line(np.arange(5.0), np.array([1, gap, 1, gap, 1])), 2) if "o" in row)
        assert re.fullmatch(" +o {30,}o {30,}o +", row)  # a number between two gaps is a point


def test_a_long_line_keeps_its_peaks() -> None:
    y = np.ones(20_000)
    y[777] = 9.0
    assert sum("o" in row for row in rows_of(Line(np.arange(20_000.0), y), 10)) > 8


def test_a_picture_of_nothing_is_empty_axes() -> None:
    nothing = np.array([np.nan, np.inf])
    for log in (False, True):
        text = drawn_text(Figure("t", (Panel((Line(nothing, nothing),), "", Axis(log=log), Axis(log=log)),)), 80)
        assert "└" in text


def test_what_is_too_far_apart_is_left_out_and_counted() -> None:
    far = np.array([1.0, 1.7e308, -1.7e308, np.inf, 1e-320, 2.0, 1e249])
    marks = (Line(far, far), Band(far, far, far), Points(far, far), Reference(far, far))
    for log in (False, True):
        figure = Figure("t", (Panel(marks, "", Axis(log=log), Axis(log=log)),), ("so it is",))
        assert drawn_text(figure, 80).endswith("so it is\nNot drawn, for beyond ±1e+250: 21 numbers.\n")
        assert drawn(figure, "svg").startswith(b"<?xml")


def test_a_matrix_shows_its_numbers_else_shades_else_shades_of_several() -> None:
    def of_size(size: int) -> list[str]:
        values = np.eye(size) * 5
        names = tuple(map(str, range(size)))
        return drawn_text(Figure("t", (Panel((Cells(values, names, names, numbered=True),)),)), 80).splitlines()[2:]

    assert of_size(3) == ["   0  1  2", "0  5  ·  ·", "1  ·  5  ·", "2  ·  ·  5"]
    assert of_size(30)[:2] == ["0  ██", "1    ██"]
    assert " ".join(of_size(100)).endswith("each stands for the strongest of 3 × 3 cells")
    assert of_size(100)[:2] == ["██", "  ██"]
    signed = Cells(np.array([[-1.0, 0.0, 1.0]]), signed=True)
    assert drawn_text(Figure("t", (Panel((signed,)),)), 80).splitlines()[2:] == [
        "  ▒▒██",
        "light to dark from -1 to 1:  |░|▒|▓|█",
    ]


def test_bars_have_their_numbers() -> None:
    bars = Bars(("first", "second"), np.array([4.0, -1.0]), np.array([3.0, -2.0]), np.array([5.0, 0.0]))
    lines = drawn_text(Figure("t", (Panel((bars,), "", Axis("drop")),)), 60).splitlines()[2:]
    assert lines == [
        "drop",
        f"first  {'█' * 40}   4 (3 to 5)",
        f"second {' ' * 40} -1 (-2 to 0)",
    ]


def test_where_there_is_little_room_bars_have_no_spread() -> None:
    values = np.array([0.0078912, 0.0035123])
    names = ("a_name_of_21_characters", "another_name_like_it_")
    lines = drawn_text(Figure("t", (Panel((Bars(names, values, values - 0.01, values + 0.01),)),)), 60).splitlines()[2:]
    assert lines[0] == f"{names[0]} {'█' * 28} 0.00789"
    assert max(map(cells, lines)) == 60


def test_axes_have_round_numbers() -> None:
    assert ticks(0, 1, 5) == [0, 0.5, 1]
    assert ticks(0.7, 20.3, 6, whole=True) == [5, 10, 15, 20]
    assert ticks(1, 3, 7, whole=True) == [1, 2, 3]
    assert ticks(5, 5, 5) == [5]
    assert log_ticks(-3.2, 1.1, 5) == [-3, -2, -1, 0, 1]
    assert [round(10**tick, 9) for tick in log_ticks(0.2, 0.8, 5)] == [2, 5]


def test_a_long_name_loses_its_middle() -> None:
    assert shortened("short") == "short"
    assert shortened("abcdefghij", 5) == "ab…ij"
    assert cells(shortened("日本語の名前" * 9, 24)) <= 24
