"""Tables in the width of a terminal: what is left out, what is shortened, and what takes another form.

A table that is too wide, in this order:

1. loses its least important columns, if it ranks them, and says which;
2. shows the beginnings and ends of long names;
3. is turned, a row for each column, where so few rows fit;
4. shows each row on lines of its own, nothing left out.

Numbers are never cut. Off a terminal a table is as wide as it comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TextIO

from bpcli.display.messages import say, short_number
from bpcli.errors import printable
from bpcli.lines.breaking import HANGING, fitted, kept_together, wrapped
from bpcli.lines.cells import cells, padded, shortened
from bpcli.lines.widths import terminal_width

GAP = 2
"""Spaces between the columns of a table."""

LEAST_NAME = 16
"""The cells that a shortened name has at least."""

NOTHING = "–"
"""Stands for an empty cell after its head."""


@dataclass(frozen=True)
class _Table:
    """Columns as text; those at the places ``left`` stand at the left, those at ``names`` can be shortened."""

    heads: list[str]
    rows: list[list[str]]
    left: frozenset[int]
    names: frozenset[int]

    @property
    def widths(self) -> list[int]:
        """The width of each column."""
        return [max(map(cells, column)) for column in zip(self.heads, *self.rows, strict=True)]

    @property
    def width(self) -> int:
        """The width of a line."""
        return sum(self.widths) + GAP * (len(self.heads) - 1)

    def lines(self) -> list[str]:
        """The heads, then the rows."""
        aligned = list(enumerate(self.widths))
        return [
            (" " * GAP).join(padded(row[k], width, right=k not in self.left) for k, width in aligned).rstrip()
            for row in (self.heads, *self.rows)
        ]


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    file: TextIO,
    title: str = "",
    text: Sequence[int] = (0,),
    order: Sequence[int] = (),
    *,
    names: Sequence[int] = (),
    essential: int = 1,
    whole: str = "",
) -> None:
    """Print a table; the columns with the indices ``text`` are left-aligned, the others right-aligned numbers.

    ``names`` are the columns whose cells can be shortened. ``order`` lists all columns from the most to the least
    important; those after the first ``essential`` ones can be left out, and ``whole`` says what has them all.
    """
    width = terminal_width(file)
    heads, cut = [printable(name) for name in columns], [[printable(_cell_text(cell)) for cell in row] for row in rows]
    table = _Table(heads, cut, frozenset(text), frozenset(names))
    if title:
        file.write(f"{fitted(printable(title), file)}\n")
    if width is None:
        file.write("".join(f"{line}\n" for line in table.lines()))
        return
    smaller, left_out = _without(table, width, list(order), essential)
    smaller = _shortened(smaller, width)
    if smaller.width <= width:
        _print(smaller.lines(), file)
        if left_out:
            say(f"left out for want of width: {', '.join(left_out)}; {whole}")
        return
    turned = _turned(table, width)
    if turned.width <= width:
        _print(turned.lines(), file)
    else:
        file.write("".join(f"{line}\n" for line in _stacked(table, width)))


def table_width(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
    """How many characters wide :func:`print_table` would print these columns off a terminal."""
    cut = [[printable(_cell_text(cell)) for cell in row] for row in rows]
    return _Table([printable(name) for name in columns], cut, frozenset(), frozenset()).width


def _cell_text(value: Any) -> str:
    return short_number(value) if isinstance(value, float) or value is None else str(value)


def _print(lines: list[str], file: TextIO) -> None:
    """Write the lines of a table to a terminal, the first one bold."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=file, highlight=False, force_terminal=True, soft_wrap=True)
    console.print(Text(lines[0], "bold"))
    file.write("".join(f"{line}\n" for line in lines[1:]))


def _without(table: _Table, width: int, order: list[int], essential: int) -> tuple[_Table, list[str]]:
    """The table without the least important columns that do not fit, and their heads."""
    shown = order or list(range(len(table.heads)))
    widths, least = table.widths, essential if order else len(shown)
    while len(shown) > least and sum(widths[k] + GAP for k in shown) - GAP > width:
        shown = shown[:-1]
    left_out = [head for k, head in enumerate(table.heads) if head and k not in shown]
    return _only(table, sorted(shown)), left_out


def _only(table: _Table, shown: list[int]) -> _Table:
    """Some columns of the table."""
    return _Table(
        [table.heads[k] for k in shown],
        [[row[k] for k in shown] for row in table.rows],
        frozenset(place for place, k in enumerate(shown) if k in table.left),
        frozenset(place for place, k in enumerate(shown) if k in table.names),
    )


def _shortened(table: _Table, width: int) -> _Table:
    """The table with names as short as is needed, the longest ones first."""
    widths = table.widths
    limits = {k: widths[k] for k in table.names}
    for _ in range(table.width - width):
        longest = max(limits, key=lambda k: limits[k], default=None)
        if longest is None or limits[longest] <= LEAST_NAME:
            break
        limits[longest] -= 1
    rows = [[shortened(cell, limits.get(k, widths[k])) for k, cell in enumerate(row)] for row in table.rows]
    return replace(table, rows=rows)


def _turned(table: _Table, width: int) -> _Table:
    """The table with a row for each of its columns, headed by the cells of its first one."""
    heads, *rows = (list(column) for column in zip(table.heads, *table.rows, strict=True))
    room = max((width - max(map(cells, table.heads))) // max(len(table.rows), 1) - GAP, LEAST_NAME)
    return _Table([heads[0], *(shortened(head, room) for head in heads[1:])], rows, frozenset({0}), frozenset())


def _stacked(table: _Table, width: int) -> list[str]:
    """Each row on lines of its own: its first cell, then the others after their heads, aligned with the next row's."""
    return [line for row in table.rows for line in [shortened(row[0], width), *_items(table, row, width)]]


def _items(table: _Table, row: list[str], width: int) -> list[str]:
    """A row's cells but the first, each after its head, in lines."""
    named = [[f"{head} {cell or NOTHING}".strip() for cell in column] for head, *column in _columns(table)]
    place = table.rows.index(row)
    items = [padded(column[place], max(map(cells, column))) for column in named[1:]]
    fit = [kept_together(item) if cells(item) <= width - HANGING else item for item in items]
    indent = " " * HANGING
    return [line.rstrip() for line in wrapped((" " * GAP).join(fit), width, indent, indent)]


def _columns(table: _Table) -> list[tuple[str, ...]]:
    """Each column, its head first."""
    return list(zip(table.heads, *table.rows, strict=True))
