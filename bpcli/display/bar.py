"""A bar on one line of a terminal of any width, which may change meanwhile.

What there is no room for is left out, the least important first; what is shown is never cut.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bpcli.display.cursor import show_cursor
from bpcli.ending.unfinished import undone_by_signals
from bpcli.lines.cells import cells
from bpcli.lines.widths import PAGE, WIDEST, terminal_height, terminal_width

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live
    from rich.progress import Progress, ProgressColumn, TimeRemainingColumn
    from rich.table import Column

ECHO = 3
"""Characters kept free at the right end of the bar, where a terminal echoes ^C."""

DRAWN = {"bar": 10, "share": len("100%"), "left": len("00:00")}
"""The pieces that are no text, the bar, the share that is done and the time that is left: their least widths."""


@dataclass(frozen=True)
class Pieces:
    """What a bar consists of, by importance and as it stands in the line; ``instead`` of one piece another can stand.

    ``usual`` has the width that each text usually gets.
    """

    by_importance: Sequence[str]
    in_order: Sequence[str]
    usual: Mapping[str, int]
    instead: Mapping[str, str] = field(default_factory=dict)


def pieces_for(width: int, pieces: Pieces, widths: Mapping[str, int]) -> list[str]:
    """The pieces that fit a width, each with a space before the next, in the order in which they stand."""
    taken: list[str] = []
    for piece in pieces.by_importance:
        fits = sum(widths[one] + 1 for one in taken) + widths[piece] <= width
        if fits and pieces.instead.get(piece) not in taken:
            taken.append(piece)
    return [piece for piece in pieces.in_order if piece in taken]


def room_below() -> tuple[int, int]:
    """How many characters and lines there are under the bar, up to the size of a page."""
    width = min(terminal_width(sys.stderr) or PAGE, WIDEST) - ECHO
    return width, terminal_height(sys.stderr) - 3


def bar_on_terminal(total: int, pieces: Pieces, texts: Mapping[str, str], *, transient: bool = False) -> Bar | None:
    """A bar on standard error, or None: off a terminal, and on one that cannot move its cursor."""
    if not sys.stderr.isatty():
        return None
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True, highlight=False)
    if console.is_dumb_terminal:
        return None
    progress = Progress(console=console, auto_refresh=False, expand=True)
    progress.add_task("", total=total, texts={**dict.fromkeys(pieces.usual, ""), **texts})
    return Bar(progress, pieces, transient=transient)


class Bar:
    """A bar with its ``pieces``, drawn until it is closed; its pieces keep their places as long as they can.

    A terminal that is gone is ignored: a run must still be saved.
    """

    def __init__(self, progress: Progress, pieces: Pieces, *, transient: bool) -> None:
        self._progress, self._pieces, self._below = progress, pieces, ""
        self._live = _live(progress, self._whole, transient=transient)
        self._widths = {**DRAWN, **pieces.usual}
        self._shown = ExitStack()
        self._shown.enter_context(undone_by_signals(lambda _: show_cursor()))
        self._lay_out()
        with suppress(OSError):
            self._live.start(refresh=True)

    def draw(self, done: int, texts: Mapping[str, str], below: str = "") -> None:
        """Draw the bar after so much is ``done``, with what its pieces say and with the lines ``below`` under it."""
        self._below = below
        with suppress(OSError):
            self._progress.update(self._progress.task_ids[0], completed=done, texts=texts)
            self._lay_out()
            self._live.refresh()

    def close(self) -> None:
        """End the bar and restore the cursor."""
        with suppress(OSError):
            self._lay_out()
            self._live.refresh()
            self._live.stop()
        self._shown.close()

    def _whole(self) -> RenderableType:
        """The bar, and what stands under it."""
        from rich.console import Group
        from rich.text import Text

        return Group(self._progress, Text(self._below, no_wrap=True)) if self._below else self._progress

    def _lay_out(self) -> None:
        """Choose the pieces for the width that the terminal has now, and for what they say."""
        task = self._progress.tasks[0]
        for piece, text in task.fields["texts"].items():
            self._widths[piece] = max(self._widths[piece], cells(text))
        self._widths["left"] = max(self._widths["left"], _time_left().render(task).cell_len)
        width = max((terminal_width(sys.stderr) or PAGE) - ECHO, 1)
        self._progress.console.width = width
        chosen = pieces_for(width, self._pieces, self._widths)
        self._progress.columns = tuple(_column(piece, self._widths[piece]) for piece in chosen)


def _column(piece: str, width: int) -> ProgressColumn:
    """The column of a piece, which is at least so wide."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.table import Column

    if piece == "bar":
        return BarColumn(bar_width=None)
    if piece == "share":
        return TaskProgressColumn()
    column = Column(no_wrap=True, min_width=width)
    if piece == "left":
        return _time_left(column)
    return TextColumn(f"{{task.fields[texts][{piece}]}}", table_column=column, markup=False)


def _time_left(column: Column | None = None) -> TimeRemainingColumn:
    from rich.progress import TimeRemainingColumn

    return TimeRemainingColumn(compact=True, table_column=column)


def _live(progress: Progress, whole: Callable[[], RenderableType], *, transient: bool) -> Live:
    from rich.live import Live

    return Live(console=progress.console, auto_refresh=False, get_renderable=whole, transient=transient)
