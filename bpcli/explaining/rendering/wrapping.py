"""Lines no wider than the page: sentences broken between words, formulas before operators, not within an index."""

from __future__ import annotations

import re
from collections.abc import Callable

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

PREFIX = re.compile(r"(Σ[^()]*|\bln|\blog)$")
"""The end of a word that belongs to the next one."""

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

    A line ends before an operator; between factors only where a term is wider than the page, within parentheses only
    where a factor is. A matrix that is written out breaks between rows.
    """
    pieces = _pieces(formula, width - len(indent + INDENT), RULES)
    return wrapped(" ".join(map(kept_together, pieces)), width, indent, indent + INDENT)


Rule = Callable[[str, str], bool]
"""Whether a line can end between two words."""


def _between_rows(before: str, _after: str) -> bool:
    return before.endswith(";")


def _between_terms(before: str, after: str) -> bool:
    return after in OPERATORS | CONDITIONS or before.endswith(STOPS)


def _between_factors(before: str, _after: str) -> bool:
    return before not in OPERATORS and not PREFIX.search(before)


def _between_words(_before: str, _after: str) -> bool:
    return True


RULES: list[tuple[Rule, int]] = [
    *((rule, depth) for depth in range(1, DEEPEST) for rule in (_between_rows, _between_terms, _between_factors)),
    (_between_words, DEEPEST),
]
"""Where a formula is divided, the first that helps, and from how many open parentheses on nothing is."""


def _pieces(formula: str, room: int, rules: list[tuple[Rule, int]]) -> list[str]:
    """The parts of a formula that stay on one line: what a rule leaves too wide, the next one divides."""
    (apart, depth), *others = rules
    parts = _divided(glued(formula, depth), apart)
    fit = [[part] if cells(part) <= room or not others else _pieces(part, room, others) for part in parts]
    return [piece for pieces in fit for piece in pieces]


def _divided(formula: str, apart: Rule) -> list[str]:
    """The words of a formula, joined but where they are to be ``apart``."""
    parts: list[str] = []
    before = ""
    for word in formula.split(" "):
        if parts and not apart(before, word):
            parts[-1] += f" {word}"
        else:
            parts.append(word)
        before = word
    return [_loose(part) for part in parts]


def _loose(text: str) -> str:
    return text.replace(GLUE, " ")


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
