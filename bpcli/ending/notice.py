"""Long work that a signal ends early: it takes notice, saves and stops; or else is saved from another thread."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bpcli.ending.handling import Handling, Reaction
from bpcli.ending.unfinished import let_one_thread_end, standing, undo_all_and_end, undo_and_end

GRACE = 0.5
"""Seconds that the work has to end by itself."""


class Notice:
    """The signal that came, None while there is none; ``rescue`` saves the work from another thread while it is busy.

    Where the work has not ended within :data:`GRACE` seconds, ``rescue`` is called if there is one; then the process
    ends.
    """

    def __init__(self) -> None:
        self.heard: signal.Signals | None = None
        self.rescue: Reaction | None = None
        self._over = threading.Event()

    def take(self, number: signal.Signals) -> None:
        """Let the work see the signal."""
        self.heard = number

    def watch(self, number: signal.Signals) -> None:
        """End the process by the signal if the work does not."""
        if self._over.wait(GRACE):
            return
        let_one_thread_end()
        try:
            if self.rescue is not None:
                self.rescue(number)
        finally:
            undo_all_and_end(number)

    def close(self) -> None:
        """The work is over."""
        self._over.set()


@contextmanager
def noticed() -> Iterator[Notice]:
    """Within, a signal is noticed instead of obeyed; afterwards it is obeyed, unless the work failed."""
    notice = Notice()
    with standing(Handling(notice.take, notice.watch)):
        try:
            yield notice
        finally:
            notice.close()
    if notice.heard is not None:
        undo_and_end(notice.heard)
