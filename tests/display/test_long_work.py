"""Long work shows that it goes on: a line that grows on a terminal, and one line elsewhere."""

from __future__ import annotations

import io
import sys
import threading
import time

import pytest

from bpcli.display import growing, long_work


class Screen(io.StringIO):
    """A stream that may be a terminal."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def _fail_late(screen: Screen, seconds: float) -> None:
    """Work that fails once its line has grown, or after so many seconds."""
    with growing("compiling"):
        deadline = time.monotonic() + seconds
        while "." not in screen.getvalue() and time.monotonic() < deadline:
            time.sleep(0.001)
        raise ValueError("in it")


def test_a_line_grows_on_a_terminal_alone_and_ends_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_work, "GROWN", 0.001)
    for terminal in (True, False):
        screen = Screen(terminal=terminal)
        monkeypatch.setattr(sys, "stderr", screen)
        with pytest.raises(ValueError, match="in it"):
            _fail_late(screen, 10 if terminal else 0.01)
        line = screen.getvalue()
        assert line.endswith("\n")
        assert set(line.removeprefix("compiling").strip()) == ({"."} if terminal else set())


def test_work_is_done_where_the_system_starts_no_thread_for_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    screen = Screen(terminal=True)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with growing("compiling"):
        pass
    assert screen.getvalue() == "compiling \n"
