"""What is to be learned: classes, labels or numbers; decided by the loss, the config and the targets."""

from __future__ import annotations

from typing import Literal

import numpy as np

from bpcli.data.encoding.classes import Classes, Label
from bpcli.data.encoding.labels import Labels
from bpcli.data.encoding.reals import Reals
from bpcli.data.encoding.scaling import Scaling, learn_scaling
from bpcli.data.encoding.selection import ArrayBlocks
from bpcli.data.encoding.shares import Shares
from bpcli.data.encoding.spelling import spelled_labels
from bpcli.data.encoding.summaries import extent, summary
from bpcli.data.encoding.target_cells import ANY_NUMBERS, keys_of, numbers_of, require_present, truths_as_numbers
from bpcli.data.files.cells import as_numbers, distinct, written
from bpcli.data.files.dataset import Dataset
from bpcli.errors import ConfigError
from bpcli.nn import IndexArray
from bpcli.nn.losses import TargetForm

Task = Literal["classification", "regression"]

ALWAYS: dict[Task, str] = {
    "classification": "a regression needs another loss: this one learns classes",
    "regression": "a classification needs another loss: this one learns numbers",
}
"""Why the other task is refused, for a loss that always has the same one."""


def task_of(dataset: Dataset, names: list[str], asked: Task | None, form: TargetForm) -> Task:
    """What is to be learned: as the loss implies, as asked, or as the targets look.

    Raises:
        ConfigError: what is asked for is not what the loss learns.
    """
    if form.task is not None:
        if asked not in (None, form.task):
            raise ConfigError(
                ALWAYS[form.task], key="data.task", hint=f"loss: half_squared_error, or task: {form.task}"
            )
        return form.task
    if asked is not None:
        return asked
    numeric = all(as_numbers(dataset.column(name), dataset.numerals) is not None for name in names)
    return "regression" if numeric and not dataset.holds_classes else "classification"


def learn_classes(datasets: list[Dataset], names: list[str], form: TargetForm) -> Classes | Labels | Shares:
    """The encoding of a classification, from every file at hand, so that no class is unknown later.

    Raises:
        ConfigError: the targets do not fit the loss.
        DataError: a target is missing, or a class is written in two ways.
    """
    if len(names) > 1:
        if form.class_indices:
            raise ConfigError(
                f"the loss takes one target column of classes, not {len(names)}",
                key="data.target",
                hint="several 0/1 columns are for binary_cross_entropy, their probabilities for kullback_leibler",
            )
        return Shares(tuple(names), form) if form.shares else _labels(datasets, names, form)
    name = names[0]
    if form.shares:
        raise ConfigError(
            f"the loss takes the probabilities of the classes, a target column for each, not {name!r} alone",
            key="data.target",
            hint="loss: cross_entropy takes a column of classes; or name the columns of probabilities",
        )
    for dataset in datasets:
        require_present(dataset, name, dataset.column(name), np.arange(dataset.size))
    whole = _whole_numbers(datasets, name, soft=_bounded(form))
    if whole is None:
        return _labels(datasets, names, form)
    labels: tuple[Label, ...] = (
        spelled_labels(datasets, name)
        if whole
        else tuple(sorted({str(key) for dataset in datasets for key in keys_of(dataset, name, numeric=False)}))
    )
    if len(labels) < 2:
        raise ConfigError(
            f"every target {name!r} is {labels[0]!r}: there is nothing to tell apart",
            key="data.target",
            hint="a classification needs two classes or more",
        )
    if form.class_indices:
        return Classes(name, labels, "index", form)
    return Classes(name, labels, "binary" if _bounded(form) and len(labels) == 2 else "one_hot", form)


def _labels(datasets: list[Dataset], names: list[str], form: TargetForm) -> Labels:
    """Columns of labels: one with a number besides 0 and 1 is written in the loss's codes already."""
    if (form.off, form.on) == (0.0, 1.0):
        return Labels(tuple(names), form)
    return Labels(tuple(names), form, tuple(name for name in names if not _all_truths(datasets, name)))


def _all_truths(datasets: list[Dataset], name: str) -> bool:
    """Whether a column holds truth values alone, or text that is refused later."""
    columns = [as_numbers(truths_as_numbers(dataset.column(name)), dataset.numerals) for dataset in datasets]
    return all(numbers is None or bool(np.isin(numbers[~np.isnan(numbers)], (0, 1)).all()) for numbers in columns)


def _bounded(form: TargetForm) -> bool:
    """Whether a single output has a target on either side: two classes, or a number between them."""
    return not form.class_indices and bool(np.isfinite(form.low) and np.isfinite(form.high))


def _whole_numbers(datasets: list[Dataset], name: str, *, soft: bool) -> bool | None:
    """Whether a target column holds whole numbers; it does not where it holds text.

    Where it holds fractions, which are no classes, None if the loss takes them (``soft``).
    """
    columns = [as_numbers(dataset.column(name), dataset.numerals) for dataset in datasets]
    if any(numbers is None for numbers in columns):
        return False
    values = distinct(np.concatenate([numbers for numbers in columns if numbers is not None]))
    fractions = values[values != np.round(values)]
    if not len(fractions):
        return True
    if soft:
        return None
    raise ConfigError(
        f"target {name!r} holds {written(float(fractions[0]))}, which is no class",
        key="data.target",
        hint="for a regression: loss: half_squared_error",
    )


def scaled_by_default(form: TargetForm, *, open_output: bool) -> bool:
    """Whether targets of a regression are scaled: if the output can follow, and the loss takes any number."""
    return open_output and not np.isfinite(form.low) and not np.isfinite(form.high)


def learn_reals(
    dataset: Dataset, names: list[str], rows: IndexArray, scale: str, form: TargetForm = ANY_NUMBERS
) -> Reals:
    """The encoding of a regression, from the training ``rows``.

    Raises:
        ConfigError: scaled targets leave the range that the loss takes.
        DataError: a target is missing, or float64 can't hold the scaling.
    """
    if scale != "none" and (np.isfinite(form.low) or np.isfinite(form.high)):
        raise ConfigError(
            f"the loss takes targets in {form.interval}, which scaled ones leave",
            key="data.scale_targets",
            hint="leave it out, or choose another loss",
        )
    numbers = ArrayBlocks(np.stack([numbers_of(dataset, name, rows, form=form) for name in names], axis=1))
    known = summary(numbers, extent(numbers), np.zeros(len(names)))
    scaling = learn_scaling(scale, known, names, dataset.path)
    return Reals(tuple(names), Scaling(scaling.shift, np.where(scaling.width == 0, 1.0, scaling.width)), form)
