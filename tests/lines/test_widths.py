"""How wide a line is."""

from __future__ import annotations

import io
import os

import pytest

from bpcli.lines.widths import PAGE, is_terminal, page_width, terminal_width
from tests.cli.support import set_width


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_off_a_terminal_a_line_has_no_width_and_a_page_always_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert (terminal_width(io.StringIO()), page_width(io.StringIO())) == (None, PAGE)


def test_the_variable_goes_before_the_terminal_and_a_page_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    for columns, width in (
        ("20", 20),
        ("120", 120),
        ("400", 400),
        ("0", PAGE),
        ("-1", PAGE),
        ("wide", PAGE),
        ("", PAGE),
    ):
        monkeypatch.setenv("COLUMNS", columns)
        assert terminal_width(Terminal()) == width
        assert page_width(Terminal()) == min(width, 120)


def test_a_terminal_tells_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    reader, writer = os.openpty()
    with os.fdopen(writer, "w") as stream:
        for columns, width in ((60, 60), (100, 100), (0, PAGE)):
            set_width(writer, columns)
            assert terminal_width(stream) == width
    os.close(reader)


def test_nobody_looks_at_a_launchers_terminal_without_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    reader, writer = os.openpty()
    with os.fdopen(writer, "w") as stream:
        assert is_terminal(stream)
        for name, value in (("RANK", "0"), ("SIZE", "2"), ("LOCAL_SIZE", "2")):
            monkeypatch.setenv(f"OMPI_COMM_WORLD_{name}", value)
        for columns, width in ((0, None), (60, 60)):
            set_width(writer, columns)
            assert is_terminal(stream) == (columns > 0)
            assert terminal_width(stream) == width
    os.close(reader)
