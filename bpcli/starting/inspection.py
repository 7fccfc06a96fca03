"""What a table holds: its target, and what each other column is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from bpcli.data.encoding.category_columns import MANY
from bpcli.data.encoding.columns import COLUMN_KINDS, learn_column
from bpcli.data.encoding.date_columns import Date
from bpcli.data.encoding.dates import are_other_dates, misfits
from bpcli.data.encoding.lookup import require_columns
from bpcli.data.encoding.target_cells import require_present
from bpcli.data.encoding.training_columns import TrainingColumn
from bpcli.data.files.cells import as_numbers, texts_of
from bpcli.data.files.dataset import Dataset, Format, Matrix
from bpcli.data.files.reading import FilePair
from bpcli.data.warnings import DataWarnings
from bpcli.errors import ConfigError
from bpcli.nn import Array
from bpcli.starting.reading import read_table

NUMBERS_ROWS = "it numbers the rows"
"""The reason to leave out a column that does."""

COMPACT = "YYYYMMDD"
EARLIEST, LATEST = 19000101, 21001231
"""Whole numbers between these may be dates."""

LEAST_FOR_ID = 10
"""From so many rows on, a column in which all values differ may number them."""


@dataclass(frozen=True)
class Inspection:
    """A table: how it is written, its target, and what its other columns are.

    ``drop`` has the reason by column, ``types`` the kinds that do not show by themselves, ``words`` the
    missing words found in each column. ``labels`` has how often each value of the target occurs, None
    where it is a number to predict.
    """

    pair: FilePair
    form: Format
    names: list[str]
    size: int
    target: str
    labels: Counter[str] | None
    drop: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)


def inspect(pair: FilePair, target: str | None) -> Inspection:
    """Read a table and say what it holds.

    Raises:
        DataError: it is absent or malformed, or lacks a target in some row.
        ConfigError: it has no such column, the target cannot be learned, or no column is left to learn from.
    """
    dataset, form, words = read_table(pair)
    name = target or (dataset.own_targets or dataset.names)[-1]
    _require_target(dataset, name)
    labels = _labels(dataset, name)
    drop, types = _verdicts(dataset, [each for each in dataset.names if each not in {name, *dataset.own_targets}])
    return Inspection(pair, form, dataset.names, dataset.size, name, labels, drop, types, words)


def _verdicts(dataset: Dataset, features: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Why columns are left out, and the kinds that do not show by themselves, by column.

    Raises:
        ConfigError: no column is left.
    """
    verdicts = {name: _verdict(TrainingColumn(dataset, name, np.arange(dataset.size))) for name in features}
    drop = {name: reason for name, (_, reason) in verdicts.items() if reason}
    if len(drop) == len(features):  # what numbers the rows is better than nothing
        drop = {name: reason for name, reason in drop.items() if reason != NUMBERS_ROWS}
    if len(drop) == len(features):
        reasons = ", ".join(f"{name}: {reason}" for name, reason in drop.items())
        raise ConfigError(
            f"{dataset.path} has no column to learn from ({reasons or 'there is none but the target'})",
            where="command line",
            hint="name another target with --target",
        )
    return drop, {name: kind for name, (kind, _) in verdicts.items() if kind}


def _require_target(dataset: Dataset, name: str) -> None:
    """The target is a column, and there in every row."""
    try:
        require_columns([name], dataset)
    except ConfigError as error:
        error.where = "command line"
        raise
    require_present(dataset, name, dataset.column(name), np.arange(dataset.size))


def _verdict(column: TrainingColumn) -> tuple[str, str]:
    """The kind of a column, if its cells do not show it by themselves; and why it is of no use, if it is not."""
    if isinstance(column.dataset, Matrix) and column.dataset.images:
        return "", ""
    if _are_dates(column):
        try:
            Date().learn(column, "none", DataWarnings())
        except ConfigError as error:  # the day or the month may come first
            return "", f"{error.message}; data.types says which"
        return "date", ""
    kind = "category" if column.holds_numbers and _holds_codes(column) else ""
    warnings = DataWarnings()
    learn_column(column, COLUMN_KINDS[kind]() if kind else None, "none", warnings)
    if warnings.constant:
        return "", "constant"
    if warnings.many:
        return "", "most values differ"
    if column.holds_numbers and _numbers_rows(column.cells):
        return "", NUMBERS_ROWS
    return kind, ""


def _are_dates(column: TrainingColumn) -> bool:
    """Whether a column holds dates that are not recognised by themselves."""
    if column.holds_numbers:
        numbers = column.cells
        low, high = numbers.min(initial=np.inf), numbers.max(initial=-np.inf)
        if not (low >= EARLIEST and high <= LATEST and (numbers == np.round(numbers)).all()):
            return False
        return not misfits(COMPACT, {f"{number:.0f}" for number in set(numbers.tolist())})
    return are_other_dates(set(column.present))


def _holds_codes(column: TrainingColumn) -> bool:
    """Whether whole numbers are written with leading zeros."""
    name = column.name.lower()
    if not any(word in name for word in ("zip", "post", "plz", "code")):
        return False  # reading the cells of every column again would take long
    texts = texts_of(column.dataset, column.name)
    return any(text is not None and text.strip()[:1] == "0" and text.strip()[1:].isdecimal() for text in texts)


def _numbers_rows(values: Array) -> bool:
    """Whether a column counts: every value is the one before it, plus 1."""
    return len(values) >= LEAST_FOR_ID and bool((np.diff(values) == 1).all())


def _labels(dataset: Dataset, name: str) -> Counter[str] | None:
    """How often each class occurs, if the target is one: text, true and false, or whole numbers 0 to K − 1 or 1 to K.

    Raises:
        ConfigError: it holds one value alone, or text in which most values differ.
    """
    column = dataset.column(name)
    numbers = as_numbers(column, dataset.numerals)
    if numbers is not None and not dataset.holds_classes and not _are_classes(numbers):
        return None
    counts = Counter(texts_of(dataset, name).tolist())
    if len(counts) == 1:
        raise ConfigError(
            f"every {name!r} is {next(iter(counts))!r}: there is nothing to learn",
            where="command line",
            hint=f"name another target with --target: {', '.join(dataset.names)}",
        )
    if len(counts) > max(MANY, dataset.size / 2):
        raise ConfigError(
            f"the target {name!r} is text in which most values differ ({len(counts):,} of {dataset.size:,})",
            where="command line",
            hint=f"name another with --target: {', '.join(dataset.names)}",
        )
    return counts


def _are_classes(numbers: Array) -> bool:
    """Whether numbers are 0 to K − 1 or 1 to K, each of them there, for a K of at most ``MANY``."""
    values = sorted(set(numbers.tolist()))
    return values in (list(range(len(values))), list(range(1, len(values) + 1))) and 1 < len(values) <= MANY
