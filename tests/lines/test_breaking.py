"""Where lines end."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.lines.breaking import GLUE, fitted, kept_together, paragraphs, wrapped
from bpcli.lines.cells import cells


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@given(st.lists(st.text("ab-花\u0308.", min_size=1, max_size=9), max_size=9), st.integers(1, 30), st.integers(0, 4))
def test_lines_fit_and_keep_every_word(words: list[str], width: int, indent: int) -> None:
    lines = wrapped(" ".join(words), width, rest=" " * indent)
    assert " ".join(lines).split() == words
    assert all(cells(line) <= width or len(line.split()) == 1 for line in lines)


def test_no_line_ends_at_a_hyphen_or_within_what_is_kept_together() -> None:
    assert wrapped("half-squared-error of", 8) == ["half-squared-error", "of"]
    assert wrapped(f"a {kept_together('b c d')} e", 5) == ["a", "b c d", "e"]
    assert GLUE not in wrapped(kept_together("b c"), 1)[0]


def test_spaces_within_a_line_stay() -> None:
    assert wrapped("  a  b   c", 7, rest="    ") == ["  a  b", "    c"]


def test_a_message_is_broken_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "9")
    assert fitted("error: a b c", io.StringIO()) == "error: a b c"
    assert fitted("error: a b c", Terminal()) == "error: a\n  b c"
    assert fitted("error: a b c", Terminal(), indent=8) == "error: a\nb c"


def test_paragraphs_are_single_lines() -> None:
    assert paragraphs("a\nb\n\nc\n  d\n  e\nf") == ["a b", "", "c", "  d", "  e", "f"]
