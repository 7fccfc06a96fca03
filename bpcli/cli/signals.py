"""Signals that end a command: bp saves or cleans up first, and then ends by the same signal."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

STOPPING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE")
"""The signals at which a run is saved; not every system has all of them."""

CLEANED_UP_AFTER = ("SIGTERM", "SIGHUP")
"""The signals that end a process without cleanup; SIGINT raises an exception in Python by itself."""


class StoppedBySignal(BaseException):
    """A signal arrived. No ``except Exception`` stops it on its way out."""


def end_by(number: signal.Signals) -> NoReturn:
    """End the process by the default action of a signal, so that its parent sees which signal it was."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    raise AssertionError("the default action of the signal does not end the process")


def end_silently_at_closed_pipes() -> None:
    """Let SIGPIPE end the process, as other commands do, where Python would raise an error."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)


@contextmanager
def collected_signals() -> Iterator[list[signal.Signals]]:
    """Collect the first signal to stop instead of ending by it; a second one takes its default action at once."""
    collected: list[signal.Signals] = []

    def collect(number: int, _frame: object) -> None:
        collected.append(signal.Signals(number))
        for other in _not_ignored(STOPPING):
            signal.signal(other, signal.SIG_DFL)

    with _handled_by(collect, STOPPING):
        yield collected


@contextmanager
def cleanup_at_signals() -> Iterator[None]:
    """Raise :class:`StoppedBySignal` at a signal, so that cleanup runs, and end by that signal afterwards."""
    collected: list[signal.Signals] = []

    def stop(number: int, _frame: object) -> None:
        collected.append(signal.Signals(number))
        raise StoppedBySignal

    with _handled_by(stop, CLEANED_UP_AFTER):
        try:
            yield
        except StoppedBySignal:
            end_by(collected[0])


@contextmanager
def _handled_by(handler: Callable[[int, object], None], names: tuple[str, ...]) -> Iterator[None]:
    """Let ``handler`` handle those of the signals that are not ignored; restore their handlers afterwards."""
    previous = {number: signal.getsignal(number) for number in _not_ignored(names)}
    for number in previous:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, action in previous.items():
            signal.signal(number, action)


def _not_ignored(names: tuple[str, ...]) -> list[signal.Signals]:
    """The signals that this system has and that the process was not started to ignore."""
    known = [signal.Signals[name] for name in names if hasattr(signal, name)]
    return [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]
