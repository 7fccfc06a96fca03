"""Lines no wider than the page: sentences broken between words, formulas before operators, not within an index."""

from __future__ import annotations

from itertools import pairwise

from bpcli.lines.breaking import GLUE, kept_together, wrapped
from bpcli.lines.cells import cells, padded

NARROWEST = 60
"""The least width of a page: on a narrower one, formulas are in pieces."""

INDENT = "    "

DEEPEST = 6
"""The open parentheses within which a line is never broken."""

OPERATORS = frozenset("=+-·⊙×∗←≡≠−")
"""Where a formula can be broken: before them, if a space follows, and after a comma or a semicolon."""

STOPS = (",", ";")

CONDITIONS = frozenset({"where", "else", "for"})
"""Words that begin a part of a formula."""


def filled(line: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """A sentence in lines, the first indented by ``first``, the others by ``rest``; names with hyphens stay whole."""
    return wrapped(glued(line), width, first, rest)


def joined(parts: list[str], width: int) -> list[str]:
    """Parts with commas between them, indented, broken between two of them only."""
    return wrapped(", ".join(map(kept_together, parts)), width, INDENT, INDENT * 2) if parts else []


def broken(formula: str, width: int, indent: str = INDENT) -> list[str]:
    """An equation on as many lines as it needs, broken outside of indices, and of parentheses as far as it can be.

    A line ends before an operator; between other symbols only where a single term is wider than the page.
    """
    glues = [glued(formula, depth) for depth in range(1, DEEPEST)]
    for text in (*map(_whole_terms, glues), *glues):
        lines = wrapped(text, width, indent, indent + INDENT)
        if all(cells(line) <= width for line in lines):
            break
    return lines


def between(left: str, right: str, width: int) -> list[str]:
    """One text at each margin, on one line where they fit; the right one stays whole."""
    if cells(left) + 1 + cells(right) <= width:
        return [f"{left} {padded(right, width - cells(left) - 1, right=True)}"]
    return [*filled(left, width), padded(right, width, right=True)]


def glued(text: str, kept: int | None = None) -> str:
    """Text in which no line breaks in an index, nor where ``kept`` parentheses or more are open."""
    written, brackets, braces = "", 0, 0
    for sign in text:
        brackets += (sign in "([") - (sign in ")]")
        braces += (sign == "{") - (sign == "}")
        deep = kept is not None and brackets >= kept
        written += GLUE if sign == " " and (deep or braces) else sign
    return written


def _whole_terms(formula: str) -> str:
    """A formula in which a space is left before an operator and after a comma only."""
    words = formula.split(" ")
    gaps = [
        " " if after in OPERATORS | CONDITIONS or before.endswith(STOPS) else GLUE for before, after in pairwise(words)
    ]
    return "".join(piece for pair in zip(words, [*gaps, ""], strict=True) for piece in pair)
