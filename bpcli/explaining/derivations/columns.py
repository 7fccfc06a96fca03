r"""Columns and matrices written out entry by entry, long ones with dots.

An entry is markup with ``<n>`` for its number; in a matrix with ``<r>`` and ``<c>`` for row and column.
"""

from __future__ import annotations

SHORT = 3
"""The rows or columns that are written out; of more, the first two and the last are."""


def column(entry: str, length: int) -> str:
    """A column of entries."""
    rows = [r"\vdots" if number is None else entry.replace("<n>", str(number)) for number in _numbers(length)]
    return _matrix(rows)


def matrix(entry: str, rows: int, columns: int) -> str:
    """A matrix of entries."""
    return _matrix([_row(entry, row, columns) for row in _numbers(rows)])


def _row(entry: str, row: int | None, columns: int) -> str:
    numbers = _numbers(columns)
    if row is None:
        return " & ".join(r"\ddots" if number is None else r"\vdots" for number in numbers)
    of_row = entry.replace("<r>", str(row))
    return " & ".join(r"\cdots" if number is None else of_row.replace("<c>", str(number)) for number in numbers)


def _numbers(length: int) -> list[int | None]:
    """1 … length, None for those left out."""
    return list(range(1, length + 1)) if length <= SHORT else [1, 2, None, length]


def _matrix(rows: list[str]) -> str:
    return r"\begin{bmatrix} " + r" \\ ".join(rows) + r" \end{bmatrix}"
