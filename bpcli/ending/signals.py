"""Which signals end bp, and how it ends by one."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

ENDING = (
    "SIGINT",
    "SIGTERM",
    "SIGHUP",
    "SIGQUIT",
    "SIGPIPE",
    "SIGXCPU",
    "SIGUSR1",
    "SIGUSR2",
    "SIGALRM",
    "SIGVTALRM",
    "SIGPROF",
)
"""The signals that end a process and that it may handle; not every system has all of them."""


Action = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None
"""What the standard library gives and takes as the action of a signal."""


def take_default_actions() -> None:
    """Let SIGINT and SIGPIPE end the process as they end other programs, where Python would raise an exception.

    A process that was started to ignore SIGINT goes on to ignore it.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)


@contextmanager
def default_actions() -> Iterator[None]:
    """The actions of :func:`take_default_actions` within; those of before afterwards."""
    before = {number: signal.getsignal(number) for name in ENDING if (number := getattr(signal, name, None))}
    take_default_actions()
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


@contextmanager
def kept_actions() -> Iterator[None]:
    """Keep the actions of these signals while libraries are loaded, of which one may take a signal for itself."""
    before = actions()
    try:
        yield
    finally:
        for number, action in before.items():
            if action is not None:  # what something else than Python has set stays
                signal.signal(number, action)


def actions() -> dict[signal.Signals, Action]:
    """What this process does at each of the signals that end one."""
    known = [signal.Signals[name] for name in ENDING if hasattr(signal, name)]
    return {number: signal.getsignal(number) for number in known}


def end_by(number: signal.Signals) -> NoReturn:
    """End the process by the default action of a signal, so that its parent sees which one it was; in any thread.

    The signal is sent to this thread, which takes it before it goes on; one sent to the process may wait for another
    thread to run.
    """
    _restore_default_action(number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
    signal.pthread_kill(threading.get_ident(), number)
    os._exit(128 + number)  # where the system takes no default action, as for the first process of a container


def _restore_default_action(number: signal.Signals) -> None:
    """Let the system handle a signal; Python's own function does so in the main thread only."""
    try:
        signal.signal(number, signal.SIG_DFL)
    except ValueError:
        import ctypes

        ctypes.pythonapi.PyOS_setsig(int(number), None)
