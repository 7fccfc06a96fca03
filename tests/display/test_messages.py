"""Messages, and numbers as people read them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bpcli import display


def test_numbers_have_four_digits() -> None:
    shown = [display.short_number(value) for value in (0.123456, 12345.6, 1.0, 1e-9, float("inf"), None)]
    assert shown == ["0.1235", "1.235e+04", "1", "1e-09", "inf", ""]


def test_warnings_are_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    display.warn(["one\ntwo", "[red]three"])
    assert capsys.readouterr().err == "warning: one\\ntwo\nwarning: [red]three\n"


def test_display_is_the_only_importer_of_rich() -> None:
    sources = Path(display.__file__).parents[1].rglob("*.py")
    importers = {
        path.parent.name for path in sources if re.search(r"^\s*(from|import) rich\b", path.read_text(), re.MULTILINE)
    }
    assert importers == {"display"}
