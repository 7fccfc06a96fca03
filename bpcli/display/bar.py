"""The bar of a training on one line of a terminal of any width, which may change meanwhile.

What there is no room for is left out, the least important first; what is shown is never cut.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from bpcli.display.cursor import show_cursor
from bpcli.ending.unfinished import undone_by_signals
from bpcli.lines.cells import cells
from bpcli.lines.widths import PAGE, WIDEST, terminal_height, terminal_width

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live
    from rich.progress import Progress, ProgressColumn

ECHO = 3
"""Characters kept free at the right end of the bar, where a terminal echoes ^C."""

BY_IMPORTANCE = ("epoch", "count", "loss", "left", "share", "bar", "metric", "kept", "speed")
IN_ORDER = ("epoch", "count", "bar", "share", "loss", "metric", "kept", "speed", "left")
"""How the pieces stand in the line; the count is that of the epochs, without the word."""

LEAST_BAR = 10
NUMBER = 6
"""The usual length of a number with four digits, such as 0.1234."""


def training_bar(epochs: int, examples: int, metric: str) -> TrainingBar | None:
    """The bar of a training, or None: off a terminal, and on one that cannot move its cursor."""
    if not sys.stderr.isatty():
        return None
    from rich.console import Console

    if Console(stderr=True).is_dumb_terminal:
        return None
    usual = {
        "epoch": len(f"epoch {epochs}/{epochs}"),
        "count": len(f"{epochs}/{epochs}"),
        "bar": LEAST_BAR,
        "share": len("100%"),
        "loss": len("loss ") + NUMBER,
        "metric": cells(f"{metric} ") + NUMBER,
        "kept": len(f"kept {epochs}"),
        "speed": len("1,000,000 examples/s"),
        "left": len("00:00"),
    }
    return TrainingBar(epochs * examples, f"0/{epochs}", usual)


def pieces_for(width: int, widths: Mapping[str, int]) -> list[str]:
    """The pieces that fit a width, each with a space before the next, in the order in which they stand."""
    taken: list[str] = []
    for piece in BY_IMPORTANCE:
        fits = sum(widths[one] + 1 for one in taken) + widths[piece] <= width
        if fits and not (piece == "count" and "epoch" in taken):
            taken.append(piece)
    return [piece for piece in IN_ORDER if piece in taken]


def room_below() -> tuple[int, int]:
    """How many characters and lines there are under the bar, up to the size of a page."""
    width = min(terminal_width(sys.stderr) or PAGE, WIDEST) - ECHO
    return width, terminal_height(sys.stderr) - 3


class TrainingBar:
    """A bar on standard error, over ``total`` examples; ``usual`` has the width that each piece usually gets.

    A terminal that is gone is ignored: the run must still be saved.
    """

    def __init__(self, total: int, count: str, usual: Mapping[str, int]) -> None:
        self._widths = dict(usual)
        self._shown = ExitStack()
        self._progress = _progress(total, {**dict.fromkeys(usual, ""), **_epoch(count)})
        self._below = ""
        self._live = _live(self._progress, self._whole)
        self._shown.enter_context(undone_by_signals(show_cursor))
        self._lay_out()
        with suppress(OSError):
            self._live.start(refresh=True)

    def draw(self, seen: int, count: str, below: str = "", **pieces: str) -> None:
        """Draw the bar after ``seen`` examples and a ``count`` of epochs, with what its other pieces say.

        ``below`` are lines that stand under it.
        """
        self._below = below
        texts = {**_epoch(count), **pieces}
        for piece, text in texts.items():
            self._widths[piece] = max(self._widths[piece], cells(text))
        self._lay_out()
        with suppress(OSError):
            self._progress.update(self._progress.task_ids[0], completed=seen, texts=texts)
            self._live.refresh()

    def close(self) -> None:
        """End the bar and restore the cursor."""
        self._lay_out()
        with suppress(OSError):
            self._live.refresh()
            self._live.stop()
        self._shown.close()

    def _whole(self) -> RenderableType:
        """The bar, and what stands under it."""
        from rich.console import Group
        from rich.text import Text

        return Group(self._progress, Text(self._below, no_wrap=True)) if self._below else self._progress

    def _lay_out(self) -> None:
        """Choose the pieces for the width that the terminal has now."""
        width = max((terminal_width(sys.stderr) or PAGE) - ECHO, 1)
        self._progress.console.width = width
        self._progress.columns = tuple(map(self._column, pieces_for(width, self._widths)))

    def _column(self, piece: str) -> ProgressColumn:
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
        from rich.table import Column

        column = Column(no_wrap=True, min_width=self._widths[piece])
        if piece == "bar":
            return BarColumn(bar_width=None)
        if piece == "share":
            return TaskProgressColumn()
        if piece == "left":
            return TimeRemainingColumn(compact=True, table_column=column)
        return TextColumn(f"{{task.fields[texts][{piece}]}}", table_column=column, markup=False)


def _epoch(count: str) -> dict[str, str]:
    return {"epoch": f"epoch {count}", "count": count}


def _live(progress: Progress, whole: Callable[[], RenderableType]) -> Live:
    from rich.live import Live

    return Live(console=progress.console, auto_refresh=False, get_renderable=whole, redirect_stdout=True)


def _progress(total: int, texts: Mapping[str, str]) -> Progress:
    from rich.console import Console
    from rich.progress import Progress

    progress = Progress(console=Console(stderr=True, highlight=False), auto_refresh=False, expand=True)
    progress.add_task("", total=total, texts=texts)
    return progress
