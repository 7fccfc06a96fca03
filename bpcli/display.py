"""What a person sees, on standard error or as tables; the only importer of rich.

On a terminal a bar that moves; elsewhere plain lines, for which rich is not loaded. Names from files are shown
as text, never interpreted as markup or control characters.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any, TextIO

from bpcli.errors import printable
from bpcli.training.loop import Epoch, Stretch

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

REFRESH_SECONDS = 0.1
"""The least time between two pictures of the bar."""

UNLIMITED = 10_000
"""The width of a table that goes to no terminal, so that nothing in it is cut or wrapped."""

GAP = 2
"""Blanks between the columns of a table."""


def figure(value: float | None) -> str:
    """A number as people read it: four significant digits."""
    return "" if value is None else f"{value:.4g}"


def say(line: str) -> None:
    """A plain line on standard error. What it tells is no result, so a stream that refuses it stops nothing."""
    with suppress(OSError):
        print(printable(line), file=sys.stderr, flush=True)


def warn(lines: Sequence[str]) -> None:
    """Warnings, a line each."""
    for line in lines:
        say(f"warning: {line}")


def width(file: TextIO) -> int:
    """How many characters fit into a line: those of the terminal, and elsewhere any number."""
    return _console(file).width


def _console(file: TextIO) -> Console:
    from rich.console import Console

    terminal = file.isatty()
    return Console(file=file, highlight=False, force_terminal=terminal, width=None if terminal else UNLIMITED)


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    file: TextIO,
    title: str = "",
    text: Sequence[int] = (0,),
    order: Sequence[int] = (),
) -> int:
    """A table; the columns numbered in ``text`` are left-aligned, the others are figures.

    Where a terminal is too narrow, columns are left out from the end of ``order``, which
    names them by importance; returns how many.
    """
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    console = _console(file)
    if title:
        console.print(Text(printable(title)))
    cells = [[printable(_cell(cell)) for cell in row] for row in rows]
    widths = [max(map(cell_len, (name, *(row[k] for row in cells)))) for k, name in enumerate(columns)]
    shown = list(order or range(len(columns)))
    while len(shown) > 1 and order and sum(widths[k] + GAP for k in shown) - GAP > console.width:
        shown.pop()
    picture = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    for k in sorted(shown):
        justify: Any = "left" if k in text else "right"
        picture.add_column(Text(printable(columns[k])), justify=justify, overflow="fold")
    for row in cells:
        picture.add_row(*(Text(row[k]) for k in sorted(shown)))
    console.print(picture)
    return len(columns) - len(shown)


def _cell(value: Any) -> str:
    return figure(value) if isinstance(value, float) or value is None else str(value)


ECHO = 3
"""Columns left free at the right, where a terminal echoes ^C."""

WIDE, MEDIUM = 95, 70
"""From so many columns on there is room for everything, or for all but the speed and the bar."""


def _bar_columns(width: int) -> list[ProgressColumn]:
    """What the bar shows: less on a narrow terminal, but always the epoch, the loss and the time left."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.table import Column

    def words(template: str) -> TextColumn:
        return TextColumn(template, table_column=Column(no_wrap=True))

    epoch = words("epoch {task.fields[epoch]}")
    left = TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True, min_width=5))
    if width < MEDIUM:
        return [epoch, words("{task.fields[loss]}"), left]
    speed = words("{task.fields[rate]} examples/s")
    if width < WIDE:
        return [epoch, TaskProgressColumn(), words("{task.fields[figures]}"), left]
    return [epoch, BarColumn(bar_width=None), TaskProgressColumn(), words("{task.fields[figures]}"), speed, left]


class TrainingDisplay:
    """Shows training as it goes: a bar on a terminal, else a line at epochs 1, 2, 4, 8, … and the last."""

    def __init__(self, epochs: int, examples: int, shown_metric: str, *, quiet: bool) -> None:
        self.epochs, self.examples, self.shown_metric = epochs, examples, shown_metric
        self.quiet = quiet
        self.bar: Progress | None = None
        self.began = perf_counter()
        self.pictured = 0.0
        self.measured = ""
        if not quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress

            console = Console(stderr=True, highlight=False)
            if console.is_dumb_terminal:
                return
            console.width = max(console.width - ECHO, 1)
            self.bar = Progress(*_bar_columns(console.width), console=console, auto_refresh=False, expand=True)
            self.task = self.bar.add_task(
                "", total=epochs * examples, epoch=f"0/{epochs}", figures="", loss="", rate="–"
            )
            with suppress(OSError):
                self.bar.start()

    def show(self, event: Stretch | Epoch) -> None:
        """Take in one event of training."""
        if isinstance(event, Epoch):
            self.measured = self._figures(event.values)
            self._picture(event.epoch, event.epoch * self.examples, self.measured, last=event.epoch == self.epochs)
            self._line(event)
        else:
            measured = f"loss {figure(event.loss)}" + self.measured[self.measured.find("  ") :] * bool(self.measured)
            self._picture(event.epoch, (event.epoch - 1) * self.examples + event.examples, measured, last=False)

    def close(self) -> None:
        """Leave the terminal as it was; it may be gone, which must not keep a run from being saved."""
        if self.bar is not None:
            with suppress(OSError):
                self.bar.refresh()
                self.bar.stop()

    def _figures(self, values: dict[str, float]) -> str:
        names = ["loss", self.shown_metric] if self.shown_metric in values else ["loss"]
        return "  ".join(f"{name} {figure(values[name])}" for name in names)

    def _picture(self, epoch: int, seen: int, figures: str, *, last: bool) -> None:
        now = perf_counter()
        if self.bar is None or (now - self.pictured < REFRESH_SECONDS and not last):
            return
        self.pictured = now
        rate = f"{seen / max(now - self.began, 1e-9):,.0f}"
        with suppress(OSError):
            self.bar.update(
                self.task,
                completed=seen,
                epoch=f"{epoch}/{self.epochs}",
                figures=figures,
                loss=figures.partition("  ")[0],
                rate=rate,
                refresh=True,
            )

    def _line(self, event: Epoch) -> None:
        if self.quiet or self.bar is not None:
            return
        if event.epoch & (event.epoch - 1) == 0 or event.epoch == self.epochs:
            say(f"epoch {event.epoch}/{self.epochs}  " + "  ".join(f"{k} {figure(v)}" for k, v in event.values.items()))


@contextmanager
def counted(total: int, what: str, *, long: bool) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal for work of ``total`` pieces, where it is ``long``; yields what advances it."""
    if not long or not sys.stderr.isatty():
        yield lambda pieces: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn(what),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True, highlight=False),
        transient=True,
        expand=True,
    )
    task = bar.add_task("", total=total)
    with bar:
        yield lambda pieces: bar.advance(task, pieces)
