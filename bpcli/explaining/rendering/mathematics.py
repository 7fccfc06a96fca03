"""Numbers and matrices in LaTeX's mathematics, for Markdown and LaTeX alike."""

from __future__ import annotations

from bpcli.explaining.documents.steps import Line
from bpcli.explaining.rendering.numbers import ShownMatrix, short
from bpcli.nn.markup import scientific


def number(value: float, digits: int) -> str:
    """A number."""
    return scientific(short(value, digits))


def array(part: ShownMatrix) -> str:
    r"""A matrix in brackets, figures right-aligned; rows end in ``\cr``, one on each line."""
    rows = [[*map(scientific, row), *([r"\cdots"] if part.more_columns else [])] for row in part.cells]
    if part.more_rows:
        rows.append([r"\vdots"] * len(rows[0]))
    lines = " \\cr\n".join(" & ".join(row) for row in rows)
    return rf"\left[ \begin{{array}}{{{'r' * len(rows[0])}}}" + f"\n{lines}\n" + r"\end{array} \right]"


def line(one: Line) -> str:
    """One entry written out."""
    return rf"{one.equation} \text{{, as }} {one.reason}" if one.reason else one.equation
