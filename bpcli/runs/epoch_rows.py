"""The rows of metrics.csv and timings.csv: appended epoch by epoch, and read back exactly."""

from __future__ import annotations

import csv
from pathlib import Path

from bpcli.storage.files import append
from bpcli.training.loop import Epoch

METRICS_FILE, TIMINGS_FILE = "metrics.csv", "timings.csv"

NOT_MEASURED = ("epoch", "step", "learning_rate")
"""The columns of metrics.csv that are no result."""


def append_epoch(folder: Path, epoch: Epoch) -> None:
    """Append a row to metrics.csv and to timings.csv."""
    row = {"epoch": epoch.epoch, "step": epoch.step, "learning_rate": epoch.learning_rate, **epoch.values}
    times = {
        "epoch": epoch.epoch,
        "train_seconds": epoch.train_seconds,
        "validation_seconds": epoch.validation_seconds,
    }
    for name, values in ((METRICS_FILE, row), (TIMINGS_FILE, times)):
        head = ",".join(values) + "\n" if epoch.epoch == 1 else ""
        append(folder / name, head + ",".join(map(repr, values.values())) + "\n")


def read_epochs(folder: Path) -> list[dict[str, float]]:
    """The rows of metrics.csv; none where there is no such file yet.

    Raises:
        ValueError, TypeError: the file is malformed.
    """
    path = folder / METRICS_FILE
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def measured(rows: list[dict[str, float]], epoch: int) -> dict[str, float]:
    """What was measured of an epoch; nothing where it has no row."""
    row = next((row for row in rows if row["epoch"] == epoch), {})
    return {key: value for key, value in row.items() if key not in NOT_MEASURED}
