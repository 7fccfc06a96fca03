"""Long work that is no training: a bar where its length is known, a line that grows where it is not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from bpcli.display.bar import Pieces, bar_on_terminal
from bpcli.display.messages import say
from bpcli.lines.cells import cells

BY_IMPORTANCE = ("share", "label", "left", "bar")
IN_ORDER = ("label", "bar", "share", "left")

GROWN = 0.5
"""Seconds after which a line grows."""

MOST_DOTS = 20
"""How far it grows."""


@contextmanager
def growing(line: str) -> Iterator[None]:
    """Say what takes long; on a terminal dots follow, one after another, until it is done."""
    if not sys.stderr.isatty():
        say(line)
        yield
        return
    done = Event()
    say(line, end=" ")
    grower = Thread(target=_grow, args=(done,), daemon=True)
    with suppress(RuntimeError):  # the system starts no thread: the line stays as it is
        grower.start()
    try:
        yield
    finally:
        done.set()
        if grower.ident is not None:
            grower.join()
        say("")


def _grow(done: Event) -> None:
    for _ in range(MOST_DOTS):
        if done.wait(GROWN):
            return
        with suppress(OSError):
            print(".", end="", file=sys.stderr, flush=True)


@contextmanager
def progress_bar(total: int, label: str, *, long: bool) -> Iterator[Callable[[int], None]]:
    """Show a bar for ``long`` work of ``total`` pieces, on a terminal only; yields a function that advances it."""
    texts = {"label": label}
    pieces = Pieces(BY_IMPORTANCE, IN_ORDER, {"label": cells(label)})
    bar = bar_on_terminal(total, pieces, texts, transient=True) if long else None
    if bar is None:
        yield lambda pieces: None
        return
    done = [0]

    def advance(pieces: int) -> None:
        done[0] += pieces
        bar.draw(done[0], texts)

    try:
        yield advance
    finally:
        bar.close()
