"""Signals heard while there is something to do before the process ends by them.

Python runs a handler between two instructions of the main thread, so one that comes during a long call, such as a
product of large matrices, would wait for its end. A second thread hears it at once: the handler of the C level writes
the signal's number to a pipe, which that thread reads.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from bpcli.ending.signals import Action, actions

Reaction = Callable[[signal.Signals], None]

OVER = 0
"""The byte that ends the second thread; no signal has this number."""


@dataclass
class Handling:
    """What is done at the first signal: ``within`` by the main thread, ``aside`` by the second one.

    Signals after the first change nothing: it ends the process soon enough.
    """

    within: Reaction
    aside: Reaction
    heard: list[signal.Signals] = field(default_factory=list)

    def handle(self, number: int, _frame: object) -> None:
        """The handler of every signal."""
        if not self.heard:
            self.heard.append(signal.Signals(number))
            self.within(self.heard[0])


def can_handle() -> bool:
    """Whether this thread may set handlers."""
    return threading.current_thread() is threading.main_thread()


@contextmanager
def handled(handling: Handling) -> Iterator[None]:
    """Handle the signals that would end the process, or that another handling has; leave them as they were afterwards.

    What only removes unfinished files gives way to work that saves itself.
    """
    before = {number: action for number, action in actions().items() if _is_ours(action)}
    with _heard_aside([*before], handling):
        _set_handlers(dict.fromkeys(before, handling.handle))
        try:
            yield
        finally:
            _set_handlers(before)


def _is_ours(action: Action) -> bool:
    """Whether a signal's action is the default one, or that of a handling."""
    return action is signal.SIG_DFL or isinstance(getattr(action, "__self__", None), Handling)


def _set_handlers(handlers: Mapping[signal.Signals, Action]) -> None:
    """Set handlers; a signal that comes meanwhile waits, because Python loses one whose handler has just gone."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, handlers)
    try:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _heard_aside(numbers: list[signal.Signals], handling: Handling) -> Iterator[None]:
    """Have a second thread hear the signals; where the system grants none, the main thread alone handles them."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        listener = threading.Thread(target=_listen, args=(reading, set(numbers), handling), daemon=True)
        with suppress(RuntimeError):
            listener.start()
        yield
    finally:
        signal.set_wakeup_fd(before)
        if not handling.heard:
            os.write(writing, bytes([OVER]))
            if listener.ident is not None:
                listener.join()
        os.close(reading)
        os.close(writing)


def _listen(reading: int, numbers: set[signal.Signals], handling: Handling) -> None:
    """React to the first of the signals that the pipe tells of."""
    while True:
        told = os.read(reading, 1)
        if not told or told[0] == OVER:
            return
        if told[0] in numbers:
            handling.aside(signal.Signals(told[0]))
            return
