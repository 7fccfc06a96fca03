"""What a text takes of a line, and names shortened."""

from __future__ import annotations

from bpcli.lines.cells import cells, padded, shortened

TEXTS = ("", "abc", "花びら", "zu\u0308ge", "runs/sweep/points-001", "é\u0301花", "a\u200bb", "ｱ", "한국어")


def test_wide_characters_take_two_cells_and_marks_none() -> None:
    assert [cells(text) for text in TEXTS] == [0, 3, 6, 4, 21, 3, 2, 1, 6]


def test_a_text_is_padded_by_cells() -> None:
    assert padded("花", 4) == "花  "
    assert padded("u\u0308", 3, right=True) == "  u\u0308"
    assert padded("long", 2) == "long"


def test_a_shortened_text_has_its_ends_and_fits() -> None:
    assert shortened("runs/sweep/points-001", 11) == "runs/…s-001"
    assert shortened("abc", 3) == "abc"
    assert shortened("abc", 1) == "…"
    for text in TEXTS:
        for width in range(1, 25):
            short = shortened(text, width)
            assert cells(short) <= width
            begin, dots, end = short.partition("…")
            assert (text.startswith(begin) and text.endswith(end)) if dots else short == text


def test_no_mark_is_torn_from_its_letter() -> None:
    assert shortened("abu\u0308", 2) == "…u\u0308"
    assert shortened("u\u0308abc", 3) == "u\u0308…c"
