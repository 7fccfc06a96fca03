"""How a table must be read: its header, its marks in numbers, its words for missing values.

They are found by the rules that training warns by; the table is read again with them
until nothing changes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from bpcli.data.encoding.columns import COLUMN_KINDS
from bpcli.data.encoding.training_columns import OTHER_NUMERALS, TrainingColumn, fitting_numerals
from bpcli.data.files.arrays import array_reader
from bpcli.data.files.byte_source import open_bytes
from bpcli.data.files.dataset import Dataset, Format
from bpcli.data.files.numerals import PLAIN
from bpcli.data.files.reading import FilePair, read_dataset
from bpcli.data.files.sheet import examine

ATTEMPTS = 4
"""How often a table is read at most: as it is, with its marks, with its words, and with the words that these reveal."""


def read_table(pair: FilePair) -> tuple[Dataset, Format, dict[str, list[str]]]:
    """The table, how it is written, and the words for missing values by column.

    Raises:
        DataError: it is absent or malformed.
    """
    form, found = Format(header=_has_header(pair.features)), dict[str, list[str]]()
    for _ in range(ATTEMPTS):
        dataset = read_dataset(pair, form, frozenset())
        numerals, words = _better_form(dataset, form)
        if numerals == form and not words:
            break
        found |= words
        new = dict.fromkeys(word for each in words.values() for word in each)
        form = replace(numerals, missing=tuple(dict.fromkeys((*form.missing, *new))))
    return dataset, form, found


def _has_header(path: str) -> bool:
    """Whether the first row has names: not where most of its cells are numbers, or one is no whole number."""
    source = open_bytes(path)
    if array_reader(source.head) is not None or source.head[:4] == b"PAR1":
        return True
    _, cells = examine(source.in_memory(), Format(header=False)).record(0)
    numbers = [cell for cell in cells if PLAIN.is_number(cell)]
    return 2 * len(numbers) <= len(cells) and all(cell.strip().isdecimal() for cell in numbers)


def _better_form(dataset: Dataset, form: Format) -> tuple[Format, dict[str, list[str]]]:
    """The form with the numerals that make numbers of most columns, and the words for missing values by column."""
    texts = {name: dataset.column(name) for name in dataset.names if dataset.column(name).dtype == object}
    readable = Counter(other for column in texts.values() for other in fitting_numerals(column, form.numerals))
    if readable:
        best = max(OTHER_NUMERALS, key=readable.__getitem__)
        return replace(form, decimal=best.decimal, thousands=best.thousands), {}
    words: dict[str, list[str]] = {}
    for name in texts:
        column = TrainingColumn(dataset, name, np.arange(dataset.size))
        for kind in (each() for each in COLUMN_KINDS.values()):
            if kind.recognises(column):
                break
            slips = kind.slips(column)
            if slips is not None:
                words[name] = [slips.first, *slips.others]
                break
    return form, words
