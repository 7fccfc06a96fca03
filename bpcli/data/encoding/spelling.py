"""How numbers are spelled: which different ones a column holds, to the last digit, and how each is written.

float64 takes 9007199254740993 for 9007199254740992, and 007 for 7. Where numbers
name something, such as classes do, what was written counts.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from bpcli.data.files.cells import different_texts, texts_of
from bpcli.data.files.dataset import Dataset
from bpcli.errors import DataError
from bpcli.nn import Array

EXACT = 1 << 53
"""Up to here, float64 has every whole number."""


def exact_numbers(dataset: Dataset, name: str) -> Array:
    """A column of numbers with all their digits: objects, equal where the numbers are, None where one is missing."""
    exact = dataset.numerals.exact
    return np.array([None if text is None else exact(text) for text in texts_of(dataset, name)], object)


def spelled_labels(datasets: list[Dataset], name: str) -> tuple[int, ...] | tuple[str, ...]:
    """The different whole numbers of target columns, ascending: as text where one is written otherwise than plainly.

    Raises:
        DataError: a number is written in two ways.
    """
    written: dict[Decimal, str] = {}
    for dataset in datasets:
        for text in _different(dataset, name):
            value = dataset.numerals.exact(text)
            if written.setdefault(value, text) != text:
                raise _two_spellings(dataset, name, text, written[value])
    values = sorted(written)
    if all(written[value] == str(int(value)) for value in values):
        return tuple(int(value) for value in values)
    return tuple(written[value] for value in values)


def _different(dataset: Dataset, name: str) -> list[str]:
    """The different cells of a column of numbers, without blanks around them, in the order of their text.

    The file is read again where it holds more than are kept while it is read.
    """
    if name in dataset.spellings:
        return sorted(dataset.spellings[name])
    return sorted({text.strip() for text in different_texts(dataset, name)})


def _two_spellings(dataset: Dataset, name: str, text: str, other: str) -> DataError:
    texts = texts_of(dataset, name)
    row = next(row for row, cell in enumerate(texts) if cell is not None and cell.strip() == text)
    return DataError(
        f"the target {name!r} is {text!r}, and {other!r} elsewhere: one number, but perhaps two classes",
        where=dataset.where(row),
        hint="write one class in one way; where they are two, put a letter in front of each",
    )
