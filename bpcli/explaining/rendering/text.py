"""An explanation as plain text, matrices laid out as matrices."""

from __future__ import annotations

from textwrap import TextWrapper, fill

from bpcli.explaining.documents.steps import DerivationStep
from bpcli.explaining.explanation import Explanation
from bpcli.explaining.rendering import shared_text
from bpcli.explaining.rendering.numbers import ShownMatrix, shape, short, shown
from bpcli.explaining.rendering.unicode import equation, math, prose

WIDTH = 88
INDENT = "    "

DEEPEST = 6
"""The open parentheses within which a line is never broken."""

GLUE = "\N{NO-BREAK SPACE}"


def render(explained: Explanation) -> str:
    """The whole text."""
    lines = [*_title(shared_text.HEADING, "="), ""]
    lines += [fill(line, WIDTH) for line in shared_text.introduction(explained)]
    lines += [f"Source: {explained.source}; data: {explained.data}", ""]
    lines += [
        fill(prose(line), WIDTH, initial_indent="- ", subsequent_indent="  ") for line in explained.document.conventions
    ]
    lines += ["", *_notation(explained)]
    for place, update in enumerate(explained.updates):
        lines += ["", *_title(shared_text.update_heading(explained, place), "=")]
        for title, steps in shared_text.stages(update):
            lines += ["", *_title(title, "-")]
            for step in steps:
                lines += ["", *_step(step)]
        if update.omitted:
            lines += ["", *_title(shared_text.OMITTED, "-"), ""]
            lines += [fill(prose(line), WIDTH, initial_indent="- ", subsequent_indent="  ") for line in update.omitted]
    return "\n".join(lines) + "\n"


def _title(line: str, rule: str) -> list[str]:
    return [line, rule * len(line)]


def _notation(explained: Explanation) -> list[str]:
    rows = [(math(symbol), prose(meaning)) for symbol, meaning in explained.document.notation]
    width = max(len(symbol) for symbol, _ in rows)
    return [f"{INDENT}{symbol:<{width}}  {meaning}" for symbol, meaning in rows]


def _step(step: DerivationStep) -> list[str]:
    """Title and reference on one line, the equation, the shape and the numbers, notes."""
    title = prose(shared_text.title(step))
    lines = [f"{title} {prose(step.reference):>{WIDTH - len(title) - 1}}"]
    if step.formula or step.value.ndim:
        lines += [broken(equation(step)), *(broken(f"= {math(side)}", INDENT * 2) for side in step.more)]
    runs = [f"{kind} {math(run)}" for kind, run in shared_text.runs(step)]
    about = [*([shape(step.value)] if step.value.ndim else []), *runs, *shared_text.agreement(step)]
    if about:
        lines.append(INDENT + ", ".join(about))
    if step.value.ndim:
        lines += [INDENT + line for line in matrix(shown(step.value))]
    else:
        lines.append(f"{INDENT}{math(step.symbol)} = {short(float(step.value))}")
    return [*lines, *(fill(prose(note), WIDTH, initial_indent="  * ", subsequent_indent="    ") for note in step.notes)]


def broken(formula: str, indent: str = INDENT) -> str:
    """An equation on as many lines as it needs, broken in no index, and in parentheses only where it must be."""
    wrapper = TextWrapper(WIDTH, initial_indent=indent, subsequent_indent=indent + INDENT, break_long_words=False)
    for depth in range(1, DEEPEST):
        lines = wrapper.fill(_glued(formula, depth))
        if all(len(line) <= WIDTH for line in lines.splitlines()):
            break
    return lines.replace(GLUE, " ")


def _glued(formula: str, kept: int) -> str:
    """A formula in which no line breaks in an index, nor where ``kept`` parentheses or more are open."""
    glued, brackets, braces = "", 0, 0
    for sign in formula:
        brackets += (sign in "([") - (sign in ")]")
        braces += (sign == "{") - (sign == "}")
        glued += GLUE if sign == " " and (brackets >= kept or braces) else sign
    return glued


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
