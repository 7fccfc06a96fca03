"""Messages, tables and progress for people; the only importer of rich.

Progress is a moving bar on a terminal and plain lines elsewhere, which do not load rich. Text from files
is shown as it is, never interpreted as markup or control characters.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any, TextIO

from bpcli.ending.unfinished import undone_by_signals
from bpcli.errors import fitted, printable
from bpcli.training.loop import Epoch, Stopped, TrainingEvent

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

REFRESH_SECONDS = 0.1
"""The least time between two redrawings of the bar."""

WIDTH_OFF_TERMINAL = 10_000
"""The line width of a table that is not written to a terminal: nothing in it is cut or wrapped."""

GAP = 2
"""Spaces between the columns of a table."""


def short_number(value: float | None) -> str:
    """A number with four significant digits; an empty text for None."""
    return "" if value is None else f"{value:.4g}"


def say(line: str) -> None:
    """Print a line on standard error; if that fails, go on, because the line is not a result."""
    with suppress(OSError):
        print(fitted(printable(line), sys.stderr), file=sys.stderr, flush=True)


def say_without_waiting(lines: Sequence[str]) -> None:
    """Print lines from another thread than the main one, which may be at a stream that nobody reads: then say nothing.

    On a terminal they replace the bar.
    """
    text = "".join(f"{printable(line)}\n" for line in lines)
    with suppress(OSError, ValueError):
        descriptor = sys.stderr.fileno()
        if select.select([], [descriptor], [], 0)[1]:
            os.write(descriptor, (CLEARED * sys.stderr.isatty() + text).encode())


def _show_cursor() -> None:
    """Remove the bar's line and show the cursor, which a bar hides; from any thread."""
    with suppress(ValueError):
        os.write(sys.stderr.fileno(), f"{CLEARED}\x1b[?25h".encode())


def warning(text: str) -> str:
    """The line that warns of something."""
    return f"warning: {text}"


def warn(lines: Sequence[str]) -> None:
    """Print warnings on standard error, one line each."""
    for line in lines:
        say(warning(line))


def line_width(file: TextIO) -> int:
    """How many characters fit in a line: the width of the terminal; elsewhere ``WIDTH_OFF_TERMINAL``."""
    return _console(file).width


def _console(file: TextIO) -> Console:
    from rich.console import Console

    terminal = file.isatty()
    return Console(file=file, highlight=False, force_terminal=terminal, width=None if terminal else WIDTH_OFF_TERMINAL)


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    file: TextIO,
    title: str = "",
    text: Sequence[int] = (0,),
    order: Sequence[int] = (),
) -> int:
    """Print a table; the columns with the indices ``text`` are left-aligned, the others right-aligned numbers.

    ``order`` lists the columns from the most to the least important. On a terminal that is
    too narrow the least important ones are left out; returns how many.
    """
    from rich.table import Table
    from rich.text import Text

    console = _console(file)
    if title:
        console.print(Text(printable(title)))
    cells = [[printable(_cell_text(cell)) for cell in row] for row in rows]
    widths = _widths(columns, cells)
    shown = list(order or range(len(columns)))
    while len(shown) > 1 and order and sum(widths[k] + GAP for k in shown) - GAP > console.width:
        shown.pop()
    drawn = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    for k in sorted(shown):
        justify: Any = "left" if k in text else "right"
        drawn.add_column(Text(printable(columns[k])), justify=justify, overflow="fold")
    for row in cells:
        drawn.add_row(*(Text(row[k]) for k in sorted(shown)))
    with console.capture() as lines:
        console.print(drawn)
    file.write("".join(f"{line.rstrip()}\n" for line in lines.get().splitlines()))
    return len(columns) - len(shown)


def table_width(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
    """How many characters wide :func:`print_table` would print these columns."""
    cells = [[printable(_cell_text(cell)) for cell in row] for row in rows]
    return sum(width + GAP for width in _widths(columns, cells)) - GAP


def _widths(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> list[int]:
    """The width of each column of a table."""
    from rich.cells import cell_len

    return [max(map(cell_len, (name, *(row[k] for row in cells)))) for k, name in enumerate(columns)]


def _cell_text(value: Any) -> str:
    return short_number(value) if isinstance(value, float) or value is None else str(value)


CLEARED = "\r\x1b[2K"
"""What erases the line of a terminal."""

ECHO = 3
"""Characters kept free at the right end of the bar, where a terminal echoes ^C."""

WIDE, MEDIUM = 95, 70
"""The line widths from which the bar shows everything, or everything but the speed and the bar itself."""


def _bar_columns(width: int) -> list[ProgressColumn]:
    """What the bar shows: less on a narrow terminal, but always the epoch, the loss and the remaining time."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.table import Column

    def text_column(template: str) -> TextColumn:
        return TextColumn(template, table_column=Column(no_wrap=True))

    epoch = text_column("epoch {task.fields[epoch]}")
    left = TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True, min_width=5))
    if width < MEDIUM:
        return [epoch, text_column("{task.fields[loss]}"), left]
    speed = text_column("{task.fields[rate]} examples/s")
    if width < WIDE:
        return [epoch, TaskProgressColumn(), text_column("{task.fields[values]}"), left]
    return [epoch, BarColumn(bar_width=None), TaskProgressColumn(), text_column("{task.fields[values]}"), speed, left]


class TrainingDisplay:
    """Shows the progress of training: a bar on a terminal, else a line at epochs 1, 2, 4, 8, … and the last.

    ``examples`` is the number of training examples, ``shown_metric`` the metric that the bar shows beside the loss,
    ``seen`` how many examples a resumed training has seen before.
    """

    def __init__(self, epochs: int, examples: int, shown_metric: str, *, quiet: bool, seen: int = 0) -> None:
        self._seen_before = seen
        self._epochs, self._examples, self._shown_metric = epochs, examples, shown_metric
        self._quiet = quiet
        self._started_at, self._drawn_at = perf_counter(), 0.0
        self._metric_text = self._kept_text = ""
        self._unprinted: Epoch | None = None
        self._bar = None if quiet or not sys.stderr.isatty() else _training_bar(epochs, epochs * examples)
        self._shown = ExitStack()
        if self._bar is not None:
            self._shown.enter_context(undone_by_signals(_show_cursor))
            with suppress(OSError):
                self._bar.start()

    def show(self, event: TrainingEvent) -> None:
        """Show one event of training."""
        if isinstance(event, Stopped):
            self._show_end(event)
        elif isinstance(event, Epoch):
            if self._shown_metric in event.values:
                self._metric_text = f"{self._shown_metric} {short_number(event.values[self._shown_metric])}"
            self._kept_text = f"kept {event.kept}" if 0 < event.kept < event.epoch else ""
            seen, is_last = event.epoch * self._examples, event.epoch == self._epochs
            self._draw_bar(event.epoch, seen, event.values["loss"], is_last=is_last)
            self._print_line(event, is_last=is_last)
        else:
            seen = (event.epoch - 1) * self._examples + event.examples
            self._draw_bar(event.epoch, seen, event.loss, is_last=False)

    def _show_end(self, event: Stopped) -> None:
        """Show the last epoch, if it has not been shown, and why training ended there."""
        self.close()
        if self._unprinted is not None:
            self._print_line(self._unprinted, is_last=True)
        if not self._quiet:
            say(event.reason)

    def close(self) -> None:
        """End the bar and restore the cursor. A terminal that is gone is ignored: the run must still be saved."""
        if self._bar is not None:
            with suppress(OSError):
                self._bar.refresh()
                self._bar.stop()
        self._shown.close()

    def _draw_bar(self, epoch: int, seen: int, loss: float, *, is_last: bool) -> None:
        """Redraw the bar after ``seen`` examples of all epochs, unless it has just been drawn."""
        now = perf_counter()
        if self._bar is None or (now - self._drawn_at < REFRESH_SECONDS and not is_last):
            return
        self._drawn_at = now
        loss_text = f"loss {short_number(loss)}"
        with suppress(OSError):
            self._bar.update(
                self._bar.task_ids[0],
                completed=seen,
                epoch=f"{epoch}/{self._epochs}",
                values="  ".join(filter(None, [loss_text, self._metric_text, self._kept_text])),
                loss=loss_text,
                rate=f"{(seen - self._seen_before) / max(now - self._started_at, 1e-9):,.0f}",
                refresh=True,
            )

    def _print_line(self, event: Epoch, *, is_last: bool) -> None:
        if self._quiet or self._bar is not None:
            return
        if event.epoch & (event.epoch - 1) == 0 or is_last:
            values = "  ".join(f"{name} {short_number(value)}" for name, value in event.values.items())
            say("  ".join(filter(None, [f"epoch {event.epoch}/{self._epochs}", values, self._kept_text])))
            self._unprinted = None
        else:
            self._unprinted = event


def _training_bar(epochs: int, total: int) -> Progress | None:
    """The bar of a training over ``total`` examples in all; None on a terminal that cannot move its cursor."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True, highlight=False)
    if console.is_dumb_terminal:
        return None
    console.width = max(console.width - ECHO, 1)
    bar = Progress(*_bar_columns(console.width), console=console, auto_refresh=False, expand=True)
    bar.add_task("", total=total, epoch=f"0/{epochs}", values="", loss="", rate="–")
    return bar


@contextmanager
def progress_bar(total: int, label: str, *, long: bool) -> Iterator[Callable[[int], None]]:
    """Show a bar for ``long`` work of ``total`` pieces, on a terminal only; yields a function that advances it."""
    if not long or not sys.stderr.isatty():
        yield lambda pieces: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn(label),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True, highlight=False),
        transient=True,
        expand=True,
    )
    task = bar.add_task("", total=total)
    with undone_by_signals(_show_cursor), bar:
        yield lambda pieces: bar.advance(task, pieces)
