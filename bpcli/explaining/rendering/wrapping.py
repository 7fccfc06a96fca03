"""Lines no wider than the page, broken between symbols and never within one."""

from __future__ import annotations

from textwrap import TextWrapper

WIDTH = 88
"""The width off a terminal, the same wherever the text goes."""

NARROWEST, WIDEST = 60, 120
"""The bounds on a terminal: narrower, formulas are in pieces; wider, sentences are hard to follow."""

INDENT = "    "

DEEPEST = 6
"""The open parentheses within which a line is never broken."""

GLUE = "\N{NO-BREAK SPACE}"


def page_width(terminal: int) -> int:
    """The width on a terminal of so many columns."""
    return max(NARROWEST, min(terminal, WIDEST))


def filled(line: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """A sentence in lines, the first indented by ``first``, the others by ``rest``; names with hyphens stay whole."""
    return _lines(_wrapper(width, first, rest), glued(line))


def joined(parts: list[str], width: int) -> list[str]:
    """Parts with commas between them, indented, broken between two of them only."""
    return _lines(_wrapper(width, INDENT, INDENT * 2), ", ".join(part.replace(" ", GLUE) for part in parts))


def broken(formula: str, width: int, indent: str = INDENT) -> list[str]:
    """An equation on as many lines as it needs, broken outside of indices, and of parentheses as far as it can be."""
    wrapper = _wrapper(width, indent, indent + INDENT)
    for depth in range(1, DEEPEST):
        lines = _lines(wrapper, glued(formula, depth))
        if all(len(line) <= width for line in lines):
            break
    return lines


def between(left: str, right: str, width: int) -> list[str]:
    """One text at each margin, on one line where they fit."""
    if len(left) + 1 + len(right) <= width:
        return [f"{left} {right:>{width - len(left) - 1}}"]
    return [*filled(left, width), *(f"{line:>{width}}" for line in filled(right, width))]


def glued(text: str, kept: int | None = None) -> str:
    """Text in which no line breaks in an index, nor where ``kept`` parentheses or more are open."""
    written, brackets, braces = "", 0, 0
    for sign in text:
        brackets += (sign in "([") - (sign in ")]")
        braces += (sign == "{") - (sign == "}")
        deep = kept is not None and brackets >= kept
        written += GLUE if sign == " " and (deep or braces) else sign
    return written


def _wrapper(width: int, first: str, rest: str) -> TextWrapper:
    return TextWrapper(
        width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def _lines(wrapper: TextWrapper, text: str) -> list[str]:
    return [line.replace(GLUE, " ") for line in wrapper.wrap(text)]
