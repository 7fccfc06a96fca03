"""Tables on a terminal, in its width; elsewhere as wide as they come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TextIO

from bpcli.display.messages import say, short_number
from bpcli.display.table_layout import Ranking, Table, form_of
from bpcli.errors import printable
from bpcli.lines.breaking import fitted
from bpcli.lines.widths import terminal_width


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    file: TextIO,
    title: str = "",
    *,
    text: Sequence[int] = (0,),
    names: Sequence[int] = (),
    ranking: Ranking | None = None,
) -> None:
    """Print a table; the columns with the indices ``text`` are left-aligned, the others right-aligned numbers.

    ``names`` are the columns whose cells can be shortened. With a ``ranking`` columns can be left out, which is said.
    """
    if title:
        file.write(f"{fitted(printable(title), file)}\n")
    table, width = _table(columns, rows, text, names), terminal_width(file)
    if width is None:
        file.write("".join(f"{line}\n" for line in table.lines()))
        return
    form = form_of(table, width, ranking)
    _print(form.lines, file, headed=form.headed)
    if form.left_out and ranking is not None:
        file.flush()
        say(f"left out for want of width: {', '.join(form.left_out)}; {ranking.whole}")


def table_width(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
    """How many characters wide :func:`print_table` would print these columns off a terminal."""
    return _table(columns, rows).width


def _table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], text: Sequence[int] = (), names: Sequence[int] = ()
) -> Table:
    cells = [[printable(_cell_text(cell)) for cell in row] for row in rows]
    return Table(list(map(printable, columns)), cells, frozenset(text), frozenset(names))


def _cell_text(value: Any) -> str:
    return short_number(value) if isinstance(value, float) or value is None else str(value)


def _print(lines: list[str], file: TextIO, *, headed: bool) -> None:
    """Write lines to a terminal, those of a table with heads after a bold one."""
    if headed:
        from rich.console import Console
        from rich.text import Text

        console = Console(file=file, highlight=False, force_terminal=True, soft_wrap=True)
        console.print(Text(lines.pop(0), "bold"))
    file.write("".join(f"{line}\n" for line in lines))
