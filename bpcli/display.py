"""What a person sees, on standard error or as tables; the only importer of rich.

On a terminal a bar that moves; elsewhere plain lines. Names from files are shown
as text, never interpreted as markup or control characters.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from bpcli.errors import printable
from bpcli.training import Epoch, Stretch

REFRESH_SECONDS = 0.1
"""The least time between two pictures of the bar."""

UNLIMITED = 10_000
"""The width of a table that goes to no terminal, so that nothing in it is cut or wrapped."""


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


def table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], file: TextIO, title: str = "", text: Sequence[int] = (0,)
) -> None:
    """A table; the columns numbered in ``text`` are left-aligned, the others are figures."""
    terminal = file.isatty()
    console = Console(file=file, highlight=False, force_terminal=terminal, width=None if terminal else UNLIMITED)
    if title:
        console.print(Text(printable(title)))
    picture = Table(box=None, pad_edge=False)
    for number, name in enumerate(columns):
        justify: Any = "left" if number in text else "right"
        picture.add_column(Text(printable(name)), justify=justify, overflow="fold")
    for row in rows:
        cells = [figure(cell) if isinstance(cell, float) or cell is None else str(cell) for cell in row]
        picture.add_row(*(Text(printable(cell)) for cell in cells))
    console.print(picture)


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
            self.bar = Progress(
                TextColumn("epoch {task.fields[epoch]}"),
                BarColumn(bar_width=None),
                TaskProgressColumn(),
                TextColumn("{task.fields[figures]}"),
                TextColumn("{task.fields[rate]} examples/s"),
                TimeRemainingColumn(compact=True),
                console=Console(stderr=True, highlight=False),
                auto_refresh=False,
                expand=True,
            )
            self.task = self.bar.add_task("", total=epochs * examples, epoch=f"0/{epochs}", figures="", rate="–")
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
                self.task, completed=seen, epoch=f"{epoch}/{self.epochs}", figures=figures, rate=rate, refresh=True
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
