"""Files and folders that are not complete yet: a signal removes them before it ends the process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from bpcli.ending.handling import Handling, Reaction, can_handle, handled
from bpcli.ending.signals import default_actions, end_by

_undoing: dict[object, Reaction] = {}
"""What must be undone before the process ends."""

_ending = threading.Lock()
"""Held by the thread that ends the process."""

_standing = [True]
"""Not empty while handlers stand, or where the process is not bp's own, which :func:`own_process` says."""


@contextmanager
def own_process() -> Iterator[None]:
    """Within, signals end the process as this room says; used as a library, bp leaves them alone."""
    with default_actions():
        _standing.pop()
        try:
            yield
        finally:
            _standing.append(True)


@contextmanager
def unfinished(path: Path) -> Iterator[None]:
    """Remove the file or the folder ``path`` if a signal ends the process within; enter it before ``path`` is made.

    What has been renamed is no longer there, and is kept.
    """
    with undone_by_signals(lambda _: _remove(path)):
        yield


@contextmanager
def undone_by_signals(undo: Reaction) -> Iterator[None]:
    """Call ``undo`` with the signal if one ends the process within, maybe in another thread than the main one."""
    key = object()
    with _handlers_standing():
        _undoing[key] = undo
        try:
            yield
        finally:
            del _undoing[key]


def undo_and_end(number: signal.Signals) -> NoReturn:
    """Remove what is unfinished, and end by the signal."""
    let_one_thread_end()
    undo_all_and_end(number)


def undo_all_and_end(number: signal.Signals) -> NoReturn:
    """The same in the thread that :func:`let_one_thread_end` has let pass."""
    try:
        for undo in reversed(list(_undoing.values())):
            with suppress(OSError):
                undo(number)
    finally:
        end_by(number)


def let_one_thread_end() -> None:
    """Return to the first thread that calls it; any other waits for the end of the process."""
    if not _ending.acquire(blocking=False):
        threading.Event().wait()


@contextmanager
def standing(handling: Handling) -> Iterator[None]:
    """Handle signals in this way within, and in no other."""
    _standing.append(True)
    try:
        with handled(handling):
            yield
    finally:
        _standing.pop()


@contextmanager
def _handlers_standing() -> Iterator[None]:
    """Handle signals, unless they are handled already, or are not bp's to handle."""
    if _standing or not can_handle():
        yield
        return
    with standing(Handling(undo_and_end, undo_and_end)):
        yield


def _remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    for inner in os.scandir(path):
        _remove(Path(inner.path))
    path.rmdir()
