"""The predictions of each row by the run that was tested on it, as one CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bpcli.data.loading import Part
from bpcli.reporting.prediction import ROW, predict_part
from bpcli.runs.model_file import Model
from bpcli.storage.files import replacing
from bpcli.storage.text import to_csv

ROWS_AT_ONCE = 1 << 14
"""How many lines are written as one piece."""


@dataclass(frozen=True)
class Tested:
    """The predictions of one run's test part: header and lines; ``seed`` and ``fold`` say whose they are."""

    seed: int
    fold: int
    header: list[str]
    lines: list[list[str]]


def predict_test_part(model: Model, part: Part, seed: int, fold: int) -> Tested:
    """The predictions of a run's test part, the targets before them."""
    names = [name for name in model.targets.names if name not in (ROW, "prediction")]
    text = "".join(predict_part(model, part, names))
    header, *lines = csv.reader(io.StringIO(text, newline=""))
    return Tested(seed, fold, header, lines)


def write_predictions(path: Path, parts: Iterable[Tested]) -> None:
    """Write the lines of all runs in the order of rows, then of seeds, each with its seed and fold."""
    tested = list(parts)
    by_row = sorted(((int(line[0]), of.seed), of.fold, line) for of in tested for line in of.lines)
    lines: list[list[object]] = [[*place, fold, *line[1:]] for place, fold, line in by_row]
    with replacing(path) as file:
        for piece in _pieces([ROW, "seed", "fold", *tested[0].header[1:]], lines):
            file.write(piece.encode())


def _pieces(header: list[str], lines: list[list[object]]) -> Iterator[str]:
    yield to_csv([header])
    for start in range(0, len(lines), ROWS_AT_ONCE):
        yield to_csv(lines[start : start + ROWS_AT_ONCE])
