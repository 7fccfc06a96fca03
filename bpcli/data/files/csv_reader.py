"""What the cells of a text table hold, and the cells of a small one.

A small table is read by Python's own csv module: importing pandas would take
longer than all the rest of a short command. Both ways of reading follow the
same rules; :mod:`bpcli.data.files.pandas_reader` is the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from bpcli.data.files.raw import as_numbers, is_number
from bpcli.data.files.text import Sheet
from bpcli.nn import Array

Kind = Literal["number", "truth", "text"]

Chunk = Sequence[tuple[Kind | None, Array]]
"""Some rows: for each column what it holds there, None where nothing, and its cells.

Cells are float64, or str in lower case for truth values, or str; None where missing.
"""

TRUTH = frozenset({"true", "false"})
"""In whatever case."""

INFINITE = re.compile(r"\s*[-+]?inf(inity)?\s*", re.IGNORECASE | re.ASCII)


def looks_like_number(text: str) -> bool:
    """Whether text is a number or an infinite one, which is refused later by its line."""
    return is_number(text) or INFINITE.fullmatch(text) is not None


def of_numbers(numbers: Array, missing: frozenset[str]) -> tuple[Kind | None, Array]:
    """Numbers, NaN where one is missing or equals a number that stands for missing ones."""
    known = [float(word) for word in missing if looks_like_number(word)]
    if known:
        numbers = np.where(np.isin(numbers, known), np.nan, numbers)
    return (None if np.isnan(numbers).all() else "number"), numbers


def told(cells: Array, missing: frozenset[str], *, to_the_letter: bool, text: bool) -> tuple[Kind | None, Array]:
    """What texts hold that are the cells of a column, None among them where one is known to be missing.

    Truth values are none in a column read ``to_the_letter``; ``text`` stays text in any case.
    """
    texts = np.array([None if cell in missing else cell for cell in cells], object)
    present = [cell for cell in texts if cell is not None]
    if not present:
        return None, np.full(len(texts), np.nan)
    if not to_the_letter and not text:
        if TRUTH.issuperset(map(str.lower, present)):
            return "truth", np.array([None if cell is None else cell.lower() for cell in texts], object)
        if all(map(looks_like_number, present)):
            return of_numbers(np.array([np.nan if cell is None else float(cell) for cell in texts]), missing)
    numbers = None if text else as_numbers(texts)
    return ("text", texts) if numbers is None else ("number", numbers)


def chunks(sheet: Sheet, letter: frozenset[str], text: frozenset[str]) -> Iterator[Chunk]:
    """All rows at once; columns of ``letter`` are read to the letter, those of ``text`` are text in any case."""
    columns = zip(*sheet.rows(), strict=True)
    yield [
        told(np.array(cells, object), sheet.missing, to_the_letter=name in letter, text=name in text)
        for name, cells in zip(sheet.names, columns, strict=True)
    ]


def as_written(sheet: Sheet, name: str) -> Array:
    """The cells of one column as the file has them, words for missing values included."""
    place = sheet.names.index(name)
    return np.array([cells[place] for cells in sheet.rows()], object)
