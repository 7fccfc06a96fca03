"""An explanation as plain text, matrices laid out as matrices."""

from __future__ import annotations

from itertools import zip_longest

from bpcli.errors import printable
from bpcli.explaining.documents.steps import DerivationStep, Line
from bpcli.explaining.explained import Explanation
from bpcli.explaining.rendering import shared_text
from bpcli.explaining.rendering.numbers import LINE, ShownMatrix, shape, short, shown
from bpcli.explaining.rendering.unicode import equation, math, prose
from bpcli.explaining.rendering.wrapping import INDENT, NARROWEST, between, broken, filled, joined
from bpcli.lines.breaking import kept_together
from bpcli.lines.cells import cells, padded, shortened
from bpcli.lines.widths import PAGE

WHOLE = 24
"""The widest formula within a sentence that stays on one line; a wider one is broken as it comes."""

BESIDE, SHORTEST = "  ", 4
"""What stands between a row and its name, and the least room for which a name is cut."""

BESIDE_FIGURES = 9
"""What a line of a matrix has beside its figures: the indent, the brackets and the dots."""


def render(explained: Explanation, width: int = PAGE) -> str:
    """The whole text, in lines of at most ``width`` where no name is longer; the least width is ``NARROWEST``."""
    width = max(width, NARROWEST)
    lines = [*_title(shared_text.HEADING, "=", width), ""]
    for line in shared_text.introduction(explained):
        lines += filled(line, width)
    origins = [
        kept_together(f"Source: {explained.source};"),
        kept_together(f"data: {shared_text.data_file(explained)}"),
    ]
    lines += [*filled(" ".join(origins), width), ""]
    lines += [*_listed(explained.document.conventions, width), "", *_notation(explained, width)]
    for place, update in enumerate(explained.updates):
        lines += ["", *_title(shared_text.update_heading(explained, place), "=", width)]
        for title, steps in shared_text.stages(update):
            lines += ["", *_title(title, "-", width)]
            for step in steps:
                lines += ["", *_step(step, width, explained.digits)]
        lines += ["", *_title(shared_text.AFTERWARDS, "-", width), ""]
        lines += [line for line in shared_text.effect(update, explained.digits) for line in filled(line, width)]
        if update.omitted:
            lines += ["", *_title(shared_text.OMITTED, "-", width), "", *_listed(update.omitted, width)]
    return "\n".join(lines) + "\n"


def _sentence(line: str) -> str:
    """A sentence with markup between dollar signs as text whose short formulas stay on one line."""
    parts = line.split("$")
    return "".join(_inline(math(part)) if place % 2 else part for place, part in enumerate(parts))


def _inline(formula: str) -> str:
    return kept_together(formula) if cells(formula) <= WHOLE else formula


def _title(title: str, rule: str, width: int) -> list[str]:
    lines = filled(title, width)
    return [*lines, rule * max(map(cells, lines))]


def _listed(sentences: tuple[str, ...], width: int) -> list[str]:
    """Sentences as a list."""
    return [line for sentence in sentences for line in filled(_sentence(sentence), width, "- ", "  ")]


def _notation(explained: Explanation, width: int) -> list[str]:
    rows = [(math(symbol), _sentence(meaning)) for symbol, meaning in explained.document.notation]
    widest = max(cells(symbol) for symbol, _ in rows)
    rest = " " * len(f"{INDENT}{'':<{widest}}  ")
    firsts = [(f"{INDENT}{padded(symbol, widest)}  ", meaning) for symbol, meaning in rows]
    return [line for first, meaning in firsts for line in filled(meaning, width, first, rest)]


def _step(step: DerivationStep, width: int, digits: int) -> list[str]:
    """Title and reference on one line, the equation, the shape and the numbers, notes."""
    lines = between(prose(shared_text.title(step)), prose(step.reference), width)
    if step.formula or step.value.ndim:
        lines += broken(equation(step), width)
        lines += [line for side in step.more for line in broken(f"= {math(side)}", width, INDENT * 2)]
    runs = [f"{kind} {math(run)}" for kind, run in shared_text.runs(step)]
    about = [*([shape(step.value)] if step.value.ndim else []), *runs, *shared_text.agreement(step)]
    lines += [*joined(about, width), *_value(step, width, digits), *_arithmetic(step, width)]
    return [*lines, *(line for note in step.notes for line in filled(_sentence(note), width, "  * ", "    "))]


def _value(step: DerivationStep, width: int, digits: int) -> list[str]:
    """A matrix, its rows with their names; or a number with its symbol, unless its arithmetic says it too."""
    if not step.value.ndim:
        own = f"{INDENT}{math(step.symbol)} = {short(float(step.value), digits)}"
        return [] if step.arithmetic else [own]
    lines = matrix(shown(step.value, digits, min(LINE, width - BESIDE_FIGURES)))
    room = width - len(INDENT) - max(map(cells, lines)) - len(BESIDE)
    names = [shortened(printable(name), room) if room >= SHORTEST else "" for name in step.names]
    named = zip_longest(lines, names[: len(lines)], fillvalue="")
    return [f"{INDENT}{line}{BESIDE}{name}".rstrip() for line, name in named]


def _arithmetic(step: DerivationStep, width: int) -> list[str]:
    """The entries written out, each on a line of its own or more."""
    if step.arithmetic is None:
        return []
    lines = [line for one in step.arithmetic.lines for line in broken(_line(one), width)]
    more = shared_text.left_out(step.arithmetic)
    return [*lines, *([INDENT + more] if more else [])]


def _line(line: Line) -> str:
    """One entry, the dots of its products close to the numbers."""
    written = close(math(line.equation))
    return f"{written}, as {close(math(line.reason))}" if line.reason else written


def close(formula: str) -> str:
    """Numbers with the dots of their products close to them."""
    return formula.replace(" · ", "·")


def matrix(part: ShownMatrix) -> list[str]:
    """Rows between brackets, figures right-aligned."""
    cells = [[*row, "…"] if part.more_columns else row for row in part.cells]
    if part.more_rows:
        cells.append(["⋮"] * len(cells[0]))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rows = ["  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in cells]
    lines = [f"{left} {row} {right}" for row, (left, right) in zip(rows, _brackets(len(rows)), strict=True)]
    return [*lines, part.remark] if part.remark else lines


def _brackets(count: int) -> list[tuple[str, str]]:
    if count == 1:
        return [("[", "]")]
    return [("⎡", "⎤"), *([("⎢", "⎥")] * (count - 2)), ("⎣", "⎦")]
