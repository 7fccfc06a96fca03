"""The bar of long work that is no training, on a terminal only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bpcli.display.bar import Pieces, bar_on_terminal
from bpcli.lines.cells import cells

BY_IMPORTANCE = ("share", "label", "left", "bar")
IN_ORDER = ("label", "bar", "share", "left")


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
