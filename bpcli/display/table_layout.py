"""The form of a table in a given width.

A table that is too wide, in this order:

1. loses its least important columns, if they are ranked;
2. shows the beginnings and the ends of long names;
3. is turned, a row for each column, where so few rows fit side by side;
4. shows each row on lines of its own.

Numbers are never cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bpcli.lines.breaking import HANGING, kept_together, wrapped
from bpcli.lines.cells import cells, padded, shortened

GAP = 2
"""Spaces between the columns of a table."""

LEAST_NAME = 16
"""The cells that a shortened name has at least."""

ALIGNED = 2
"""Cells up to this part of a line keep their places below one another where rows are stacked."""

NOTHING = "–"
"""Stands for an empty cell after its head."""


@dataclass(frozen=True)
class Ranking:
    """The columns from the most to the least important; those after the first ``essential`` ones can be left out.

    ``whole`` says what has them all.
    """

    order: Sequence[int]
    essential: int
    whole: str


@dataclass(frozen=True)
class Table:
    """Columns as text; those at the places ``left`` stand at the left, those at ``names`` can be shortened."""

    heads: list[str]
    rows: list[list[str]]
    left: frozenset[int] = frozenset()
    names: frozenset[int] = frozenset()

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
        widths = self.widths
        return [
            (" " * GAP).join(padded(cell, widths[k], right=k not in self.left) for k, cell in enumerate(row)).rstrip()
            for row in (self.heads, *self.rows)
        ]

    def only(self, places: Sequence[int]) -> Table:
        """The columns at these places, in this order."""
        return Table(
            [self.heads[k] for k in places],
            [[row[k] for k in places] for row in self.rows],
            frozenset(new for new, k in enumerate(places) if k in self.left),
            frozenset(new for new, k in enumerate(places) if k in self.names),
        )


@dataclass(frozen=True)
class Form:
    """A table in lines, whether the first has the heads, and the heads of the columns that are left out."""

    lines: list[str]
    headed: bool
    left_out: list[str]


def form_of(table: Table, width: int, ranking: Ranking | None) -> Form:
    """The form of a table in a width: the first of those above that fits."""
    fewer = _without_least(table, width, ranking)
    short = _shortened(fewer, width)
    if short.width <= width:
        return Form(short.lines(), headed=True, left_out=_left_out(table, fewer))
    turned = _turned(table, width)
    if turned.width <= width:
        return Form(turned.lines(), headed=True, left_out=[])
    ranked = table if ranking is None else table.only(ranking.order[: ranking.essential])
    return Form(_stacked(ranked, width), headed=False, left_out=_left_out(table, ranked))


def _left_out(table: Table, shown: Table) -> list[str]:
    return [head for head in table.heads if head and head not in shown.heads]


def _without_least(table: Table, width: int, ranking: Ranking | None) -> Table:
    """The table without the least important columns that do not fit."""
    if ranking is None:
        return table
    shown, widths = list(ranking.order), table.widths
    while len(shown) > ranking.essential and sum(widths[k] + GAP for k in shown) - GAP > width:
        shown.pop()
    return table.only(sorted(shown))


def _shortened(table: Table, width: int) -> Table:
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


def _turned(table: Table, width: int) -> Table:
    """The table with a row for each of its columns, headed by the cells of its first one."""
    heads, *rows = (list(column) for column in zip(table.heads, *table.rows, strict=True))
    room = max((width - max(map(cells, table.heads))) // max(len(table.rows), 1) - GAP, LEAST_NAME)
    return Table([heads[0], *(shortened(head, room) for head in heads[1:])], rows, frozenset({0}))


def _stacked(table: Table, width: int) -> list[str]:
    """Each row on lines of its own, each cell after its head and below that of the row before; a name stands alone."""
    columns = list(zip(table.heads, *table.rows, strict=True))
    items = [[f"{head} {cell or NOTHING}".strip() for cell in column] for head, *column in columns]
    widths = [min(max(map(cells, column)), width // ALIGNED) for column in items]
    lines = []
    for place, row in enumerate(table.rows):
        named = 0 in table.names
        lines += [shortened(row[0], width)] if named else []
        texts = [padded(column[place], room) for column, room in zip(items, widths, strict=True)][named:]
        first = " " * HANGING if named else ""
        lines += wrapped((" " * GAP).join(_item(text, width) for text in texts), width, first, " " * HANGING)
    return [line.rstrip() for line in lines]


def _item(text: str, width: int) -> str:
    """A cell after its head, which stays on one line where there is room for it."""
    return kept_together(text) if cells(text) <= width - HANGING else text
