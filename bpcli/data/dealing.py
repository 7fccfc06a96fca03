"""Which rows of which file make up each part: a part's own file, or its share of the training file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bpcli.data.encoding.classes import Classes
from bpcli.data.encoding.columns import ColumnKind
from bpcli.data.encoding.date_columns import Date, times_of
from bpcli.data.encoding.dates import ISO, are_other_dates, misfits
from bpcli.data.encoding.spelling import EXACT, exact_numbers
from bpcli.data.encoding.target_cells import keys_of
from bpcli.data.encoding.targets import Targets
from bpcli.data.encoding.training_columns import TrainingColumn
from bpcli.data.files.cells import as_numbers, non_numbers
from bpcli.data.files.dataset import Dataset
from bpcli.data.splitting import PARTS, SplitRequest, Traits, split
from bpcli.errors import ConfigError, DataError
from bpcli.nn import Array, IndexArray


@dataclass(frozen=True)
class SplitColumns:
    """The columns that a split looks at: rows of one ``group`` stay together, or the split follows an ``order``."""

    group: str | None = None
    order: str | None = None

    @property
    def named(self) -> list[str]:
        """The columns that are named."""
        return [name for name in (self.group, self.order) if name is not None]


def deal(
    datasets: dict[str, Dataset],
    request: SplitRequest,
    columns: SplitColumns,
    kinds: Mapping[str, ColumnKind],
    targets: Targets | None,
    rng: np.random.Generator,
) -> dict[str, IndexArray]:
    """The rows of each part in its file; parts without examples are left out. ``kinds`` are those of ``data.types``.

    Raises:
        ConfigError: a part that is asked for would have no examples.
        DataError: a group or a place in the order is missing.
    """
    train = datasets["train"]
    _require_enough(train.size, request)
    classes = targets.indices(train, np.arange(train.size)) if isinstance(targets, Classes) else None
    groups = _groups(train, columns.group)
    _require_groups(groups, request)
    rows = split(train.size, request, rng, Traits(classes, groups, _order(train, columns.order, kinds)))
    _require_examples(rows, request, columns)
    rows |= {part: np.arange(dataset.size) for part, dataset in datasets.items() if part != "train"}
    return {part: rows[part] for part in PARTS if len(rows[part])}


def _require_enough(size: int, request: SplitRequest) -> None:
    for part, fraction in request.fractions.items():
        if fraction > 0 and round(fraction * size) == 0:
            raise ConfigError(
                f"{fraction} of {size} examples is none", key=f"data.split.{part}", hint="give it more or nothing"
            )
    if request.fold is not None and request.fold.folds > size:
        raise ConfigError(f"{request.fold.folds} folds of {size} examples", key="data.split.folds", hint="fewer folds")


def _require_groups(groups: Array | None, request: SplitRequest) -> None:
    """Every fold gets a group, whichever is the test part now."""
    if groups is None or request.fold is None:
        return
    count = len(np.unique(groups))
    if request.fold.folds > count:
        groups_found = "1 group" if count == 1 else f"{count} groups"
        raise ConfigError(f"{request.fold.folds} folds of {groups_found}", key="data.split.folds", hint="fewer folds")


def _require_examples(rows: dict[str, IndexArray], request: SplitRequest, columns: SplitColumns) -> None:
    """Training, and every part that is asked for, has examples."""
    asked = [part for part, fraction in request.fractions.items() if fraction > 0]
    asked += ["test"] * (request.fold is not None)
    size = sum(map(len, rows.values()))
    for part in ("train", *asked):
        if len(rows[part]):
            continue
        if columns.group is not None:
            raise ConfigError(
                f"there are too few groups: none is left for {'training' if part == 'train' else part}",
                key="data.group",
                hint="smaller fractions, fewer folds, or no data.group",
            )
        raise ConfigError(
            f"training needs all {size} examples, at least one of each class: none is left for {part}",
            key=f"data.split.{part}" if part in request.fractions else "data.split",
            hint="leave it out, or add examples" if request.fold is None else "fewer folds, or leave it out",
        )


def _groups(dataset: Dataset, name: str | None) -> Array | None:
    """(N,) a number for each row's group, equal where the cells are."""
    if name is None:
        return None
    keys = keys_of(dataset, name, numeric=False)
    _require_known(dataset, name, "group", np.array([key is None for key in keys]))
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys.tolist()))}
    return np.array([numbers[key] for key in keys.tolist()])


def _order(dataset: Dataset, name: str | None, kinds: Mapping[str, ColumnKind]) -> Array | None:
    """(N,) each row's place: by time where dates are declared, by numbers where all are, else by text.

    Raises:
        ConfigError: dates that are not declared are not in the order of their text, as ISO dates are.
        DataError: a place is missing, or some are numbers or dates and others are not.
    """
    if name is None:
        return None
    declared = kinds.get(name)
    if isinstance(declared, Date):
        times = times_of(TrainingColumn(dataset, name, np.arange(dataset.size)), declared)
        _require_known(dataset, name, "order", np.isnan(times))
        return times
    column = dataset.column(name)
    numbers = as_numbers(column, dataset.numerals)
    missing = np.array([cell is None for cell in column]) if numbers is None else np.isnan(numbers)
    _require_known(dataset, name, "order", missing)
    if numbers is not None:
        return numbers if np.abs(numbers).max() <= EXACT else _ranks(exact_numbers(dataset, name))
    if are_other_dates(set(column.tolist())):
        raise ConfigError(
            f"column {name!r} holds dates such as {column[0]!r}, which do not sort by time as text",
            key="data.order",
            hint=f"data.types: {{{name}: date}}",
        )
    _refuse_mixture(dataset, name, "numbers", set(column[non_numbers(column, dataset.numerals)].tolist()))
    _refuse_mixture(dataset, name, "dates", misfits(ISO, set(column.tolist())))
    return _ranks(column)


def _ranks(values: Array) -> Array:
    """The place of each value among the different ones, ascending."""
    places = {value: place for place, value in enumerate(sorted(set(values.tolist())))}
    return np.array([places[value] for value in values.tolist()])


def _refuse_mixture(dataset: Dataset, name: str, what: str, others: set[str]) -> None:
    """All cells of a column of text are ``what``, or none: sorted as text, 10 stands before 9.

    ``others`` are the cells that are not.
    """
    strays = np.isin(dataset.column(name), list(others))
    if strays.any() and not strays.all():
        row = int(np.flatnonzero(strays)[0])
        count = f"{int(strays.sum())} of {len(strays)} cells"
        raise DataError(
            f"column {name!r}, data.order, holds {what}, but {dataset.column(name)[row]!r} here ({count})",
            where=dataset.where(row),
            hint="correct it, or leave the row out of the file",
        )


def _require_known(dataset: Dataset, name: str, use: str, missing: Array) -> None:
    if missing.any():
        row = int(np.flatnonzero(missing)[0])
        raise DataError(
            f"column {name!r}, data.{use}, is empty ({int(missing.sum())} in all)",
            where=dataset.where(row),
            hint="fill it in, or leave these rows out of the file",
        )
