r"""A matrix written out with dots, completed: the entries between two that differ in one counted mark.

``x_1 \\ \vdots \\ x_4`` stands for x_1, x_2, x_3, x_4. The last entry must be an instance of the first.
"""

from __future__ import annotations

from typing import Any

from bpcli.explaining.evaluation.nodes import Dots, EquationError, Matrix, Node, made_of, parts


def written_out(matrix: Matrix) -> list[list[Node]]:
    """Every row with every entry.

    Raises:
        EquationError: rows of different lengths, or dots without entries that say what they stand for.
    """
    rows = [row if _is_dots(row) else _completed(row) for row in matrix.rows]
    whole = [list(row) for row in _completed(tuple(Dots() if _is_dots(row) else tuple(row) for row in rows))]
    if len({len(row) for row in whole}) != 1:
        raise EquationError("the rows of a matrix have different lengths")
    return whole


def _is_dots(row: Any) -> bool:
    return all(isinstance(entry, Dots) for entry in row)


def _completed(entries: tuple[Any, ...]) -> list[Any]:
    """Entries with those that dots stand for."""
    found: list[Any] = []
    for place, entry in enumerate(entries):
        if not isinstance(entry, Dots):
            found.append(entry)
        elif place + 1 == len(entries) or not found:
            raise EquationError("dots at the edge of a matrix")
        elif not isinstance(entries[place + 1], Dots):
            found += _between(found, entries[place + 1])
    return found


def _between(before: list[Any], last: Any) -> list[Any]:
    """The entries between the last of ``before`` and ``last``, counted in the mark that differs."""
    first, count = before[0], len(before)
    ends = set(_differences(first, last))
    if len(ends) != 1:
        raise EquationError("dots between entries that do not count from 1 to a number")
    ((start, end),) = ends
    if start != "1" or not end.isdigit():
        raise EquationError(f"dots from {start} to {end}")
    for number, entry in enumerate(before, start=1):
        if entry != _instance(first, last, str(number)):
            raise EquationError("an entry before the dots is not what they count")
    return [_instance(first, last, str(number)) for number in range(count + 1, int(end))]


def _differences(first: Any, last: Any) -> list[tuple[str, str]]:
    """The marks in which two equations differ."""
    if isinstance(first, str) and isinstance(last, str):
        return [] if first == last else [(first, last)]
    if type(first) is not type(last) or len(parts(first)) != len(parts(last)):
        raise EquationError("dots between entries of different kinds")
    return [one for x, y in zip(parts(first), parts(last), strict=True) for one in _differences(x, y)]


def _instance(first: Any, last: Any, number: str) -> Any:
    """``first`` with a number where it differs from ``last``."""
    if isinstance(first, str):
        return first if first == last else number
    inner = zip(parts(first), parts(last), strict=True)
    return made_of(first, (_instance(x, y, number) for x, y in inner)) if parts(first) else first
