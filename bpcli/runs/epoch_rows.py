"""The rows of metrics.csv, timings.csv and digests.csv: appended epoch by epoch, cut back, and read back exactly."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.errors import DataError, refused
from bpcli.nn import Array
from bpcli.storage.bounded import read_regular
from bpcli.storage.files import cut, sync_file
from bpcli.storage.tables import GrowingTable
from bpcli.training.loop import Epoch

METRICS_FILE, TIMINGS_FILE, DIGESTS_FILE = "metrics.csv", "timings.csv", "digests.csv"

TABLES: Mapping[str, str] = {
    METRICS_FILE: "a row for each epoch: `epoch,step,learning_rate,loss,<metrics>,val_loss,val_<metrics>`",
    TIMINGS_FILE: "`epoch,train_seconds,validation_seconds`",
    DIGESTS_FILE: "`epoch,parameters`: the SHA-256 of all parameters after each epoch",
}
"""The files with a row for each epoch, and what it says."""

MOST_BYTES = 1 << 28
"""More than the rows of any training that ends."""

PARAMETERS = "parameters"
"""The column of digests.csv with the SHA-256 of θ."""

NOT_MEASURED = ("epoch", "step", "learning_rate")
"""The columns of metrics.csv that are no result."""


class EpochTables:
    """The tables of a run folder, held open while rows are appended to them."""

    def __init__(self, folder: Path) -> None:
        self._tables = {name: GrowingTable(folder / name) for name in TABLES}
        self._heads: dict[str, str] = {}

    def append(self, epoch: Epoch, theta: Array) -> None:
        """Append a row to every table; ``theta`` are the parameters that the epoch left, kept or not.

        Raises:
            SystemRefusedError: the system refused.
        """
        rows = _rows_of(epoch, theta)
        self._heads = self._heads or {name: ",".join(row) + "\n" for name, row in rows.items()}
        for name, row in rows.items():
            self._tables[name].append(self._heads[name], ",".join(map(str, row.values())) + "\n")

    def close(self) -> None:
        """Let go of the files."""
        for table in self._tables.values():
            table.close()


def rows_of(epoch: Epoch, theta: Array) -> dict[str, dict[str, str]]:
    """The row of each table, as text by column."""
    return {name: {key: str(value) for key, value in row.items()} for name, row in _rows_of(epoch, theta).items()}


def _rows_of(epoch: Epoch, theta: Array) -> dict[str, dict[str, object]]:
    return {
        METRICS_FILE: {"epoch": epoch.epoch, "step": epoch.step, "learning_rate": epoch.learning_rate, **epoch.values},
        TIMINGS_FILE: {
            "epoch": epoch.epoch,
            "train_seconds": epoch.train_seconds,
            "validation_seconds": epoch.validation_seconds,
        },
        DIGESTS_FILE: {"epoch": epoch.epoch, PARAMETERS: digest(theta)},
    }


def digest(theta: Array) -> str:
    """The SHA-256 of the bytes of θ, in hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(theta).data).hexdigest()


def sync(folder: Path) -> None:
    """Return once the rows are on the disk.

    Raises:
        SystemRefusedError: the system refused.
    """
    for name in TABLES:
        if (folder / name).exists():
            sync_file(folder / name)


def mark(path: Path) -> dict[str, Any]:
    """How many bytes a table has, and their SHA-256; none where there is no such file yet."""
    return _mark_of(_bytes(path))


def begins_with(path: Path, marked: Mapping[str, Any]) -> bool:
    """Whether a table begins with what :func:`mark` gave; rows may have followed."""
    return _mark_of(_bytes(path)[: marked["bytes"]]) == marked


def _mark_of(data: bytes) -> dict[str, Any]:
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def trim(folder: Path, epochs: int) -> None:
    """Cut every table to its header and the rows of the first ``epochs`` epochs; of none, to nothing.

    Raises:
        DataError: a table has fewer rows.
        SystemRefusedError: the system refused.
    """
    for name in TABLES:
        path = folder / name
        lines = _bytes(path).splitlines(keepends=True)
        kept = b"".join(lines[: epochs + 1 if epochs else 0])
        if epochs and (len(lines) <= epochs or not kept.endswith(b"\n")):
            message = f"it has no row of epoch {epochs}"
            raise DataError(message, where=str(path), hint="copy the run again")
        if path.exists():
            cut(path, len(kept))


def read_epochs(folder: Path) -> list[dict[str, float]]:
    """The rows of metrics.csv; none where there is no such file yet. A last row that is being written is left out.

    Raises:
        DataError: the file is malformed.
        SystemRefusedError: the system refused.
    """
    path = folder / METRICS_FILE
    try:
        return _rows(_whole_rows(path))
    except (ValueError, csv.Error) as error:
        raise DataError(f"malformed: {error}", where=str(path), hint="move the run away") from error


def read_rows(path: Path) -> list[dict[str, str]]:
    """The same of any table, as text.

    Raises:
        DataError: the file is malformed.
        SystemRefusedError: the system refused.
    """
    try:
        names, *rows = list(csv.reader(_whole_rows(path).splitlines())) or [[]]
        return [dict(zip(names, row, strict=True)) for row in rows]
    except (ValueError, csv.Error) as error:
        raise DataError(f"malformed: {error}", where=str(path), hint="move the run away") from error


def _whole_rows(path: Path) -> str:
    """The text of a table up to the end of its last whole row.

    Raises:
        ValueError: it is not UTF-8.
    """
    data = _bytes(path)
    return data[: data.rfind(b"\n") + 1].decode()


def _bytes(path: Path) -> bytes:
    """The bytes of a table; none where there is no file."""
    try:
        return read_regular(path, MOST_BYTES)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise refused("read", path, error) from error


def _rows(text: str) -> list[dict[str, float]]:
    """Each row by the names of its columns, epoch after epoch.

    Raises:
        ValueError, csv.Error: they are not what :class:`EpochTables` writes.
    """
    names, *rows = list(csv.reader(text.splitlines())) or [list(NOT_MEASURED)]
    if tuple(names[: len(NOT_MEASURED)]) != NOT_MEASURED or len(set(names)) < len(names):
        raise ValueError(f"its columns are not {', '.join(NOT_MEASURED)} and metrics")
    found = [{name: float(cell) for name, cell in zip(names, row, strict=True)} for row in rows]
    for epoch, row in enumerate(found, 1):
        if row["epoch"] != epoch:
            raise ValueError(f"the row of epoch {epoch} is of {row['epoch']:g}")
    return found


def measured(rows: list[dict[str, float]], epoch: int) -> dict[str, float]:
    """What was measured of an epoch; nothing where it has no row."""
    row = next((row for row in rows if row["epoch"] == epoch), {})
    return {key: value for key, value in row.items() if key not in NOT_MEASURED}
