"""What tests of several rooms need: signals, which a shell may ignore, and less collecting."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator

import pytest

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def pytest_collection_finish() -> None:
    """Leave what the imports made out of every later search for garbage: half a million objects that all stay."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


@pytest.fixture
def heeded_signals() -> Iterator[None]:
    """Ignore no signal: tests started in the background ignore some, and a child process would inherit that."""
    previous = {number: signal.getsignal(number) for number in STOPPING}
    for number in previous:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in previous.items():
        signal.signal(number, handler)
