"""The bar of long work that is no training, on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bpcli.display.cursor import show_cursor
from bpcli.ending.unfinished import undone_by_signals


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
    with undone_by_signals(show_cursor), bar:
        yield lambda pieces: bar.advance(task, pieces)
