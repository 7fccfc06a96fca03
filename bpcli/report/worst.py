"""The examples that a model is most wrong about: rows of the file, what was true, what was said, and how surely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bpcli.data.encoding.inputs import Input
from bpcli.data.loading import Part
from bpcli.nn import Array, IndexArray
from bpcli.nn.tallies import Judging
from bpcli.report.contents import Cell, Section, Table, Text, Thumbnail
from bpcli.report.wording import clipped, listed, number
from bpcli.reporting.evaluation import Evaluation
from bpcli.runs.model_file import Model
from bpcli.training.inference import losses

SHOWN = 8
"""How many examples are shown."""

CELLS = 4
"""How many columns of their file are shown of each."""

Columns = list[tuple[str, Sequence[Cell]]]
"""Columns of a table, each with its header; a column of the file may have the header of another."""


def largest_losses(model: Model, part: Part, shown: int = SHOWN, threads: int = 1) -> tuple[IndexArray, Array]:
    """The examples with the largest losses, the largest first, and these losses."""
    terms = losses(model.network, model.parameters, part, threads)
    worst = np.argsort(-terms, kind="stable")[:shown]
    return worst, terms[worst]


def worst_section(
    part: Part, evaluation: Evaluation, worst: IndexArray, terms: Array, *, images: Columns, cells: Columns
) -> Section:
    """The section about the ``worst`` examples of a part; ``images`` and ``cells`` are what their file has of them."""
    outputs = evaluation.outputs
    A, Y = outputs.outputs[:, worst], outputs.targets[..., worst]
    own: Columns = [("row", [f"{row:,}" for row in part.rows[worst]]), *images, *verdicts(evaluation, A, Y)]
    own.append(("loss", [number(term) for term in terms]))
    numbers = frozenset(place for place, (name, _) in enumerate(own) if name in NUMBERS)
    header, columns = zip(*own, *cells, strict=True)
    table = Table("The examples with the largest loss", header, list(zip(*columns, strict=True)), numbers)
    return Section("worst", "Where it errs most", [Text(_introduction(evaluation, A, Y)), table])


NUMBERS = ("row", "loss", "error", "how sure", "sure of the truth")
"""The columns that are set to the right."""


def _introduction(evaluation: Evaluation, A: Array, Y: Array) -> str:
    counted = "Rows count from 0, as in the file. The largest loss comes first"
    if evaluation.judging.of_numbers:
        return f"{counted}: the predictions that are furthest off."
    wrong = f"{_wrong(evaluation.judging, A, Y)} of these {A.shape[1]} are decided wrongly"
    return f"{counted}: the model trusted the truth least. {wrong}. Look here for wrong labels in the data."


def _wrong(judging: Judging, A: Array, Y: Array) -> int:
    """How many examples are decided wrongly, of labels in one or more."""
    if judging.labels:
        return int(((judging.middle < Y) != (judging.threshold < A)).any(axis=0).sum())
    return int((judging.true_classes(Y) != judging.decided_classes(A)).sum())


def verdicts(evaluation: Evaluation, A: Array, Y: Array) -> Columns:
    """What was true and what was said of examples with outputs A, (n, m), and targets Y, (m,) or (n, m)."""
    judging, names = evaluation.judging, [str(name) for name in evaluation.names]
    if judging.of_numbers:
        return _of_numbers(evaluation, A, Y)
    return _of_labels(judging, names, A, Y) if judging.labels else _of_classes(judging, names, A, Y)


def _of_classes(judging: Judging, names: Sequence[str], A: Array, Y: Array) -> Columns:
    true, said = judging.true_classes(Y), judging.decided_classes(A)
    found: Columns = [("true", [clipped(names[k]) for k in true]), ("said", [clipped(names[k]) for k in said])]
    if judging.probabilities:
        scores = A if judging.scoring == "largest" else np.concatenate([1 - A, A])
        every = np.arange(A.shape[1])
        found.append(("how sure", [number(value, 3) for value in scores[said, every]]))
        found.append(("sure of the truth", [number(value, 3) for value in scores[true, every]]))
    return found


def _of_labels(judging: Judging, names: Sequence[str], A: Array, Y: Array) -> Columns:
    """The labels of each example, and of those that are wrong the outputs."""
    true, said = judging.middle < Y, judging.threshold < A
    wrong = [
        listed(f"{names[k]} ({number(A[k, j], 3)})" for k in np.flatnonzero(true[:, j] != said[:, j]).tolist())
        for j in range(A.shape[1])
    ]
    return [
        ("true", [_those(names, true[:, j]) for j in range(A.shape[1])]),
        ("said", [_those(names, said[:, j]) for j in range(A.shape[1])]),
        ("wrong (output)", [text or "none" for text in wrong]),
    ]


def _those(names: Sequence[str], chosen: Array) -> str:
    return listed(names[k] for k in np.flatnonzero(chosen).tolist()) or "none"


def _of_numbers(evaluation: Evaluation, A: Array, Y: Array) -> Columns:
    """Targets and predictions in their own units; of several quantiles one after another."""
    judging, targets = evaluation.judging, evaluation.targets
    units, origins = np.reshape(judging.units, (-1, 1)), np.reshape(judging.origins, (-1, 1))
    said, true = A * units + origins, Y * units + origins
    found: Columns = []
    several = len(targets.names) > 1
    for place, name in enumerate(targets.names):
        outputs = slice(place, None, len(targets.names))  # by level, then by target
        of = f" {clipped(name)}" if several else ""
        found.append((f"true{of}", [number(value, 5) for value in true[outputs][0]]))
        found.append((f"said{of}", [" … ".join(number(value, 5) for value in column) for column in said[outputs].T]))
        if not judging.levels:
            found.append((f"error{of}", [number(value) for value in (said - true)[outputs][0]]))
    return found


def cells_of(names: Sequence[str], columns: Mapping[str, Any], rows: IndexArray) -> Columns:
    """What a file has in some rows of the columns ``names``."""
    return [(clipped(name), [_cell(columns[name][row]) for row in rows]) for name in names]


def _cell(value: object) -> str:
    if value is None or value != value:  # a missing number is NaN
        return "–"
    return number(value, 5) if isinstance(value, float) else clipped(str(value))


def thumbnails(rows: Sequence[int], X: Array, inputs: Sequence[Input], shape: tuple[int, int]) -> Columns:
    """Images of examples, their scaling undone, from X (n_0, m); the lowest grey level white and the highest black."""
    width, shift = (np.array([getattr(one, name) for one in inputs], np.float64) for name in ("width", "shift"))
    pixels = X.T * width + shift
    low, high = pixels.min(), pixels.max()
    grey = np.round(255 * (1 - (pixels - low) / max(high - low, 1e-30))).astype(np.uint8)
    images = [Thumbnail(each.reshape(shape), f"the image in row {row:,}") for row, each in zip(rows, grey, strict=True)]
    return [("image", images)]
