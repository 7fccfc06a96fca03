"""An evaluation as CSV files in a folder of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from bpcli.reporting.curves import CURVES, curve_rows
from bpcli.reporting.evaluation import Evaluation
from bpcli.reporting.harmless import harmless
from bpcli.runs.new_folder import new_run_folder
from bpcli.storage.files import replacing
from bpcli.storage.text import to_csv

ROWS_AT_ONCE = 1 << 14
"""How many rows are formatted as one piece of text."""


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write metrics.csv and, of a classification, classes.csv, confusion.csv and the curves that exist.

    Of many classes there are none.

    Raises:
        ConfigError: the folder exists.
        SystemRefusedError: the system refuses to write.
    """
    with new_run_folder("", folder, lambda part: _write_files(evaluation, part)):
        pass


def _write_files(evaluation: Evaluation, folder: Path) -> None:
    metrics = {"loss": evaluation.loss, **evaluation.metrics}
    _write(folder / "metrics.csv", ["metric", "value"], metrics.items())
    if not evaluation.names:
        return
    _write(folder / "classes.csv", list(evaluation.classes[0]), (row.values() for row in evaluation.classes))
    _write(folder / "confusion.csv", *_confusion_table(evaluation))
    for name, columns in () if evaluation.many_classes else CURVES.items():
        rows = curve_rows(name, evaluation)
        first = next(rows, None)
        if first is not None:
            _write(folder / f"{name}.csv", list(columns), chain([first], rows))


def _confusion_table(evaluation: Evaluation) -> tuple[list[Any], Iterable[Iterable[Any]]]:
    """The header and the rows: a row for each class with a column for each, or one for each label.

    Of many classes there is a row for each confusion that occurs.
    """
    if evaluation.many_classes:
        return ["true", "predicted", "examples"], evaluation.confusions
    names, confusion = evaluation.names, evaluation.confusion
    if evaluation.of_labels:
        header = ["label", "true_no", "false_yes", "false_no", "true_yes"]
        return header, ([name, *matrix[0], *matrix[1]] for name, matrix in zip(names, confusion, strict=True))
    return ["class", *names], ([name, *row] for name, row in zip(names, confusion, strict=True))


def _write(path: Path, header: list[Any], rows: Iterable[Iterable[Any]]) -> None:
    with replacing(path) as file:
        for piece in _pieces(chain([header], rows)):
            file.write(piece.encode())


def _pieces(rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    remaining = iter(rows)
    while some := list(islice(remaining, ROWS_AT_ONCE)):
        yield to_csv(list(map(harmless, row)) for row in some)
